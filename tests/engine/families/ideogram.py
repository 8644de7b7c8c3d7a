"""Ideogram 4."""

from typing import Any

from diffusers.models.transformers.transformer_ideogram4 import Ideogram4Transformer2DModel
from diffusers.pipelines.ideogram4.pipeline_ideogram4 import QWEN3_VL_ACTIVATION_LAYERS, Ideogram4Pipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_flux_2_autoencoder, make_loud, make_qwen_tokenizer, seeing_settings
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel

from onetrainer_web.config.enums import ModelType


def ideogram_parts() -> dict[str, Any]:
    """A tiny one."""
    tokenizer = make_qwen_tokenizer()
    num_layers = QWEN3_VL_ACTIVATION_LAYERS[-1] + 1
    settings = seeing_settings(tokenizer, num_layers, deepstack_visual_indexes=[0])
    transformer = _make_transformer()
    make_loud(transformer, "llm_cond_proj.weight")
    return {
        "transformer": transformer,
        "unconditional_transformer": _make_transformer(),
        "vae": make_flux_2_autoencoder(num_levels=4),  # the shift of noise levels counts pixels
        "text_encoder": Qwen3VLModel(Qwen3VLConfig(**settings)),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(),
        "prompt_enhancer_head": None,
    }


def _make_transformer() -> Ideogram4Transformer2DModel:
    return Ideogram4Transformer2DModel(
        in_channels=16,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        intermediate_size=32,
        adaln_dim=16,
        llm_features_dim=len(QWEN3_VL_ACTIVATION_LAYERS) * WIDTH,
        mrope_section=(4, 2, 2),
    )


CASES = [Case(ModelType.IDEOGRAM_4, ideogram_parts, Ideogram4Pipeline, call={"guidance_schedule": None})]
