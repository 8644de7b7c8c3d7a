"""PixArt Alpha, which is told the size of pictures, and Sigma."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
from diffusers.pipelines.pixart_alpha.pipeline_pixart_alpha import PixArtAlphaPipeline
from diffusers.pipelines.pixart_alpha.pipeline_pixart_sigma import PixArtSigmaPipeline
from tests.engine.family_case import SAMPLE, Case
from tests.engine.tiny_models import (
    WIDTH,
    make_autoencoder,
    make_diffusion_scheduler,
    make_t5,
    make_t5_tokenizer,
    spread,
)

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_pixart(folder: Path, pipeline: str, sample_size: int) -> Path:
    """A PixArt in diffusers' layout; with a sample size of 128 it is told the size of pictures."""
    torch.manual_seed(1)
    tokenizer = make_t5_tokenizer()
    networks: dict[str, Any] = {
        "transformer": PixArtTransformer2DModel(
            num_attention_heads=3,  # Alpha puts three numbers side by side
            attention_head_dim=8,
            cross_attention_dim=24,
            num_layers=2,
            sample_size=sample_size,
            caption_channels=WIDTH,
        ),
        "vae": make_autoencoder(),
        "text_encoder": make_t5(tokenizer),
    }
    for network in networks.values():
        spread(network.eval())
    others = {"tokenizer": tokenizer, "scheduler": make_diffusion_scheduler("epsilon")}
    write_folder(folder, pipeline, {**networks, **others}, None)
    return folder


CALL = {"negative_prompt": SAMPLE["negative_prompt"], "use_resolution_binning": False, "clean_caption": False}
CASES = [
    Case(
        ModelType.PIXART_ALPHA,
        lambda folder: make_pixart(folder, "PixArtAlphaPipeline", 128),
        PixArtAlphaPipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA",),
        {"transformer": {"gradient_checkpointing": False}},
        call=CALL,
    ),
    Case(
        ModelType.PIXART_SIGMA,
        lambda folder: make_pixart(folder, "PixArtSigmaPipeline", 8),
        PixArtSigmaPipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA",),
        {"transformer": {"gradient_checkpointing": False}},
        call=CALL,
    ),
]
