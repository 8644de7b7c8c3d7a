"""Krea 2."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.transformer_krea2 import Krea2Transformer2DModel
from diffusers.pipelines.krea2.pipeline_krea2 import Krea2Pipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_qwen_autoencoder, make_qwen_tokenizer, spread
from transformers.models.qwen3_vl.configuration_qwen3_vl import Qwen3VLConfig
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_krea_2(folder: Path) -> Path:
    """A tiny one."""
    torch.manual_seed(1)
    tokenizer = make_qwen_tokenizer()
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 32,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
    }
    vision = {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": WIDTH,
        "deepstack_visual_indexes": [0],
    }
    networks: dict[str, Any] = {
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
        "text_encoder": Qwen3VLModel(Qwen3VLConfig(text_config=text, vision_config=vision)),
    }
    for network in networks.values():
        spread(network.eval())
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    parts = {**networks, "tokenizer": tokenizer, "scheduler": scheduler}
    settings = {"text_encoder_select_layers": [1, 2], "is_distilled": False, "patch_size": 2}
    write_folder(folder, "Krea2Pipeline", parts, None, settings)
    return folder


CASES = [
    Case(
        ModelType.KREA_2,
        make_krea_2,
        Krea2Pipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA",),
        trains_text=False,
        own_sampler=True,
    )
]
