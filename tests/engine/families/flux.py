"""FLUX.1."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.pipelines.flux.pipeline_flux import FluxPipeline
from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import INPAINTING, SAMPLE, Case, inpainting_call
from tests.engine.tiny_models import (
    WIDTH,
    make_autoencoder,
    make_clip_config,
    make_t5,
    make_t5_tokenizer,
    make_tokenizer,
    spread,
    without_spread,
)
from transformers.models.clip.modeling_clip import CLIPTextModel

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.patches import to_patches
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_flux(folder: Path, *, inpaints: bool = False) -> Path:
    """The same of FLUX.1."""
    torch.manual_seed(1)
    tokenizer, words = make_tokenizer(), make_t5_tokenizer()
    networks: dict[str, Any] = {
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
    }
    for network in networks.values():
        spread(network.eval())
    if inpaints:
        without_spread(networks["vae"])
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15)
    others = {"tokenizer": tokenizer, "tokenizer_2": words, "scheduler": scheduler}
    write_folder(folder, f"Flux{'Fill' if inpaints else ''}Pipeline", {**networks, **others}, None)
    return folder


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
        make_flux,
        FluxPipeline,
        ("text_encoder", "text_encoder_2"),
        ("DIFFUSERS_LORA",),
        SETTINGS,
        own_sampler=True,
        call={"max_sequence_length": 20},
    ),
    Case(
        ModelType.FLUX_FILL_DEV_1,
        lambda folder: make_flux(folder, inpaints=True),
        FluxFillPipeline,
        ("text_encoder", "text_encoder_2"),
        ("DIFFUSERS_LORA",),
        SETTINGS,
        own_sampler=True,
        call=inpainting_call(max_sequence_length=20, latents=NOISE),
        sample=INPAINTING,
    ),
]
