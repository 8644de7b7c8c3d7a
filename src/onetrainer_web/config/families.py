"""The catalogue of model types: what the page, the checks and the readers must know about each, without torch."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from onetrainer_web.config.enums import ModelFormat, ModelType, NoiseScheduler, TrainingMethod
from onetrainer_web.config.model_facts import Formulation, LayerPreset, ModelFacts, TextEncoder
from onetrainer_web.config.prefaces import (
    CHAT,
    FLUX_2_DEV,
    HUNYUAN_VIDEO,
    KANDINSKY_5,
    KANDINSKY_5_VIDEO,
    LUMINA_2,
    OVIS_IMAGE,
    QWEN_IMAGE,
    Preface,
)

_F = ModelFormat
_FINE_TUNE, _LORA, _EMBEDDING = TrainingMethod.FINE_TUNE, TrainingMethod.LORA, TrainingMethod.EMBEDDING
_TRAINED = frozenset({_FINE_TUNE, _LORA, _EMBEDDING})
_NEW_ADAPTERS = (_F.DIFFUSERS_LORA, _F.KOHYA_LORA, _F.ORIGINAL_LORA, _F.COMFY_LORA)
_ADAPTERS = (*_NEW_ADAPTERS, _F.LEGACY_LORA)
_CHECKPOINT = (_F.DIFFUSERS, _F.ORIGINAL_SINGLE_FILE, _F.LEGACY_SAFETENSORS)
_NEW_DENOISER = (_F.DIFFUSERS, _F.ORIGINAL_TRANSFORMER)
_DENOISER = (*_NEW_DENOISER, _F.LEGACY_SAFETENSORS)
_ORIGINAL_STYLES = frozenset({_F.KOHYA_LORA, _F.ORIGINAL_LORA, _F.COMFY_LORA})


def _formats(
    fine_tune: tuple[ModelFormat, ...],
    lora: tuple[ModelFormat, ...] = _ADAPTERS,
    *,
    embedding: bool = True,
    vae: bool = False,
) -> Mapping[TrainingMethod, tuple[ModelFormat, ...]]:
    formats = {_FINE_TUNE: fine_tune, _LORA: lora}
    if embedding:
        formats[_EMBEDDING] = (_F.SAFETENSORS,)
    if vae:
        formats[TrainingMethod.FINE_TUNE_VAE] = fine_tune
    return MappingProxyType(formats)


def _layers(**presets: str) -> Mapping[str, LayerPreset]:
    """Layer presets from comma-separated patterns; every model also has "full"."""
    named = {name.replace("_", "-"): LayerPreset(tuple(text.split(","))) for name, text in presets.items()}
    return MappingProxyType({**named, "full": LayerPreset()})


def _sample(size: int | tuple[int, int], steps: int, cfg: float, **others: Any) -> Mapping[str, Any]:
    width, height = size if isinstance(size, tuple) else (size, size)
    return MappingProxyType({"width": width, "height": height, "diffusion_steps": steps, "cfg_scale": cfg, **others})


CLIP_TOKENS = 77
"""Of a prompt that every CLIP reads."""
_CLIP = TextEncoder(
    "text_encoder", "CLIP-L", can_offload=False, holds_in_float16=True, tokens=CLIP_TOKENS, end_tokens=2
)
_CLIP_OPTIONAL = replace(_CLIP, can_leave_out=True)
_CLIP_G = replace(_CLIP, part="text_encoder_2", name="OpenCLIP-G")
_CLIP_G_OPTIONAL = replace(_CLIP_G, can_leave_out=True)


def _fixed_encoder(name: str, tokens: int, end_tokens: int = 0, *prefaces: Preface) -> TextEncoder:
    """A language model as text encoder that is used as it is."""
    return TextEncoder(
        "text_encoder",
        name,
        can_train=False,
        can_skip_layers=False,
        tokens=tokens,
        end_tokens=end_tokens,
        prefaces=prefaces,
    )


_SD15 = ModelFacts(
    label="Stable Diffusion 1.5",
    family="stable_diffusion",
    denoiser="unet",
    encoders=(_CLIP,),
    formats=_formats(_CHECKPOINT, vae=True),
    layer_presets=_layers(attn_mlp="attentions", attn_only="attn"),
    sample=_sample(512, 30, 7.5, noise_scheduler=NoiseScheduler.EULER_A),
    formulation=Formulation.DIFFUSION,
    bucket_multiple=8,
    sample_multiple=8,
    has_compressed_dtypes=False,
    has_circular_padding=True,
    has_generalized_offset_noise=True,
    trained_here=frozenset(TrainingMethod),
)
_SD2 = replace(
    _SD15,
    label="Stable Diffusion 2.0",
    encoders=(replace(_CLIP, name="OpenCLIP-H"),),
    sample=_sample(768, 30, 7.5),
)
_SDXL = ModelFacts(
    label="Stable Diffusion XL",
    family="stable_diffusion_xl",
    denoiser="unet",
    encoders=(_CLIP, _CLIP_G),
    formats=_formats(_CHECKPOINT),
    layer_presets=_layers(attn_mlp="attentions", attn_only="attn"),
    sample=_sample(1024, 30, 7.5, noise_scheduler=NoiseScheduler.EULER_A),
    formulation=Formulation.DIFFUSION,
    has_compressed_dtypes=False,
    has_circular_padding=True,
    has_generalized_offset_noise=True,
    trained_here=frozenset(TrainingMethod),
)
_SD3 = ModelFacts(
    label="Stable Diffusion 3",
    family="stable_diffusion_3",
    denoiser="transformer",
    encoders=(_CLIP_OPTIONAL, _CLIP_G_OPTIONAL, TextEncoder("text_encoder_3", "T5", can_leave_out=True, tokens=256)),
    formats=_formats(_CHECKPOINT),
    layer_presets=_layers(attn_only="attn", blocks="transformer_block"),
    sample=_sample(1024, 28, 7.0),
    sample_multiple=16,
    has_attention_mask=True,
    trained_here=_TRAINED,
    joined_formats=_ORIGINAL_STYLES,
)
_WUERSTCHEN = ModelFacts(
    label="Würstchen v2",
    family="wuerstchen",
    denoiser="prior",
    encoders=(replace(_CLIP, name="CLIP"),),
    formats=_formats((_F.DIFFUSERS,), _NEW_ADAPTERS),
    layer_presets=_layers(
        attn_only="attention", down_blocks="down_blocks", up_blocks="up_blocks", mapper_only="mapper"
    ),
    sample=_sample(1024, 25, 4.0),
    formulation=Formulation.DIFFUSION,
    other_parts=("effnet_encoder", "decoder", "decoder_text_encoder", "decoder_vqgan"),
    bucket_multiple=128,
    sample_multiple=128,
    has_compressed_dtypes=False,
    has_circular_padding=True,
    overrides=("effnet_encoder", "decoder"),
    trained_here=_TRAINED,
)
_PIXART = ModelFacts(
    label="PixArt Alpha",
    family="pixart",
    denoiser="transformer",
    encoders=(TextEncoder("text_encoder", "T5", tokens=120),),
    formats=_formats(_DENOISER),
    layer_presets=_layers(attn_mlp="attn1,attn2,ff.net", attn_only="attn1,attn2", blocks="transformer_block"),
    sample=_sample(1024, 25, 4.5),
    formulation=Formulation.DIFFUSION,
    bucket_multiple=16,
    sample_multiple=16,
    has_vb_loss=True,
    has_attention_mask=True,
    trained_here=_TRAINED,
    joined_formats=_ORIGINAL_STYLES,
)
_SANA = ModelFacts(
    label="Sana",
    family="sana",
    denoiser="transformer",
    encoders=(TextEncoder("text_encoder", "Gemma 2", tokens=300),),
    formats=_formats((_F.DIFFUSERS,), _NEW_ADAPTERS),
    layer_presets=_layers(attn_mlp="attn1,attn2,ff.", attn_only="attn1,attn2", blocks="transformer_block"),
    sample=_sample(1024, 20, 4.5),
    bucket_multiple=32,
    sample_multiple=32,
    has_attention_mask=True,
    trained_here=_TRAINED,
)
_FLUX_LAYERS = _layers(attn_mlp="attn,ff.net,proj_mlp", attn_only="attn", blocks="transformer_block")
_FLUX = ModelFacts(
    label="FLUX.1 dev",
    family="flux",
    denoiser="transformer",
    encoders=(
        _CLIP_OPTIONAL,
        TextEncoder("text_encoder_2", "T5", can_leave_out=True, has_sequence_length=True, tokens=512),
    ),
    formats=_formats(_DENOISER),
    layer_presets=_FLUX_LAYERS,
    sample=_sample(1024, 30, 3.5),
    has_dynamic_shift=True,
    has_guidance_scale=True,
    has_attention_mask=True,
    overrides=("transformer", "vae"),
    trained_here=_TRAINED,
    joined_formats=_ORIGINAL_STYLES,
)
_QWEN = ModelFacts(
    label="Qwen-Image",
    family="qwen",
    denoiser="transformer",
    encoders=(
        TextEncoder(
            "text_encoder", "Qwen2.5-VL", can_skip_layers=False, tokens=546, end_tokens=0, prefaces=(QWEN_IMAGE,)
        ),
    ),
    formats=_formats(_DENOISER, embedding=False),
    layer_presets=_layers(attn_mlp="attn,img_mlp,txt_mlp", attn_only="attn", blocks="transformer_block"),
    sample=_sample(1024, 25, 3.5),
    has_dynamic_shift=True,
    overrides=("transformer", "vae"),
    trained_here=_TRAINED,
)
_Z_IMAGE_LAYERS = MappingProxyType(
    {
        "attn-mlp": LayerPreset(
            ("^(?=.*attention)(?!.*refiner).*", "^(?=.*feed_forward)(?!.*refiner).*"),
            regex=True,
        ),
        "attn-only": LayerPreset(("^(?=.*attention)(?!.*refiner).*",), regex=True),
        "blocks": LayerPreset(("layers",)),
        "full": LayerPreset(),
    }
)
_CHROMA_NEGATIVE = (
    "This low-quality, greyscale, unfinished sketch is inaccurate and flawed. The image is very blurred and lacks "
    "detail, with excessive chromatic aberrations and artifacts. The image is overly saturated with excessive bloom."
)
_ANIMA_NEGATIVE = "worst quality, low quality, score_1, score_2, score_3, artist name"

_KANDINSKY_5 = ModelFacts(
    label="Kandinsky 5 Lite",
    family="kandinsky_5",
    denoiser="transformer",
    encoders=(
        _fixed_encoder("Qwen2.5-VL", 552, 0, KANDINSKY_5),
        replace(_CLIP, part="text_encoder_2", can_train=False, can_skip_layers=False),
    ),
    formats=_formats((_F.DIFFUSERS,), (_F.DIFFUSERS_LORA,), embedding=False),
    layer_presets=_layers(attn_mlp="attention,feed_forward", attn_only="attention", blocks="blocks"),
    sample=_sample(1024, 50, 3.5),
    bucket_multiple=16,
    sample_multiple=16,
    is_in_onetrainer=False,
    overrides=("transformer", "vae"),
    trained_here=_TRAINED,
)
MODEL_TYPES: Mapping[ModelType, ModelFacts] = MappingProxyType(
    {
        ModelType.STABLE_DIFFUSION_15: _SD15,
        ModelType.STABLE_DIFFUSION_15_INPAINTING: replace(
            _SD15,
            label="Stable Diffusion 1.5 inpainting",
            has_mask_input=True,
        ),
        ModelType.STABLE_DIFFUSION_20: _SD2,
        ModelType.STABLE_DIFFUSION_20_BASE: replace(_SD2, label="Stable Diffusion 2.0 base", is_listed=False),
        ModelType.STABLE_DIFFUSION_20_INPAINTING: replace(
            _SD2, label="Stable Diffusion 2.0 inpainting", has_mask_input=True
        ),
        ModelType.STABLE_DIFFUSION_20_DEPTH: replace(
            _SD2,
            label="Stable Diffusion 2.0 depth",
            is_listed=False,
            has_depth_input=True,
        ),
        ModelType.STABLE_DIFFUSION_21: replace(_SD2, label="Stable Diffusion 2.1"),
        ModelType.STABLE_DIFFUSION_21_BASE: replace(_SD2, label="Stable Diffusion 2.1 base", is_listed=False),
        ModelType.STABLE_DIFFUSION_3: _SD3,
        ModelType.STABLE_DIFFUSION_35: replace(_SD3, label="Stable Diffusion 3.5"),
        ModelType.STABLE_DIFFUSION_XL_10_BASE: _SDXL,
        ModelType.STABLE_DIFFUSION_XL_10_BASE_INPAINTING: replace(
            _SDXL, label="Stable Diffusion XL inpainting", has_mask_input=True
        ),
        ModelType.WUERSTCHEN_2: _WUERSTCHEN,
        ModelType.STABLE_CASCADE_1: replace(
            _WUERSTCHEN,
            label="Stable Cascade",
            holds_in_float16=False,
            formats=_formats((_F.DIFFUSERS, _F.LEGACY_SAFETENSORS)),
            readers_row="stable_cascade",
            other_parts=("effnet_encoder", "decoder", "decoder_vqgan"),
            overrides=("prior", "effnet_encoder", "decoder"),
        ),
        ModelType.PIXART_ALPHA: _PIXART,
        ModelType.PIXART_SIGMA: replace(
            _PIXART, label="PixArt Sigma", encoders=(replace(_PIXART.encoders[0], tokens=300),)
        ),
        ModelType.FLUX_DEV_1: _FLUX,
        ModelType.FLUX_FILL_DEV_1: replace(_FLUX, label="FLUX.1 Fill dev", has_mask_input=True),
        ModelType.FLUX_KONTEXT_DEV_1: replace(
            _FLUX,
            label="FLUX.1 Kontext dev",
            sample=_sample(1024, 28, 2.5),
            has_reference_input=True,
            is_in_onetrainer=False,
        ),
        ModelType.FLUX_2: ModelFacts(
            label="FLUX.2 dev and Klein",
            family="flux_2",
            denoiser="transformer",
            encoders=(
                replace(_fixed_encoder("Mistral 3 or Qwen3", 512, 0, CHAT, FLUX_2_DEV), has_sequence_length=True),
            ),
            formats=_formats(_DENOISER, embedding=False),
            layer_presets=_layers(blocks="transformer_block"),
            sample=_sample(1024, 30, 4.0),
            has_dynamic_shift=True,
            has_guidance_scale=True,
            has_reference_input=True,
            is_reference_optional=True,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
            joined_formats=_ORIGINAL_STYLES,
        ),
        ModelType.SANA: _SANA,
        ModelType.HUNYUAN_VIDEO: ModelFacts(
            label="Hunyuan Video",
            holds_in_float16=False,
            family="hunyuan_video",
            denoiser="transformer",
            encoders=(
                TextEncoder(
                    "text_encoder",
                    "Llama",
                    can_leave_out=True,
                    holds_in_float16=True,
                    tokens=351,
                    prefaces=(HUNYUAN_VIDEO,),
                ),
                replace(_CLIP_OPTIONAL, part="text_encoder_2"),
            ),
            formats=_formats(_DENOISER),
            layer_presets=_FLUX_LAYERS,
            sample=_sample((848, 480), 30, 6.0),
            is_video=True,
            has_guidance_scale=True,
            has_attention_mask=True,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
            joined_formats=_ORIGINAL_STYLES,
        ),
        ModelType.HI_DREAM_FULL: ModelFacts(
            label="HiDream Full",
            holds_in_float16=False,
            family="hi_dream",
            denoiser="transformer",
            encoders=(
                _CLIP_OPTIONAL,
                _CLIP_G_OPTIONAL,
                TextEncoder("text_encoder_3", "T5", can_leave_out=True, tokens=128),
                TextEncoder(
                    "text_encoder_4",
                    "Llama",
                    can_leave_out=True,
                    can_skip_layers=False,
                    holds_in_float16=True,
                    tokens=128,
                ),
            ),
            formats=_formats(_DENOISER, _NEW_ADAPTERS),
            layer_presets=_layers(attn_mlp="attn1,ff_i", attn_only="attn1", blocks="stream_block"),
            sample=_sample(1024, 28, 5.0),
            has_attention_mask=True,
            overrides=("text_encoder_4", "vae"),
            trained_here=frozenset({_LORA, _FINE_TUNE}),
        ),
        ModelType.CHROMA_1: ModelFacts(
            label="Chroma1",
            family="chroma",
            denoiser="transformer",
            encoders=(TextEncoder("text_encoder", "T5", tokens=512),),
            formats=_formats(_DENOISER),
            layer_presets=_FLUX_LAYERS,
            sample=_sample(1024, 30, 3.5, negative_prompt=_CHROMA_NEGATIVE),
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
            joined_formats=_ORIGINAL_STYLES,
        ),
        ModelType.QWEN: _QWEN,
        ModelType.ANIMA: ModelFacts(
            label="Anima",
            family="anima",
            denoiser="transformer",
            encoders=(_fixed_encoder("Qwen3", 512),),
            formats=_formats(_NEW_DENOISER, _NEW_ADAPTERS, embedding=False),
            layer_presets=_layers(attn_mlp="attn1,attn2,ff", attn_only="attn1,attn2", blocks="transformer_block"),
            sample=_sample(1024, 25, 4.0, negative_prompt=_ANIMA_NEGATIVE),
            has_dynamic_shift=True,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
        ),
        ModelType.KREA_2: ModelFacts(
            label="Krea 2",
            family="krea2",
            denoiser="transformer",
            encoders=(_fixed_encoder("Qwen3-VL", 541, 0, QWEN_IMAGE),),
            formats=_formats(_NEW_DENOISER, _NEW_ADAPTERS, embedding=False),
            layer_presets=_layers(attn_mlp="attn,ff", attn_only="attn", blocks="transformer_blocks"),
            sample=_sample(1024, 28, 3.5),
            has_dynamic_shift=True,
            trained_here=_TRAINED,
        ),
        ModelType.Z_IMAGE: ModelFacts(
            label="Z-Image",
            family="z_image",
            denoiser="transformer",
            encoders=(_fixed_encoder("Qwen3", 512, 0, CHAT),),
            formats=_formats((*_NEW_DENOISER, _F.COMFY_TRANSFORMER, _F.LEGACY_SAFETENSORS), embedding=False),
            layer_presets=_Z_IMAGE_LAYERS,
            sample=_sample(1024, 28, 4.0),
            has_dynamic_shift=True,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
        ),
        ModelType.ERNIE: ModelFacts(
            label="Ernie Image",
            family="ernie",
            denoiser="transformer",
            encoders=(_fixed_encoder("Mistral 3", 512, 1),),
            formats=_formats(_DENOISER, embedding=False),
            layer_presets=_layers(attn_mlp="self_attention,mlp", attn_only="self_attention", blocks="layers"),
            sample=_sample(1024, 25, 4.0),
            has_dynamic_shift=True,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
        ),
        ModelType.IDEOGRAM_4: ModelFacts(
            label="Ideogram 4",
            family="ideogram",
            denoiser="transformer",
            encoders=(replace(_fixed_encoder("Qwen3-VL", 2048, 0, CHAT), can_drop_captions=False),),
            formats=_formats(_NEW_DENOISER, _NEW_ADAPTERS, embedding=False),
            layer_presets=_layers(attn_mlp="attention,feed_forward", attn_only="attention", blocks="layers"),
            sample=_sample(1024, 25, 3.0),
            other_parts=("unconditional_transformer", "vae"),
            optional_parts=("unconditional_transformer",),
            has_negative_prompt=False,
            has_dynamic_shift=True,
            trained_here=_TRAINED,
            joined_formats=_ORIGINAL_STYLES,
        ),
        ModelType.LUMINA_2: ModelFacts(
            label="Lumina Image 2.0",
            family="lumina_2",
            denoiser="transformer",
            encoders=(TextEncoder("text_encoder", "Gemma 2", tokens=256, prefaces=(LUMINA_2,)),),
            formats=_formats(_NEW_DENOISER, _NEW_ADAPTERS, embedding=False),
            layer_presets=_layers(attn_mlp="attn,feed_forward", attn_only="attn", blocks="layers"),
            sample=_sample(1024, 30, 4.0),
            bucket_multiple=16,
            sample_multiple=16,
            is_in_onetrainer=False,
            has_dynamic_shift=True,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
            joined_formats=_ORIGINAL_STYLES,
        ),
        ModelType.AURA_FLOW: ModelFacts(
            label="AuraFlow",
            family="aura_flow",
            denoiser="transformer",
            encoders=(TextEncoder("text_encoder", "Pile T5", tokens=256),),
            formats=_formats(_NEW_DENOISER, _NEW_ADAPTERS, embedding=False),
            layer_presets=_layers(attn_mlp="attn,ff", attn_only="attn", blocks="transformer_blocks"),
            sample=_sample(1024, 30, 3.5),
            bucket_multiple=16,
            sample_multiple=16,
            is_in_onetrainer=False,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
        ),
        ModelType.COGVIEW_4: ModelFacts(
            label="CogView4",
            family="cogview_4",
            denoiser="transformer",
            encoders=(_fixed_encoder("GLM-4", 1024, 2),),
            formats=_formats((_F.DIFFUSERS,), (_F.DIFFUSERS_LORA,), embedding=False),
            layer_presets=_layers(attn_mlp="attn1,ff.", attn_only="attn1", blocks="transformer_blocks"),
            sample=_sample(1024, 50, 3.5),
            bucket_multiple=32,
            sample_multiple=32,
            is_in_onetrainer=False,
            has_dynamic_shift=True,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
        ),
        ModelType.OVIS_IMAGE: ModelFacts(
            label="Ovis-Image",
            family="ovis_image",
            denoiser="transformer",
            encoders=(_fixed_encoder("Qwen3", 284, 0, OVIS_IMAGE),),
            formats=_formats(
                (*_NEW_DENOISER, _F.COMFY_TRANSFORMER),
                (_F.DIFFUSERS_LORA, _F.KOHYA_LORA, _F.COMFY_LORA),
                embedding=False,
            ),
            joined_formats=_ORIGINAL_STYLES - {_F.ORIGINAL_LORA},
            layer_presets=_layers(attn_mlp="attn,ff,proj_mlp", attn_only="attn", blocks="transformer_blocks"),
            sample=_sample(1024, 50, 5.0),
            bucket_multiple=16,
            sample_multiple=16,
            is_in_onetrainer=False,
            has_dynamic_shift=True,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
        ),
        ModelType.PRX: ModelFacts(
            label="PRX",
            family="prx",
            denoiser="transformer",
            encoders=(TextEncoder("text_encoder", "T5Gemma", tokens=256),),
            formats=_formats((_F.DIFFUSERS,), (_F.DIFFUSERS_LORA,), embedding=False),
            layer_presets=_layers(
                attn_mlp="attention,gate_proj,up_proj,down_proj", attn_only="attention", blocks="blocks"
            ),
            sample=_sample(512, 28, 5.0),
            bucket_multiple=16,
            sample_multiple=16,
            is_in_onetrainer=False,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
        ),
        ModelType.KANDINSKY_5: _KANDINSKY_5,
        ModelType.KANDINSKY_5_VIDEO: replace(
            _KANDINSKY_5,
            label="Kandinsky 5 Lite video",
            encoders=(_fixed_encoder("Qwen2.5-VL", 640, 0, KANDINSKY_5_VIDEO), _KANDINSKY_5.encoders[1]),
            is_video=True,
            sample=_sample((768, 512), 50, 5.0, frames=25),
        ),
        ModelType.WAN_21: ModelFacts(
            label="Wan 2.1",
            family="wan",
            denoiser="transformer",
            encoders=(TextEncoder("text_encoder", "UMT5", tokens=512),),
            formats=_formats(_NEW_DENOISER, _NEW_ADAPTERS, embedding=False),
            layer_presets=_layers(attn_mlp="attn,ffn", attn_only="attn", blocks="blocks"),
            sample=_sample((832, 480), 30, 5.0, frames=17),
            bucket_multiple=16,
            sample_multiple=16,
            is_in_onetrainer=False,
            is_video=True,
            frames_per_second=16,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
        ),
        ModelType.LTX_VIDEO: ModelFacts(
            label="LTX-Video",
            family="ltx_video",
            denoiser="transformer",
            encoders=(TextEncoder("text_encoder", "T5", tokens=128),),
            formats=_formats(_NEW_DENOISER, _NEW_ADAPTERS, embedding=False),
            layer_presets=_layers(attn_mlp="attn,ff", attn_only="attn", blocks="transformer_blocks"),
            sample=_sample((704, 480), 40, 3.0, frames=25),
            bucket_multiple=32,
            sample_multiple=32,
            is_in_onetrainer=False,
            is_video=True,
            frames_per_second=25,
            frame_multiple=8,
            has_dynamic_shift=True,
            overrides=("transformer", "vae"),
            trained_here=_TRAINED,
        ),
    }
)
"""Every model type of OneTrainer; changing a fact about one changes the page, the checks and the readers."""


def facts(model_type: ModelType) -> ModelFacts:
    """What is known about `model_type`."""
    return MODEL_TYPES[model_type]


def sample_defaults(model_type: object) -> Mapping[str, Any]:
    """Settings in which a new sample of this model type differs from any other; nothing for an unknown type."""
    try:
        return MODEL_TYPES[ModelType(model_type)].sample
    except ValueError:
        return {}
