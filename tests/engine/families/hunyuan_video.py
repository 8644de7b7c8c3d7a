"""Hunyuan Video."""

from typing import Any

from diffusers.models.autoencoders.autoencoder_kl_hunyuan_video import AutoencoderKLHunyuanVideo
from diffusers.models.transformers.transformer_hunyuan_video import HunyuanVideoTransformer3DModel
from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import HunyuanVideoPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import (
    WIDTH,
    language_settings,
    make_clip_config,
    make_gemma_tokenizer,
    make_tokenizer,
    shorten_template,
)
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaModel

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.families.hunyuan_video import CROPPED, TEMPLATE
from onetrainer_web.engine.parts.clip import CLIP_LENGTH


def hunyuan_video_parts() -> dict[str, Any]:
    """A Hunyuan Video in diffusers' layout."""
    words, tokenizer = make_gemma_tokenizer(), make_tokenizer()
    words.padding_side = "right"
    shorten_template(words, TEMPLATE, CROPPED)
    clip_config = make_clip_config(tokenizer)
    clip_config.max_position_embeddings = CLIP_LENGTH  # the pipeline asks for no other
    return {
        "transformer": HunyuanVideoTransformer3DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=16,
            num_layers=1,
            num_single_layers=1,
            num_refiner_layers=1,
            text_embed_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            rope_axes_dim=(4, 6, 6),
        ),
        "vae": AutoencoderKLHunyuanVideo(
            latent_channels=4, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4
        ),
        "text_encoder": LlamaModel(LlamaConfig(**language_settings(words, num_layers=3))),
        "text_encoder_2": CLIPTextModel(clip_config),
        "tokenizer": words,
        "tokenizer_2": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=7.0),
    }


CASES = [
    Case(
        ModelType.HUNYUAN_VIDEO,
        hunyuan_video_parts,
        HunyuanVideoPipeline,
        settings={"transformer": {"gradient_checkpointing": False, "guidance_scale": 6.0}},
        call={},
    )
]
