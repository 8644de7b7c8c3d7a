"""Wan."""

from typing import Any

from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from diffusers.pipelines.wan.pipeline_wan import WanPipeline
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_t5_tokenizer, make_umt5

from onetrainer_web.config.enums import ModelType


def wan_parts() -> dict[str, Any]:
    """A Wan in diffusers' layout."""
    tokenizer = make_t5_tokenizer()
    return {
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
        "tokenizer": tokenizer,
        "scheduler": UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    }


CASES = [
    Case(
        ModelType.WAN_21,
        wan_parts,
        WanPipeline,
    )
]
