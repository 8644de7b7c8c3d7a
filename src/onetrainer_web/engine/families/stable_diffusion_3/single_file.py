"""The layout of Stable Diffusion 3 and 3.5 as one file: all sizes, which their tensors tell apart."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.engine.families.stable_diffusion_3.names import stable_diffusion_3_places
from onetrainer_web.engine.seams.places import Naming, Place, naming_by
from onetrainer_web.engine.weights.original_file import OriginalLayout, OriginalPart
from onetrainer_web.engine.weights.stable_diffusion_file import (
    CLIP_G,
    CLIP_G_SIZE,
    CLIP_L,
    CLIP_L_SIZE,
    autoencoder_part,
    same_names,
)

_HEAD = 64
_TRANSFORMER: dict[str, Any] = {
    "sample_size": 128,
    "in_channels": 16,
    "out_channels": 16,
    "attention_head_dim": _HEAD,
    "joint_attention_dim": 4096,
    "pooled_projection_dim": 2048,
}
_T5_XXL: dict[str, Any] = {
    "d_model": 4096,
    "d_ff": 10240,
    "num_layers": 24,
    "num_heads": 64,
    "feed_forward_proj": "gated-gelu",
}


def _measure(tensors: Mapping[str, Tensor]) -> Mapping[str, Any]:
    """What tells medium from large, and 3 from 3.5."""
    blocks = {int(name.split(".")[1]) for name in tensors if name.startswith("joint_blocks.")}
    dual = sorted(number for number in blocks if f"joint_blocks.{number}.x_block.attn2.qkv.weight" in tensors)
    width = len(tensors["x_embedder.proj.bias"])
    return {
        "num_layers": len(blocks),
        "num_attention_heads": width // _HEAD,
        "caption_projection_dim": width,
        "pos_embed_max_size": math.isqrt(tensors["pos_embed"].shape[1]),
        "dual_attention_layers": dual,
        "qk_norm": "rms_norm" if "joint_blocks.0.x_block.attn.ln_q.weight" in tensors else None,
    }


def _transformer_places(settings: Mapping[str, Any]) -> Naming:
    return naming_by(stable_diffusion_3_places(settings["num_layers"]))


def _t5_places(settings: Mapping[str, Any]) -> Naming:
    """Such files hold the vocabulary twice."""
    del settings
    return lambda name: Place(name, is_copy=name == "encoder.embed_tokens.weight")


def _clip(component: str, name: str, size: Mapping[str, Any], **others: Any) -> OriginalPart:
    prefix = f"text_encoders.{name}.transformer."
    return OriginalPart(component, CLIPTextModelWithProjection, prefix, same_names, size, **others)


def _identity(shape: torch.Size) -> Tensor:
    """The summary of CLIP-L is taken as it is."""
    return torch.eye(*shape)


STABLE_DIFFUSION_3 = OriginalLayout(
    "a Stable Diffusion 3 model in one file",
    (
        OriginalPart(
            "transformer", SD3Transformer2DModel, "model.diffusion_model.", _transformer_places, _TRANSFORMER, _measure
        ),
        autoencoder_part(
            latent_channels=16,
            sample_size=1024,
            scaling_factor=1.5305,
            shift_factor=0.0609,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        _clip("text_encoder", "clip_l", CLIP_L_SIZE, left_out={"text_projection.weight": _identity}),
        _clip("text_encoder_2", "clip_g", CLIP_G_SIZE),
        OriginalPart("text_encoder_3", T5EncoderModel, "text_encoders.t5xxl.transformer.", _t5_places, _T5_XXL),
    ),
    FlowMatchEulerDiscreteScheduler,
    {"shift": 3.0},
    {"tokenizer": CLIP_L, "tokenizer_2": CLIP_G, "tokenizer_3": (T5Tokenizer, "google/t5-v1_1-xxl", None)},
)
