"""Anima."""

from types import SimpleNamespace
from typing import Any, Self

from diffusers.models.condition_embedders.condition_embedder_anima import AnimaTextConditioner
from diffusers.models.transformers.transformer_cosmos import CosmosTransformer3DModel
from diffusers.modular_pipelines.anima.modular_pipeline import AnimaModularPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import (
    WIDTH,
    language_settings,
    make_loud,
    make_qwen_autoencoder,
    make_qwen_tokenizer,
    make_t5_tokenizer,
)
from transformers.models.qwen3.configuration_qwen3 import Qwen3Config
from transformers.models.qwen3.modeling_qwen3 import Qwen3Model

from onetrainer_web.config.enums import ModelType


class WholePipeline(AnimaModularPipeline):
    """The pipeline of blocks, loaded and called as the others are."""

    @classmethod
    def from_pretrained(cls, folder: Any, **others: Any) -> Self:
        """All of its components."""
        pipeline: Any = super().from_pretrained(folder, **others)
        pipeline.load_components()
        return pipeline

    def __call__(self, *, guidance_scale: float, **told: Any) -> Any:
        """The pictures, guided by a part of its own."""
        from diffusers.guiders.classifier_free_guidance import ClassifierFreeGuidance  # where kornia is whole

        self.update_components(guider=ClassifierFreeGuidance(guidance_scale=guidance_scale))
        return SimpleNamespace(images=super().__call__(output="images", **told))


def anima_parts() -> dict[str, Any]:
    """A tiny one."""
    tokenizer, t5_tokenizer = make_qwen_tokenizer(), make_t5_tokenizer()
    transformer = CosmosTransformer3DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=2,
        mlp_ratio=2.0,
        text_embed_dim=WIDTH,
        adaln_lora_dim=8,
        max_size=(4, 32, 32),
        rope_scale=(1.0, 4.0, 4.0),
        extra_pos_embed_type=None,
    )
    make_loud(transformer, "attn2.to_v.weight", "attn2.to_out.0.weight")
    conditioner = AnimaTextConditioner(
        source_dim=WIDTH,
        target_dim=WIDTH,
        model_dim=WIDTH,
        num_layers=2,
        num_attention_heads=2,
        target_vocab_size=len(t5_tokenizer),
    )
    return {
        "transformer": transformer,
        "text_conditioner": conditioner,
        "vae": make_qwen_autoencoder(),
        "text_encoder": Qwen3Model(Qwen3Config(**language_settings(tokenizer))),
        "tokenizer": tokenizer,
        "t5_tokenizer": t5_tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
    }


CASES = [Case(ModelType.ANIMA, anima_parts, WholePipeline, index={"_blocks_class_name": "AnimaAutoBlocks"})]
