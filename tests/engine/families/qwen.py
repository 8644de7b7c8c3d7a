"""Qwen-Image."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.transformer_qwenimage import QwenImageTransformer2DModel
from diffusers.pipelines.qwenimage.pipeline_qwenimage import QwenImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import SAMPLE, Case
from tests.engine.tiny_models import WIDTH, make_qwen_autoencoder, make_qwen_tokenizer, spread
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_qwen(folder: Path) -> Path:
    """A tiny one."""
    torch.manual_seed(1)
    tokenizer = make_qwen_tokenizer()
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": WIDTH,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [1, 1, 2]},
    }
    vision = {
        "depth": 1,
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_heads": 2,
        "out_hidden_size": WIDTH,
        "fullatt_block_indexes": [0],
    }
    networks: dict[str, Any] = {
        "transformer": QwenImageTransformer2DModel(
            in_channels=16,
            out_channels=4,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            axes_dims_rope=(4, 6, 6),
        ),
        "vae": make_qwen_autoencoder(),
        "text_encoder": Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision)),
    }
    for network in networks.values():
        spread(network.eval())
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=0.9)
    write_folder(folder, "QwenImagePipeline", {**networks, "tokenizer": tokenizer, "scheduler": scheduler}, None)
    return folder


CASES = [
    Case(
        ModelType.QWEN,
        make_qwen,
        QwenImagePipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA", "KOHYA_LORA", "COMFY_LORA"),
        {"dynamic_timestep_shifting": True},
        denoiser_only=("KOHYA_LORA", "COMFY_LORA"),
        own_sampler=True,
        call={"true_cfg_scale": SAMPLE["cfg_scale"], "negative_prompt": SAMPLE["negative_prompt"]},
    )
]
