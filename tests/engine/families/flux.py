"""FLUX.1."""

from functools import partial
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline
from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline
from diffusers.pipelines.flux.pipeline_flux_kontext import FluxKontextPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import INPAINTING, SAMPLE, Case, base_picture, inpainting_call
from tests.engine.tiny_models import (
    WIDTH,
    make_autoencoder,
    make_clip_config,
    make_t5,
    make_t5_tokenizer,
    make_tokenizer,
)
from transformers.models.clip.modeling_clip import CLIPTextModel

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.parts.patches import to_patches


def flux_parts(*, inpaints: bool = False) -> dict[str, Any]:
    """The same of FLUX.1."""
    tokenizer, words = make_tokenizer(), make_t5_tokenizer()
    return {
        "transformer": FluxTransformer2DModel(
            in_channels=48 if inpaints else 16,
            out_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            guidance_embeds=True,
            axes_dims_rope=(4, 6, 6),
        ),
        "vae": make_autoencoder(shift_factor=0.1),
        "text_encoder": CLIPTextModel(make_clip_config(tokenizer)),
        "text_encoder_2": make_t5(words),
        "tokenizer": tokenizer,
        "tokenizer_2": words,
        "scheduler": FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15),
    }


# diffusers draws the latents of the whole picture before it draws the noise; given the noise, it starts where we do.
NOISE = to_patches(torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(SAMPLE["seed"])))
SETTINGS: dict[str, Any] = {
    "text_encoder_2_sequence_length": 20,
    "dynamic_timestep_shifting": True,
    "transformer": {"gradient_checkpointing": False, "guidance_scale": 3.5},
}
CASES = [
    Case(
        ModelType.FLUX_DEV_1,
        flux_parts,
        FluxPipeline,
        settings=SETTINGS,
        call={"max_sequence_length": 20},
    ),
    Case(
        ModelType.FLUX_FILL_DEV_1,
        partial(flux_parts, inpaints=True),
        FluxFillPipeline,
        settings=SETTINGS,
        call=inpainting_call(max_sequence_length=20, latents=NOISE),
        sample=INPAINTING,
    ),
    Case(
        ModelType.FLUX_KONTEXT_DEV_1,
        flux_parts,
        FluxKontextPipeline,
        settings=SETTINGS,
        # Otherwise it is given one of the sizes of its training, and so is the picture.
        call={"max_sequence_length": 20, "image": base_picture(), "max_area": 64 * 64, "_auto_resize": False},
        sample={"sample_inpainting": True, "base_image_path": "base.png"},
        index={"image_encoder": [None, None], "feature_extractor": [None, None]},
    ),
]
