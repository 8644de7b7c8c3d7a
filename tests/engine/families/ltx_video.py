"""LTX-Video."""

from typing import Any

from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from diffusers.models.transformers.transformer_ltx import LTXVideoTransformer3DModel
from diffusers.pipelines.ltx.pipeline_ltx import LTXPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_t5, make_t5_tokenizer

from onetrainer_web.config.enums import ModelType


def ltx_video_parts() -> dict[str, Any]:
    """An LTX-Video in diffusers' layout."""
    tokenizer = make_t5_tokenizer()
    return {
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
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05),
    }


CASES = [
    Case(
        ModelType.LTX_VIDEO,
        ltx_video_parts,
        LTXPipeline,
        settings={"dynamic_timestep_shifting": True},
    )
]
