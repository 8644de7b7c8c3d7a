"""Sana."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
from diffusers.models.transformers.sana_transformer import SanaTransformer2DModel
from diffusers.pipelines.sana.pipeline_sana import SanaPipeline
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from tests.engine.family_case import SAMPLE, Case
from tests.engine.tiny_models import WIDTH, make_gemma, make_gemma_tokenizer, spread

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_sana(folder: Path) -> Path:
    """A Sana in diffusers' layout, whose autoencoder divides both sides by 4."""
    torch.manual_seed(1)
    tokenizer = make_gemma_tokenizer()
    networks: dict[str, Any] = {
        "transformer": SanaTransformer2DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=2,
            num_cross_attention_heads=2,
            cross_attention_head_dim=8,
            cross_attention_dim=WIDTH,
            caption_channels=WIDTH,
        ),
        "vae": AutoencoderDC(
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"),
            decoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"),
            encoder_block_out_channels=(8, 8, 16),
            decoder_block_out_channels=(8, 8, 16),
            encoder_layers_per_block=(1, 1, 1),
            decoder_layers_per_block=(1, 1, 1),
            encoder_qkv_multiscales=((), (), (5,)),
            decoder_qkv_multiscales=((), (), (5,)),
            scaling_factor=0.41,
        ),
        "text_encoder": make_gemma(tokenizer),
    }
    for network in networks.values():
        spread(network.eval())
    scheduler = DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, final_sigmas_type="zero"
    )
    write_folder(folder, "SanaPipeline", {**networks, "tokenizer": tokenizer, "scheduler": scheduler}, None)
    return folder


CASES = [
    Case(
        ModelType.SANA,
        make_sana,
        SanaPipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA",),
        {"transformer": {"gradient_checkpointing": False}},
        own_sampler=True,
        call={
            "negative_prompt": SAMPLE["negative_prompt"],
            "use_resolution_binning": False,
            "complex_human_instruction": None,
        },
    )
]
