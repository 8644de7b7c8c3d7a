"""Stable Diffusion 3.5, which has all that 3 has and more."""

from typing import Any

import torch
from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel
from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import StableDiffusion3Pipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import (
    WIDTH,
    make_autoencoder,
    make_clip_config,
    make_t5,
    make_t5_tokenizer,
    make_tokenizer,
)
from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection

from onetrainer_web.config.enums import ModelType


def stable_diffusion_3_parts(places: int = 24) -> dict[str, Any]:
    """A tiny one, with so many places along a side."""
    tokenizer, words = make_tokenizer(), make_t5_tokenizer()
    first, second = CLIPTextModelWithProjection(make_clip_config(tokenizer)), make_clip_config(tokenizer)
    torch.nn.init.eye_(first.text_projection.weight)  # diffusers takes no other one from a single file
    second.hidden_size = second.projection_dim = 2 * WIDTH  # and tells the encoders in one apart by it
    return {
        "transformer": SD3Transformer2DModel(
            sample_size=32,
            in_channels=4,
            out_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=4 * WIDTH,
            caption_projection_dim=32,
            pooled_projection_dim=3 * WIDTH,
            pos_embed_max_size=places,
            dual_attention_layers=(0,),
            qk_norm="rms_norm",
        ),
        "vae": make_autoencoder(shift_factor=0.1),
        "text_encoder": first,
        "text_encoder_2": CLIPTextModelWithProjection(second),
        "text_encoder_3": make_t5(words, 4 * WIDTH),
        "tokenizer": tokenizer,
        "tokenizer_2": tokenizer,
        "tokenizer_3": words,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
    }


CASES = [
    Case(
        ModelType.STABLE_DIFFUSION_35,
        stable_diffusion_3_parts,
        StableDiffusion3Pipeline,
        denoiser_only=("ORIGINAL_SINGLE_FILE",),
    )
]
