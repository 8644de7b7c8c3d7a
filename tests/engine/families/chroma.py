"""Chroma1."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.transformer_chroma import ChromaTransformer2DModel
from diffusers.pipelines.chroma.pipeline_chroma import ChromaPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_autoencoder, make_t5_tokenizer, spread
from transformers.models.t5.configuration_t5 import T5Config
from transformers.models.t5.modeling_t5 import T5EncoderModel

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


class MaskedChromaPipeline(ChromaPipeline):
    """The pipeline with what diffusers 0.42 has wrong put right.

    Its mask is made of numbers that hide nothing, where the model was trained with truth values; and it takes T5 for
    CLIP when it loads adapters, which fails.
    """

    _lora_loadable_modules = ("transformer",)

    def _prepare_attention_mask(self, *args: Any, **others: Any) -> Any:
        return super()._prepare_attention_mask(*args, **others).bool()

    @classmethod
    def load_lora_into_text_encoder(cls, *_args: Any, **_others: Any) -> None:
        """Left to the test."""


def make_chroma(folder: Path) -> Path:
    """A tiny one."""
    torch.manual_seed(1)
    words = make_t5_tokenizer()
    networks: dict[str, Any] = {
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
        "text_encoder": T5EncoderModel(
            T5Config(vocab_size=len(words), d_model=WIDTH, d_ff=32, d_kv=8, num_layers=2, num_heads=2)
        ),
    }
    for network in networks.values():
        spread(network.eval())
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    write_folder(folder, "ChromaPipeline", {**networks, "tokenizer": words, "scheduler": scheduler}, None)
    return folder


CASES = [
    Case(
        ModelType.CHROMA_1,
        make_chroma,
        MaskedChromaPipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA",),
        own_sampler=True,
    )
]
