"""Ovis-Image."""

from typing import Any

from diffusers.models.transformers.transformer_ovis_image import OvisImageTransformer2DModel
from diffusers.pipelines.ovis_image.pipeline_ovis_image import OvisImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import (
    WIDTH,
    language_settings,
    make_autoencoder,
    make_loud,
    make_qwen_tokenizer,
    shorten_template,
)
from transformers.models.qwen3.configuration_qwen3 import Qwen3Config
from transformers.models.qwen3.modeling_qwen3 import Qwen3Model

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.families.ovis_image import PREFACE, PREFACE_LENGTH


def ovis_image_parts() -> dict[str, Any]:
    """A tiny one, with words so loud that the few of a prompt show among the 256 that the transformer sees."""
    tokenizer = make_qwen_tokenizer()
    shorten_template(tokenizer, f"<|im_start|>user\n{PREFACE}{{}}", PREFACE_LENGTH)
    transformer = OvisImageTransformer2DModel(
        in_channels=16,
        out_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        axes_dims_rope=(4, 6, 6),
    )
    make_loud(transformer, "add_v_proj.weight", "norm_added_k.weight", "attn.to_out.0.weight")
    return {
        "transformer": transformer,
        "vae": make_autoencoder(shift_factor=0.1),
        "text_encoder": Qwen3Model(Qwen3Config(**language_settings(tokenizer))),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.7, max_shift=1.4),
    }


CASES = [Case(ModelType.OVIS_IMAGE, ovis_image_parts, OvisImagePipeline)]
