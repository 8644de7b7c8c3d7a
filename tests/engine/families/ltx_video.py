"""LTX-Video."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from diffusers.models.transformers.transformer_ltx import LTXVideoTransformer3DModel
from diffusers.pipelines.ltx.pipeline_ltx import LTXPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_t5, make_t5_tokenizer, spread

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_ltx_video(folder: Path) -> Path:
    """An LTX-Video in diffusers' layout."""
    torch.manual_seed(1)
    tokenizer = make_t5_tokenizer()
    networks: dict[str, Any] = {
        "transformer": LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=48,
            cross_attention_dim=96,
            num_layers=2,
            caption_channels=WIDTH,
        ),
        "vae": AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
        ),
        "text_encoder": make_t5(tokenizer),
    }
    for network in networks.values():
        spread(network.eval())
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05)
    write_folder(folder, "LTXPipeline", {**networks, "tokenizer": tokenizer, "scheduler": scheduler}, None)
    return folder


CASES = [
    Case(
        ModelType.LTX_VIDEO,
        make_ltx_video,
        LTXPipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA",),
        {"transformer": {"gradient_checkpointing": False}, "dynamic_timestep_shifting": True},
        is_video=True,
        own_sampler=True,
    )
]
