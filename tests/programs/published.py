"""Models of the published sizes on the `meta` device, and adapters of all of their layers."""

import math
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.models.unets.unet_stable_cascade import StableCascadeUNet
from torch import Tensor, nn
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    Gemma2Config,
    Gemma2Model,
    LlamaConfig,
    LlamaForCausalLM,
    LlamaModel,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    T5Config,
    T5EncoderModel,
    T5GemmaModuleConfig,
    UMT5Config,
    UMT5EncoderModel,
)
from transformers.models.t5gemma.modeling_t5gemma import T5GemmaEncoder

from onetrainer_web.config.adapter_keys import DOWN, LENGTHS, UP
from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import MODEL_TYPES, facts
from onetrainer_web.config.model_facts import ModelFacts
from onetrainer_web.config.readers import AdapterKind
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.seams.interfaces import Family, Model
from onetrainer_web.engine.seams.places import to_places
from onetrainer_web.engine.weights import stable_diffusion_file as sizes
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.original_file import empty_network

RANK = 4
TEXT = ("lora_te", "lora_prior_te", "text_encoder")
"""How the keys of text encoders begin in adapter files."""
_SD3: dict[str, Any] = {
    **{"sample_size": 128, "in_channels": 16, "out_channels": 16, "num_layers": 24, "num_attention_heads": 24},
    **{"attention_head_dim": 64, "joint_attention_dim": 4096, "caption_projection_dim": 1536},
    **{"pooled_projection_dim": 2048, "pos_embed_max_size": 192},
}
_MEDIUM = {"qk_norm": "rms_norm", "dual_attention_layers": tuple(range(13)), "pos_embed_max_size": 384}
_PIXART = {"sample_size": 128, "caption_channels": 4096, "num_layers": 28}
_CASCADE: dict[str, Any] = {
    **{"in_channels": 16, "out_channels": 16, "timestep_ratio_embedding_dim": 64, "patch_size": 1},
    **{"conditioning_dim": 2048, "block_out_channels": (2048, 2048), "num_attention_heads": (32, 32)},
    **{"down_num_layers_per_block": (8, 24), "up_num_layers_per_block": (24, 8), "switch_level": (False,)},
    **{"down_blocks_repeat_mappers": (1, 1), "up_blocks_repeat_mappers": (1, 1), "dropout": (0.1, 0.1)},
    "block_types_per_layer": (("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock"),) * 2,
    **{"clip_text_in_channels": 1280, "clip_text_pooled_in_channels": 1280, "clip_image_in_channels": 768},
    "timestep_conditioning_type": ("sca", "crp"),
}
_HI_DREAM: dict[str, Any] = {
    **{"patch_size": 2, "in_channels": 16, "out_channels": 16, "num_layers": 16, "num_single_layers": 32},
    **{"attention_head_dim": 128, "num_attention_heads": 20, "caption_channels": [4096, 4096], "text_emb_dim": 2048},
    **{"num_routed_experts": 4, "num_activated_experts": 2, "axes_dims_rope": (64, 32, 32)},
    **{"max_resolution": (128, 128), "llama_layers": list(range(48))},
}
_ANIMA: dict[str, Any] = {
    **{"num_attention_heads": 16, "attention_head_dim": 128, "num_layers": 28, "text_embed_dim": 1024},
    **{"adaln_lora_dim": 256, "rope_scale": (1.0, 4.0, 4.0), "extra_pos_embed_type": None},
}
SIZES: Mapping[ModelType, Mapping[str, Any]] = {
    ModelType.STABLE_DIFFUSION_15: sizes._UNET_1,
    # ComfyUI looks into the numbers of the other ones of 2.x, which there are none of here.
    ModelType.STABLE_DIFFUSION_20_INPAINTING: {**sizes._UNET_2, "in_channels": 9},
    ModelType.STABLE_DIFFUSION_XL_10_BASE: sizes._UNET_XL,
    ModelType.STABLE_DIFFUSION_3: _SD3,
    ModelType.STABLE_DIFFUSION_35: {**_SD3, **_MEDIUM},
    ModelType.STABLE_CASCADE_1: _CASCADE,
    ModelType.PIXART_ALPHA: _PIXART,
    ModelType.PIXART_SIGMA: {**_PIXART, "use_additional_conditions": False},
    ModelType.FLUX_DEV_1: {"guidance_embeds": True},
    ModelType.FLUX_2: {},
    ModelType.HUNYUAN_VIDEO: {},
    ModelType.HI_DREAM_FULL: _HI_DREAM,
    ModelType.CHROMA_1: {},
    ModelType.QWEN: {},
    ModelType.KREA_2: {},
    ModelType.IDEOGRAM_4: {},
    ModelType.ANIMA: _ANIMA,
    ModelType.Z_IMAGE: {},
    ModelType.LUMINA_2: {},
    ModelType.AURA_FLOW: {},
    ModelType.WAN_21: {},
    ModelType.LTX_VIDEO: {},
    ModelType.OVIS_IMAGE: {},
}
"""Settings of the denoiser that are not the defaults of its class."""
_OTHERS: Mapping[ModelType, Mapping[str, Any]] = {
    **dict.fromkeys((ModelType.ERNIE, ModelType.SANA, ModelType.COGVIEW_4, ModelType.PRX), {}),
    **dict.fromkeys((ModelType.KANDINSKY_5, ModelType.KANDINSKY_5_VIDEO), {}),
    ModelType.WUERSTCHEN_2: {"c": 1536, "c_cond": 1280, "c_r": 64, "depth": 32, "nhead": 24},
}
"""Those whose published settings are not known here, or which none of the programs reads: their names are right."""


def _clip(size: Mapping[str, Any], kind: Any = CLIPTextModel) -> nn.Module:
    return kind(CLIPTextConfig(**{"hidden_act": "quick_gelu", **size}))


def _t5(kind: Any = T5EncoderModel, settings: Any = T5Config, **others: int) -> nn.Module:
    size = {"vocab_size": 32128, "d_model": 4096, "d_ff": 10240, "d_kv": 64, "num_layers": 24, "num_heads": 64}
    return kind(settings(**{**size, "feed_forward_proj": "gated-gelu", **others}))


def _llama(kind: Any) -> nn.Module:
    size = {"vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32}
    return kind(LlamaConfig(**size, num_attention_heads=32, num_key_value_heads=8))


def _gemma(kind: Any = Gemma2Model, settings: Any = Gemma2Config, **others: Any) -> nn.Module:
    size = {"vocab_size": 256000, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26}
    size |= {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256}
    return kind(settings(**size, **others))


def _qwen() -> nn.Module:
    words = {"vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28}
    words |= {"num_attention_heads": 28, "num_key_value_heads": 4}
    pictures = {"depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584}
    return Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=words, vision_config=pictures))


_L, _G, _PROJECTED = sizes.CLIP_L_SIZE, sizes.CLIP_G_SIZE, CLIPTextModelWithProjection
_THREE: tuple[Callable[[], nn.Module], ...] = (lambda: _clip(_L, _PROJECTED), lambda: _clip(_G, _PROJECTED), _t5)
ENCODERS: Mapping[str, tuple[Callable[[], nn.Module], ...]] = {
    "stable_diffusion_xl": (lambda: _clip(_L), lambda: _clip(_G, _PROJECTED)),
    "stable_diffusion_3": _THREE,
    "hi_dream": (*_THREE, lambda: _llama(LlamaForCausalLM)),
    "flux": (lambda: _clip(_L), _t5),
    "hunyuan_video": (lambda: _llama(LlamaModel), lambda: _clip(_L)),
    "wuerstchen": (lambda: _clip(_G, _PROJECTED),),
    "lumina_2": (_gemma,),
    "qwen": (_qwen,),
    "wan": (lambda: _t5(UMT5EncoderModel, UMT5Config, vocab_size=256384),),
    "aura_flow": (lambda: _t5(UMT5EncoderModel, UMT5Config, d_model=2048, d_ff=5120, num_heads=32),),
    **dict.fromkeys(("chroma", "pixart", "ltx_video"), (_t5,)),
    "sana": (_gemma,),
    "prx": (lambda: _gemma(T5GemmaEncoder, T5GemmaModuleConfig, dropout_rate=0.0),),
}
"""Makers of the text encoders that can be trained, by families."""


def encoders_of(model_type: ModelType) -> tuple[Callable[[], nn.Module], ...]:
    """Makers of the text encoders of a model."""
    if facts(model_type).family == "stable_diffusion":
        is_first = model_type is ModelType.STABLE_DIFFUSION_15
        return (lambda: _clip(_L if is_first else sizes._CLIP_H_SIZE),)
    if model_type is ModelType.WUERSTCHEN_2:
        return (lambda: _clip(_G),)
    return ENCODERS.get(facts(model_type).family, ())


def named_as_before(encoder: nn.Module) -> nn.Module:
    """A text encoder whose layers have the names that the programs know from older versions of its library."""
    if not isinstance(encoder, CLIPTextModel) or hasattr(encoder, "text_model"):
        return encoder
    outer = nn.Module()
    outer.text_model = encoder
    return outer


def trained_types() -> list[list[ModelType]]:
    """All model types that are trained, those together whose layers have the same names; the first one has a size."""
    found: dict[ModelType, list[ModelType]] = {name: [name] for name in (*SIZES, *_OTHERS)}
    for model_type, known in MODEL_TYPES.items():
        if model_type not in found and known.trained_here:
            like = next(one for one in found if _is_alike(facts(one), known))
            found[like].append(model_type)
    return list(found.values())


def _is_alike(one: ModelFacts, other: ModelFacts) -> bool:
    return one.family == other.family and one.encoders == other.encoders


def make_trained(model_type: ModelType) -> tuple[Family, Model]:
    """A model of one of `trained_types` with all parts that can be trained."""
    return make(model_type, has_text=bool(encoders_of(model_type)))


def make(model_type: ModelType, *, has_text: bool) -> tuple[Family, Model]:
    """A model without weights."""
    family: Any = family_of(model_type)
    if model_type is ModelType.STABLE_CASCADE_1:
        kind: Any = StableCascadeUNet
    elif family.denoiser == "unet":
        kind = UNet2DConditionModel
    else:
        found = vars(import_module(type(family).__module__)).items()
        marks = ("WuerstchenPrior", "Transformer")
        kind = next(one for name, one in found if any(mark in name for mark in marks) and isinstance(one, type))
    nothing: Any = None
    with init_empty_weights(include_buffers=True):
        parts: dict[str, Any] = {family.denoiser: kind(**{**SIZES, **_OTHERS}[model_type])}
        if has_text:
            parts |= {
                part.name: encoder()
                for part, encoder in zip(family.text_encoders, encoders_of(model_type), strict=True)
            }
    return family, Model(parts, nothing, nothing, "published")


def whole_file(model_type: ModelType) -> dict[str, Tensor]:
    """A whole model in one file, text encoders and autoencoder too; nothing where no such file is written."""
    layout = family_of(model_type).layout
    tensors: dict[str, Tensor] = {}
    for number, part in enumerate(layout.parts if layout else ()):
        settings = {**part.published, **({} if number else SIZES[model_type])}
        with init_empty_weights(include_buffers=True):
            network, complete = empty_network(part, settings)
        placed = to_places(network.state_dict(), part.naming(complete))
        tensors |= {f"{part.prefix}{name}": own for name, own in placed.items()}
    return tensors


def adapters_of(model: Model, kind: AdapterKind) -> dict[str, Adapter]:
    """An adapter of one of `KINDS` on each of `layers_of`."""
    make_weights = KINDS[kind]
    return {
        f"{part}.{name}": Adapter(make_weights(layer), 1.0)
        for part, network in model.modules()
        for name, layer in layers_of(network)
    }


def layers_of(network: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers that can have an adapter, but for those of which programs have heads of their own."""
    for name, layer in network.named_modules():
        is_taken = isinstance(layer, nn.Linear) or isinstance(layer, nn.Conv2d) and layer.groups == 1
        if is_taken and not name.endswith(("text_projection", "lm_head")):
            yield name, layer


def lora_of(layer: Any) -> dict[str, Tensor]:
    """The weights of a LoRA of a layer, without numbers."""
    outputs, inputs, *kernel = layer.weight.shape
    return {DOWN: _empty(RANK, inputs, *kernel), UP: _empty(outputs, RANK, *[1] * len(kernel))}


def _dora(layer: Any) -> dict[str, Tensor]:
    _, inputs, *kernel = layer.weight.shape
    return {**lora_of(layer), LENGTHS: _empty(1, inputs, *[1] * len(kernel))}


def _loha(layer: Any) -> dict[str, Tensor]:
    outputs, inputs = layer.weight.flatten(1).shape
    return {
        f"hada_w{number}_{half}": _empty(*size)
        for number in (1, 2)
        for half, size in (("a", (outputs, RANK)), ("b", (RANK, inputs)))
    }


def _lokr(layer: Any) -> dict[str, Tensor]:
    outputs, inputs, *kernel = layer.weight.shape
    number = math.gcd(outputs, 2)
    return {"lokr_w1": _empty(number, 1), "lokr_w2": _empty(outputs // number, inputs, *kernel)}


def _empty(*size: int) -> Tensor:
    return torch.empty(*size, device="meta")


KINDS: Mapping[AdapterKind, Callable[[Any], dict[str, Tensor]]] = {
    AdapterKind.LORA: lora_of,
    AdapterKind.DORA: _dora,
    AdapterKind.LOHA: _loha,
    AdapterKind.LOKR: _lokr,
}
"""Makers of the weights of an adapter for a layer; the lengths of DoRA are by input."""
