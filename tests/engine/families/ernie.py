"""ERNIE-Image."""

from typing import Any

from diffusers.models.transformers.transformer_ernie_image import ErnieImageTransformer2DModel
from diffusers.pipelines.ernie_image.pipeline_ernie_image import ErnieImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_flux_2_autoencoder, make_loud, make_mistral_config, make_qwen_tokenizer
from transformers.models.mistral3.modeling_mistral3 import Mistral3Model
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.config.enums import ModelType


def ernie_parts() -> dict[str, Any]:
    """A tiny one."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=make_qwen_tokenizer().backend_tokenizer, pad_token="<|endoftext|>", model_max_length=64
    )
    transformer = ErnieImageTransformer2DModel(
        hidden_size=32,
        num_attention_heads=2,
        num_layers=2,
        ffn_hidden_size=32,
        in_channels=16,
        out_channels=16,
        text_in_dim=WIDTH,
        rope_axes_dim=(4, 6, 6),
    )
    make_loud(transformer, "to_v.weight", "to_out.0.weight")
    return {
        "transformer": transformer,
        "vae": make_flux_2_autoencoder(),
        "text_encoder": Mistral3Model(make_mistral_config(tokenizer, num_layers=2)),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
    }


CASES = [
    Case(
        ModelType.ERNIE,
        ernie_parts,
        ErnieImagePipeline,
    )
]
