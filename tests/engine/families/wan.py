"""Wan."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from diffusers.pipelines.wan.pipeline_wan import WanPipeline
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_t5_tokenizer, make_umt5, spread

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_wan(folder: Path) -> Path:
    """A Wan in diffusers' layout."""
    torch.manual_seed(1)
    tokenizer = make_t5_tokenizer()
    networks: dict[str, Any] = {
        "transformer": WanTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=24,
            in_channels=4,
            out_channels=4,
            text_dim=WIDTH,
            freq_dim=16,
            ffn_dim=96,
            num_layers=2,
            rope_max_seq_len=64,
        ),
        "vae": AutoencoderKLWan(
            base_dim=4,
            z_dim=4,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            latents_mean=[0.1, -0.2, 0.3, 0.0],
            latents_std=[4.0, 2.5, 3.0, 3.5],
        ),
        "text_encoder": make_umt5(tokenizer),
    }
    for network in networks.values():
        spread(network.eval())
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    write_folder(folder, "WanPipeline", {**networks, "tokenizer": tokenizer, "scheduler": scheduler}, None)
    return folder


CASES = [
    Case(
        ModelType.WAN_21,
        make_wan,
        WanPipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA",),
        {"transformer": {"gradient_checkpointing": False}},
        is_video=True,
        own_sampler=True,
    )
]
