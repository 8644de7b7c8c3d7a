"""HiDream-I1."""

from typing import Any

from diffusers.models.transformers.transformer_hidream_image import HiDreamImageTransformer2DModel
from diffusers.pipelines.hidream_image.pipeline_hidream_image import HiDreamImagePipeline
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import (
    WIDTH,
    language_settings,
    make_autoencoder,
    make_clip_config,
    make_qwen_tokenizer,
    make_t5,
    make_t5_tokenizer,
    make_tokenizer,
)
from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaForCausalLM
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.families.hi_dream import LENGTH


class SmallPipeline(HiDreamImagePipeline):
    """The pipeline for small pictures; its own draws everything with as many pixels as 1024 · 1024."""

    default_sample_size = property(lambda _self: 32, lambda _self, _size: None)  # pyright: ignore[reportAssignmentType]


def hi_dream_parts() -> dict[str, Any]:
    """A tiny one."""
    tokenizer, words = make_tokenizer(), make_t5_tokenizer()
    tokenizer_4 = PreTrainedTokenizerFast(
        tokenizer_object=make_qwen_tokenizer().backend_tokenizer, eos_token="<|endoftext|>", bos_token="<|im_start|>"
    )
    clip = make_clip_config(tokenizer)
    clip.max_position_embeddings = LENGTH
    return {
        "transformer": HiDreamImageTransformer2DModel(
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            caption_channels=[WIDTH, WIDTH],
            text_emb_dim=2 * WIDTH,
            num_routed_experts=2,
            num_activated_experts=1,
            axes_dims_rope=(8, 4, 4),
            max_resolution=(32, 32),
            llama_layers=[0, 1],
        ),
        "vae": make_autoencoder(shift_factor=0.1),
        "text_encoder": CLIPTextModelWithProjection(clip),
        "text_encoder_2": CLIPTextModelWithProjection(clip),
        "text_encoder_3": make_t5(words),
        "text_encoder_4": LlamaForCausalLM(LlamaConfig(**language_settings(tokenizer_4))),
        "tokenizer": tokenizer,
        "tokenizer_2": tokenizer,
        "tokenizer_3": words,
        "tokenizer_4": tokenizer_4,
        "scheduler": UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0),
    }


CASES = [
    Case(
        ModelType.HI_DREAM_FULL,
        hi_dream_parts,
        SmallPipeline,
        denoiser_only=("DIFFUSERS_LORA",),
    )
]
