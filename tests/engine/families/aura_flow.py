"""AuraFlow."""

from typing import Any

from diffusers.models.transformers.auraflow_transformer_2d import AuraFlowTransformer2DModel
from diffusers.pipelines.aura_flow.pipeline_aura_flow import AuraFlowPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_autoencoder, make_loud, make_t5_tokenizer, make_umt5

from onetrainer_web.config.enums import ModelType


def aura_flow_parts(places: int = 32) -> dict[str, Any]:
    """An AuraFlow in diffusers' layout, with so many places along a side."""
    tokenizer = make_t5_tokenizer()
    transformer = AuraFlowTransformer2DModel(
        sample_size=32,
        num_mmdit_layers=1,
        num_single_dit_layers=1,
        attention_head_dim=8,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        caption_projection_dim=16,
        pos_embed_max_size=places**2,
    )
    make_loud(transformer, "to_v.weight", "add_v_proj.weight", "to_out.0.weight", "norm1.linear.weight")
    return {
        "transformer": transformer,
        "vae": make_autoencoder(),
        "text_encoder": make_umt5(tokenizer),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=1.73),
    }


CASES = [
    Case(
        ModelType.AURA_FLOW,
        aura_flow_parts,
        AuraFlowPipeline,
    )
]
