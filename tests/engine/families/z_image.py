"""Z-Image."""

from typing import Any

from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, language_settings, make_autoencoder, make_qwen_tokenizer
from transformers.models.qwen3.configuration_qwen3 import Qwen3Config
from transformers.models.qwen3.modeling_qwen3 import Qwen3Model

from onetrainer_web.config.enums import ModelType


def z_image_parts() -> dict[str, Any]:
    """A tiny one."""
    tokenizer = make_qwen_tokenizer()
    return {
        "transformer": ZImageTransformer2DModel(
            in_channels=4,
            dim=24,
            n_layers=2,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=WIDTH,
            axes_dims=[4, 4, 4],
            axes_lens=[1024, 64, 64],
        ),
        "vae": make_autoencoder(shift_factor=0.1),
        "text_encoder": Qwen3Model(Qwen3Config(**language_settings(tokenizer))),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
    }


CASES = [
    Case(
        ModelType.Z_IMAGE,
        z_image_parts,
        ZImagePipeline,
        adapter_formats=("DIFFUSERS_LORA", "KOHYA_LORA", "COMFY_LORA"),
    )
]
