"""Stable Diffusion 3.5, which has all that 3 has and more."""

from pathlib import Path
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
    make_t5_tokenizer,
    make_tokenizer,
    spread,
)
from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection
from transformers.models.t5.configuration_t5 import T5Config
from transformers.models.t5.modeling_t5 import T5EncoderModel

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_stable_diffusion_3(folder: Path) -> Path:
    """A tiny one."""
    torch.manual_seed(1)
    tokenizer, words = make_tokenizer(), make_t5_tokenizer()
    networks: dict[str, Any] = {
        "transformer": SD3Transformer2DModel(
            sample_size=32,
            in_channels=4,
            out_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=3 * WIDTH,
            caption_projection_dim=32,
            pooled_projection_dim=2 * WIDTH,
            pos_embed_max_size=24,
            dual_attention_layers=(0,),
            qk_norm="rms_norm",
        ),
        "vae": make_autoencoder(shift_factor=0.1),
        "text_encoder": CLIPTextModelWithProjection(make_clip_config(tokenizer)),
        "text_encoder_2": CLIPTextModelWithProjection(make_clip_config(tokenizer)),
        "text_encoder_3": T5EncoderModel(
            T5Config(vocab_size=len(words), d_model=3 * WIDTH, d_ff=32, d_kv=8, num_layers=2, num_heads=2)
        ),
    }
    for network in networks.values():
        spread(network.eval())
    others = {"tokenizer": tokenizer, "tokenizer_2": tokenizer, "tokenizer_3": words}
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    write_folder(folder, "StableDiffusion3Pipeline", {**networks, **others, "scheduler": scheduler}, None)
    return folder


CASES = [
    Case(
        ModelType.STABLE_DIFFUSION_35,
        make_stable_diffusion_3,
        StableDiffusion3Pipeline,
        ("text_encoder", "text_encoder_2", "text_encoder_3"),
        ("DIFFUSERS_LORA",),
        own_sampler=True,
    )
]
