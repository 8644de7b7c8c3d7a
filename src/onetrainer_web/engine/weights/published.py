"""How large the models were published, for those whose files are not here: settings of their networks by part.

What is not said has the default of its class in diffusers or transformers, which for many is what was published.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.engine.weights import stable_diffusion_file as first

Settings = Mapping[str, Any]

_CLIP: Settings = {"hidden_act": "quick_gelu", "max_position_embeddings": 77, "vocab_size": 49408}
CLIP_L: Settings = {**_CLIP, **first.CLIP_L_SIZE}
CLIP_G: Settings = {**_CLIP, **first.CLIP_G_SIZE}
CLIP_H: Settings = {**_CLIP, **first._CLIP_H_SIZE}
_T5_SIZE: Settings = {"d_model": 4096, "d_ff": 10240, "d_kv": 64, "num_layers": 24, "num_heads": 64}
T5: Settings = {**_T5_SIZE, "vocab_size": 32128, "feed_forward_proj": "gated-gelu"}
UMT5: Settings = {**T5, "vocab_size": 256384}
PILE_T5: Settings = {**T5, "d_model": 2048, "d_ff": 5120, "num_heads": 32}
"""AuraFlow's."""


def _language(hidden: int, inner: int, layers: int, heads: int, kv_heads: int, words: int, **others: Any) -> Settings:
    """A decoder as Llama has made them usual."""
    size = {"hidden_size": hidden, "intermediate_size": inner, "num_hidden_layers": layers}
    return {
        **size,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "vocab_size": words,
        "head_dim": 128,
        "use_cache": False,
        **others,
    }


LLAMA_8B = _language(4096, 14336, 32, 32, 8, 128256)
GEMMA_2B = _language(2304, 9216, 26, 8, 4, 256000, head_dim=256)
GLM_9B = _language(4096, 13696, 40, 32, 2, 151552)
QWEN_3_17B = _language(2048, 6144, 28, 16, 8, 151936)
QWEN_3_4B = _language(2560, 9728, 36, 32, 8, 151936)
QWEN_3_8B = _language(4096, 12288, 36, 32, 8, 151936)
QWEN_25_VL: Settings = {
    "text_config": {
        name: size for name, size in _language(3584, 18944, 28, 28, 4, 152064).items() if "dim" not in name
    },
    "vision_config": {
        **{"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584}
    },
}
QWEN_3_VL: Settings = {
    "text_config": {**QWEN_3_4B, "rope_scaling": {"rope_type": "default", "mrope_section": [24, 20, 20]}},
    "vision_config": {"depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "out_hidden_size": 2560},
}
MINISTRAL_3B: Settings = {"text_config": {"model_type": "mistral", **_language(3072, 9216, 26, 32, 8, 131072)}}
MISTRAL_24B: Settings = {"text_config": {"model_type": "mistral", **_language(5120, 32768, 40, 32, 8, 131072)}}
VAE_4: Settings = first._VAE
VAE_16: Settings = {
    **{**first._VAE, "latent_channels": 16, "shift_factor": 0.1159, "scaling_factor": 0.3611},
    **{"use_quant_conv": False, "use_post_quant_conv": False},
}
"""FLUX.1's, which many others use."""
VAE_SANA: Settings = dict.fromkeys(
    ("encoder_block_types", "decoder_block_types"), ("ResBlock",) * 3 + ("EfficientViTBlock",) * 3
)
SD3_MEDIUM: Settings = {
    **{"sample_size": 128, "in_channels": 16, "out_channels": 16, "num_layers": 24, "num_attention_heads": 24},
    **{"attention_head_dim": 64, "joint_attention_dim": 4096, "caption_projection_dim": 1536},
    **{"pooled_projection_dim": 2048, "pos_embed_max_size": 192},
}
SD35_MEDIUM: Settings = {
    **{**SD3_MEDIUM, "qk_norm": "rms_norm", "dual_attention_layers": tuple(range(13)), "pos_embed_max_size": 384}
}
SD35_LARGE: Settings = {
    **{**SD3_MEDIUM, "num_layers": 38, "num_attention_heads": 38, "caption_projection_dim": 2432},
    "qk_norm": "rms_norm",
}
PIXART_ALPHA: Settings = {"sample_size": 128, "caption_channels": 4096, "num_layers": 28}
CASCADE: Settings = {
    **{"in_channels": 16, "out_channels": 16, "timestep_ratio_embedding_dim": 64, "patch_size": 1},
    **{"conditioning_dim": 2048, "block_out_channels": (2048, 2048), "num_attention_heads": (32, 32)},
    **{"down_num_layers_per_block": (8, 24), "up_num_layers_per_block": (24, 8), "switch_level": (False,)},
    **{"down_blocks_repeat_mappers": (1, 1), "up_blocks_repeat_mappers": (1, 1), "dropout": (0.1, 0.1)},
    "block_types_per_layer": (("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock"),) * 2,
    **{"clip_text_in_channels": 1280, "clip_text_pooled_in_channels": 1280, "clip_image_in_channels": 768},
    "timestep_conditioning_type": ("sca", "crp"),
}
WUERSTCHEN: Settings = {"c": 1536, "c_cond": 1280, "c_r": 64, "depth": 32, "nhead": 24}
HI_DREAM: Settings = {
    **{"patch_size": 2, "in_channels": 16, "out_channels": 16, "num_layers": 16, "num_single_layers": 32},
    **{"attention_head_dim": 128, "num_attention_heads": 20, "caption_channels": [4096, 4096], "text_emb_dim": 2048},
    **{"num_routed_experts": 4, "num_activated_experts": 2, "axes_dims_rope": (64, 32, 32)},
    **{"max_resolution": (128, 128), "llama_layers": list(range(48))},
}
ERNIE: Settings = {
    **{"hidden_size": 4096, "num_attention_heads": 32, "num_layers": 36, "ffn_hidden_size": 12288},
    "text_in_dim": 3072,
}
COGVIEW_4: Settings = {"attention_head_dim": 128, "num_attention_heads": 32, "num_layers": 28}
_KANDINSKY: Settings = {"in_visual_dim": 16, "out_visual_dim": 16, "num_text_blocks": 2}
KANDINSKY_5_IMAGE: Settings = {
    **{**_KANDINSKY, "model_dim": 2560, "ff_dim": 10240, "num_visual_blocks": 50, "axes_dims": (32, 48, 48)}
}
KANDINSKY_5_VIDEO: Settings = {
    **{**_KANDINSKY, "model_dim": 1792, "ff_dim": 7168, "num_visual_blocks": 32, "axes_dims": (16, 24, 24)},
    "visual_cond": True,
}
KLEIN_4B: Settings = {
    **{"num_layers": 5, "num_single_layers": 20, "num_attention_heads": 24, "joint_attention_dim": 7680},
    "guidance_embeds": False,
}
KLEIN_9B: Settings = {
    **{"num_layers": 8, "num_single_layers": 24, "num_attention_heads": 32, "joint_attention_dim": 12288},
    "guidance_embeds": False,
}
WAN_SMALL: Settings = {"num_attention_heads": 12, "ffn_dim": 8960, "num_layers": 30}

_PARTS: Mapping[str, Mapping[str, Settings]] = MappingProxyType(
    {
        "stable_diffusion": {"vae": VAE_4, "text_encoder": CLIP_H, "unet": first._UNET_2},
        "stable_diffusion_xl": {
            **{"vae": VAE_4, "text_encoder": CLIP_L, "text_encoder_2": CLIP_G},
            "unet": first._UNET_XL,
        },
        "stable_diffusion_3": {
            **{"vae": VAE_16, "text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "text_encoder_3": T5},
            "transformer": SD3_MEDIUM,
        },
        "flux": {
            **{"vae": VAE_16, "text_encoder": CLIP_L, "text_encoder_2": T5},
            "transformer": {"guidance_embeds": True},
        },
        "flux_2": {"text_encoder": QWEN_3_4B, "transformer": KLEIN_4B},
        "chroma": {"vae": VAE_16, "text_encoder": T5},
        "pixart": {"vae": VAE_4, "text_encoder": T5, "transformer": PIXART_ALPHA},
        "hi_dream": {
            **{"vae": VAE_16, "text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "text_encoder_3": T5},
            **{"text_encoder_4": LLAMA_8B, "transformer": HI_DREAM},
        },
        "hunyuan_video": {"text_encoder": LLAMA_8B, "text_encoder_2": CLIP_L},
        "aura_flow": {"vae": VAE_4, "text_encoder": PILE_T5},
        "cogview_4": {"vae": VAE_16, "text_encoder": GLM_9B, "transformer": COGVIEW_4},
        "ernie": {"text_encoder": MINISTRAL_3B, "transformer": ERNIE},
        "kandinsky_5": {
            **{"vae": VAE_16, "text_encoder": QWEN_25_VL, "text_encoder_2": CLIP_L},
            "transformer": KANDINSKY_5_IMAGE,
        },
        "krea2": {"text_encoder": QWEN_3_VL},
        "ltx_video": {"text_encoder": T5},
        "lumina_2": {"vae": VAE_16, "text_encoder": GEMMA_2B, "transformer": {"cap_feat_dim": 2304}},
        "ovis_image": {"vae": VAE_16, "text_encoder": QWEN_3_17B},
        "qwen": {"text_encoder": QWEN_25_VL},
        "sana": {"vae": VAE_SANA, "text_encoder": GEMMA_2B},
        "wan": {"text_encoder": UMT5},
        "wuerstchen": {"text_encoder": CLIP_G, "prior": CASCADE},
        "z_image": {"vae": VAE_16, "text_encoder": QWEN_3_4B},
    }
)
"""By family."""
_OTHERS: Mapping[ModelType, Mapping[str, Settings]] = MappingProxyType(
    {
        **dict.fromkeys(
            (ModelType.STABLE_DIFFUSION_15, ModelType.STABLE_DIFFUSION_15_INPAINTING),
            {"text_encoder": CLIP_L, "unet": first._UNET_1},
        ),
        ModelType.STABLE_DIFFUSION_35: {"transformer": SD35_MEDIUM},
        ModelType.PIXART_SIGMA: {"transformer": {**PIXART_ALPHA, "use_additional_conditions": False}},
        ModelType.WUERSTCHEN_2: {"prior": WUERSTCHEN},
        ModelType.KANDINSKY_5_VIDEO: {"vae": {}, "transformer": KANDINSKY_5_VIDEO},
    }
)
"""What types differ in from their family."""
_NAMED: Mapping[tuple[ModelType, str], Mapping[str, Settings]] = MappingProxyType(
    {
        (ModelType.STABLE_DIFFUSION_35, "large"): {"transformer": SD35_LARGE},
        (ModelType.FLUX_2, "9b"): {"text_encoder": QWEN_3_8B, "transformer": KLEIN_9B},
        (ModelType.FLUX_2, "flux.2-dev"): {"text_encoder": MISTRAL_24B, "transformer": {}},
        (ModelType.WAN_21, "1.3b"): {"transformer": WAN_SMALL},
    }
)
"""Sizes of a type that only the name of a model tells, in lower case."""
UNKNOWN = ("decoder", "decoder_text_encoder", "decoder_vqgan", "effnet_encoder")
"""Parts whose settings are not here."""


def published_settings(model_type: ModelType, model_name: str, part: str) -> Settings:
    """What a network of a model was made with, as far as it is not the default of its class.

    Args:
        model_type: Of the model.
        model_name: As configured, since some publications differ in size.
        part: Key of the network, such as `unet`.
    """
    found = {**_PARTS.get(facts(model_type).family, {}), **_OTHERS.get(model_type, {})}
    for (named_type, word), parts in _NAMED.items():
        if named_type is model_type and word in model_name.lower():
            found |= parts
    settings = found.get(part, {})
    channels = _INPUTS.get(model_type)
    return {**settings, **channels} if channels and part == facts(model_type).denoiser else settings


_INPUTS: Mapping[ModelType, Settings] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                ModelType.STABLE_DIFFUSION_15_INPAINTING,
                ModelType.STABLE_DIFFUSION_20_INPAINTING,
                ModelType.STABLE_DIFFUSION_XL_10_BASE_INPAINTING,
            ),
            {"in_channels": 9},
        ),
        ModelType.STABLE_DIFFUSION_20_DEPTH: {"in_channels": 5},
        ModelType.FLUX_FILL_DEV_1: {"in_channels": 384, "out_channels": 64},
    }
)
"""What models take that are shown pictures beside the noise."""
