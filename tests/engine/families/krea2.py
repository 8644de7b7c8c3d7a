"""Krea 2."""

from typing import Any

from diffusers.models.transformers.transformer_krea2 import Krea2Transformer2DModel
from diffusers.pipelines.krea2.pipeline_krea2 import Krea2Pipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_qwen_autoencoder, make_qwen_tokenizer, seeing_settings
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel

from onetrainer_web.config.enums import ModelType


def krea_2_parts() -> dict[str, Any]:
    """A tiny one."""
    tokenizer = make_qwen_tokenizer()
    return {
        "transformer": Krea2Transformer2DModel(
            in_channels=16,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            num_key_value_heads=1,
            intermediate_size=32,
            timestep_embed_dim=16,
            text_hidden_dim=WIDTH,
            num_text_layers=2,
            text_num_attention_heads=2,
            text_num_key_value_heads=1,
            text_intermediate_size=32,
            num_layerwise_text_blocks=1,
            num_refiner_text_blocks=1,
            axes_dims_rope=(4, 6, 6),
        ),
        "vae": make_qwen_autoencoder(),
        "text_encoder": Qwen3VLModel(Qwen3VLConfig(**seeing_settings(tokenizer, 3, deepstack_visual_indexes=[0]))),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    }


CASES = [
    Case(
        ModelType.KREA_2,
        krea_2_parts,
        Krea2Pipeline,
        index={"text_encoder_select_layers": [1, 2], "is_distilled": False, "patch_size": 2},
    )
]
