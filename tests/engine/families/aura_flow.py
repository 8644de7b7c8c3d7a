"""AuraFlow."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.auraflow_transformer_2d import AuraFlowTransformer2DModel
from diffusers.pipelines.aura_flow.pipeline_aura_flow import AuraFlowPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_autoencoder, make_t5_tokenizer, make_umt5, spread

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_aura_flow(folder: Path) -> Path:
    """An AuraFlow in diffusers' layout."""
    torch.manual_seed(1)
    tokenizer = make_t5_tokenizer()
    networks: dict[str, Any] = {
        "transformer": AuraFlowTransformer2DModel(
            sample_size=32,
            num_mmdit_layers=1,
            num_single_dit_layers=1,
            attention_head_dim=8,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            caption_projection_dim=16,
            pos_embed_max_size=1024,
        ),
        "vae": make_autoencoder(),
        "text_encoder": make_umt5(tokenizer),
    }
    for network in networks.values():
        spread(network.eval())
    scheduler = FlowMatchEulerDiscreteScheduler(shift=1.73)
    write_folder(folder, "AuraFlowPipeline", {**networks, "tokenizer": tokenizer, "scheduler": scheduler}, None)
    return folder


CASES = [
    Case(
        ModelType.AURA_FLOW,
        make_aura_flow,
        AuraFlowPipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA",),
        {"transformer": {"gradient_checkpointing": False}},
        own_sampler=True,
    )
]
