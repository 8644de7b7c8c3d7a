"""CogView4."""

from typing import Any

from diffusers.models.transformers.transformer_cogview4 import CogView4Transformer2DModel
from diffusers.pipelines.cogview4.pipeline_cogview4 import CogView4Pipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, language_settings, make_autoencoder, make_qwen_tokenizer
from transformers.models.glm.configuration_glm import GlmConfig
from transformers.models.glm.modeling_glm import GlmModel
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.config.enums import ModelType


def cogview_4_parts() -> dict[str, Any]:
    """A tiny one, whose tokenizer fills prompts up in front of them; its pictures are four times the usual size."""
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=make_qwen_tokenizer().backend_tokenizer, pad_token="<|endoftext|>", padding_side="left"
    )
    return {
        "transformer": CogView4Transformer2DModel(
            in_channels=4,
            out_channels=4,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=2,
            text_embed_dim=WIDTH,
            time_embed_dim=16,
            condition_dim=8,
        ),
        "vae": make_autoencoder(),
        "text_encoder": GlmModel(GlmConfig(**language_settings(tokenizer), pad_token_id=0)),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(
            base_shift=0.25,
            max_shift=0.75,
            base_image_seq_len=64,
            use_dynamic_shifting=True,
            time_shift_type="linear",
        ),
    }


NEGATIVE = {"negative_prompt": "blue, and longer than the prompt"}
CASES = [Case(ModelType.COGVIEW_4, cogview_4_parts, CogView4Pipeline, call=NEGATIVE, sample=NEGATIVE)]
