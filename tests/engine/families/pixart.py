"""PixArt Alpha, which is told the size of pictures, and Sigma."""

from functools import partial
from typing import Any

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
)

from onetrainer_web.config.enums import ModelType


def pixart_parts(sample_size: int) -> dict[str, Any]:
    """A PixArt in diffusers' layout; with a sample size of 128 it is told the size of pictures."""
    tokenizer = make_t5_tokenizer()
    return {
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
        "tokenizer": tokenizer,
        "scheduler": make_diffusion_scheduler("epsilon"),
    }


CALL = {"negative_prompt": SAMPLE["negative_prompt"], "use_resolution_binning": False, "clean_caption": False}
CASES = [
    Case(
        ModelType.PIXART_ALPHA,
        partial(pixart_parts, 128),
        PixArtAlphaPipeline,
        call=CALL,
    ),
    Case(
        ModelType.PIXART_SIGMA,
        partial(pixart_parts, 8),
        PixArtSigmaPipeline,
        call=CALL,
    ),
]
