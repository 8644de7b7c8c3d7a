"""Qwen-Image."""

from typing import Any

from diffusers.models.transformers.transformer_qwenimage import QwenImageTransformer2DModel
from diffusers.pipelines.qwenimage.pipeline_qwenimage import QwenImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import SAMPLE, Case
from tests.engine.tiny_models import WIDTH, make_qwen_autoencoder, make_qwen_tokenizer, seeing_settings
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

from onetrainer_web.config.enums import ModelType


def qwen_parts() -> dict[str, Any]:
    """A tiny one."""
    tokenizer = make_qwen_tokenizer()
    return {
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
        "text_encoder": Qwen2_5_VLForConditionalGeneration(
            Qwen2_5_VLConfig(**seeing_settings(tokenizer, fullatt_block_indexes=[0]))
        ),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=0.9),
    }


CASES = [
    Case(
        ModelType.QWEN,
        qwen_parts,
        QwenImagePipeline,
        adapter_formats=("DIFFUSERS_LORA", "KOHYA_LORA", "COMFY_LORA"),
        settings={"dynamic_timestep_shifting": True},
        denoiser_only=("KOHYA_LORA", "COMFY_LORA"),
        call={"true_cfg_scale": SAMPLE["cfg_scale"], "negative_prompt": SAMPLE["negative_prompt"]},
    )
]
