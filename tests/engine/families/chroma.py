"""Chroma1."""

from typing import Any

from diffusers.models.transformers.transformer_chroma import ChromaTransformer2DModel
from diffusers.pipelines.chroma.pipeline_chroma import ChromaPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_autoencoder, make_t5, make_t5_tokenizer

from onetrainer_web.config.enums import ModelType


class MaskedChromaPipeline(ChromaPipeline):
    """The pipeline with what diffusers 0.42 has wrong put right.

    Its mask is made of numbers that hide nothing, where the model was trained with truth values; and it takes T5 for
    CLIP when it loads adapters, which fails.
    """

    _lora_loadable_modules = ("transformer",)

    def _prepare_attention_mask(self, *args: Any, **others: Any) -> Any:
        mask: Any = super()._prepare_attention_mask(*args, **others)
        return mask.bool()

    @classmethod
    def load_lora_into_text_encoder(cls, *_args: Any, **_others: Any) -> None:
        """Left to the test."""


def chroma_parts() -> dict[str, Any]:
    """A tiny one."""
    words = make_t5_tokenizer()
    return {
        "transformer": ChromaTransformer2DModel(
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            axes_dims_rope=(4, 6, 6),
            approximator_num_channels=16,
            approximator_hidden_dim=16,
            approximator_layers=1,
        ),
        "vae": make_autoencoder(shift_factor=0.1),
        "text_encoder": make_t5(words),
        "tokenizer": words,
        "scheduler": FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    }


CASES = [
    Case(
        ModelType.CHROMA_1,
        chroma_parts,
        MaskedChromaPipeline,
    )
]
