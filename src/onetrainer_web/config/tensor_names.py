"""What tensors in model files are called besides the weights of layers, and what stands in front of their names.

For the trainer, which reads them, and for what tells of a file without reading it.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

DENOISER_PREFIXES = ("model.diffusion_model.", "diffusion_model.", "net.")
"""What programs put in front of the names of a denoiser that stands alone."""
OTHER_NETWORKS = ("llm_adapter.",)
"""How names of networks begin that stand within a denoiser and are parts of their own here."""
OTHER_PARTS = (
    *("text_encoders.", "vae.", "first_stage_model.", "cond_stage_model.", "conditioner."),
    *OTHER_NETWORKS,
)
"""How names of what is no denoiser begin in files whose denoiser has no prefix."""
UNUSED = re.compile(
    # Lumina's and Z-Image's makers never apply this one.
    r"norm_final\.weight$"
    # Tables that are computed, and what is used in comparing prompts with pictures alone.
    r"|(^|\.)(position_ids|attn_mask|inv_freq|logit_scale|text_projection(\.weight)?)$"
    # Averages of the weights beside them, and the noise schedule.
    r"|^(model_ema|loss|first_stage_model\.loss|denoiser)\."
    r"|^(betas|log_|logvar|sqrt_|alphas_|posterior_|lvlb_weights|ztsnr|v_pred|scale_factor)"
)
"""Names of tensors that no program needs."""
MARKERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "v_pred": {"prediction_type": "v_prediction"},
        "ztsnr": {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"},
    }
)
"""Names of empty tensors by which ComfyUI, Forge and A1111 know what a model predicts, and what they stand for."""

SCALES = (".scale_weight", ".weight_scale", ".weight_scale_inv")
INPUT_SCALES = (".scale_input", ".input_scale")
SCALE_DESCRIPTION = ".comfy_quant"
"""JSON in bytes that names the format of a layer."""
SCALED_MARKER = "scaled_fp8"

BUNDLE = "bundle_emb"
"""In front of the vectors of embeddings in an adapter file."""
ALONE = "emb_params"
"""What A1111 called the vectors of a model with one CLIP; InvokeAI knows them by this name only."""
OTHER_VECTOR_NAMES: Mapping[str, str] = MappingProxyType({"emp_params": ALONE, "t5": "t5xxl"})
"""OneTrainer's, by those that ComfyUI and InvokeAI look for."""
OUTPUT_VECTORS = "_out"
