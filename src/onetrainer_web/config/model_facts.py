"""What can be known about a model type; the rows stand in `families.py`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from onetrainer_web.config.enums import ModelFormat, TrainingMethod
from onetrainer_web.config.prefaces import Preface
from onetrainer_web.config.readers import READERS, AdapterKind, Readings, rank_of, readings_of

_F = ModelFormat
JOINABLE = (AdapterKind.LORA, AdapterKind.LOHA)
"""Kinds that are products of low rank, which can stand for several layers."""
_WHOLE_MODELS = (_F.ORIGINAL_SINGLE_FILE, _F.SAFETENSORS, _F.DIFFUSERS)
"""Formats of a whole model, and of embeddings, the most read one first."""
_DENOISERS = (_F.ORIGINAL_SINGLE_FILE, _F.SAFETENSORS, _F.COMFY_TRANSFORMER, _F.ORIGINAL_TRANSFORMER, _F.DIFFUSERS)
"""The same where only the denoiser has changed: ComfyUI reads no folder of diffusers."""
MODEL_PARTS = (
    "unet",
    "prior",
    "transformer",
    "unconditional_transformer",
    "text_encoder",
    "text_encoder_2",
    "text_encoder_3",
    "text_encoder_4",
    "vae",
    "effnet_encoder",
    "decoder",
    "decoder_text_encoder",
    "decoder_vqgan",
)
"""Every key of a configuration that describes a model part."""


class Formulation(StrEnum):
    """What a denoiser learns, which decides the noise and loss settings that fit."""

    DIFFUSION = "diffusion"
    FLOW = "flow"


@dataclass(frozen=True)
class TextEncoder:
    """A text encoder of a model type and what can be set about it."""

    part: str
    name: str
    can_leave_out: bool = False
    can_train: bool = True
    can_skip_layers: bool = True
    can_drop_captions: bool = True
    can_offload: bool = True
    has_sequence_length: bool = False
    holds_in_float16: bool = False
    """Whether its values stay within float16; language models go beyond."""
    tokens: int = 0
    """Of a prompt that it reads at most, those at its ends included."""
    end_tokens: int = 1
    """Of those, how many the tokenizer puts at the ends of each prompt."""
    prefaces: tuple[Preface, ...] = ()
    """What stands in front of each prompt within `tokens`, the usual first, by what its tokenizer knows."""

    @property
    def tokenizer(self) -> str:
        """Name of the folder of its tokenizer in diffusers' layout."""
        return self.part.replace("text_encoder", "tokenizer")


@dataclass(frozen=True)
class LayerPreset:
    """A named choice of layers: patterns that must occur in a layer's name; none means all layers."""

    patterns: tuple[str, ...] = ()
    regex: bool = False


@dataclass(frozen=True)
class ModelFacts:
    """What is known about one model type."""

    label: str
    family: str
    """Name of its file in `engine/families/`."""
    denoiser: str
    encoders: tuple[TextEncoder, ...]
    formats: Mapping[TrainingMethod, tuple[ModelFormat, ...]]
    layer_presets: Mapping[str, LayerPreset]
    sample: Mapping[str, Any]
    formulation: Formulation = Formulation.FLOW
    holds_in_float16: bool = True
    """Whether the denoiser's values stay within float16."""
    other_parts: tuple[str, ...] = ("vae",)
    optional_parts: tuple[str, ...] = ()
    """Of `other_parts`, those that can be left out."""
    bucket_multiple: int = 64
    sample_multiple: int = 64
    is_listed: bool = True
    is_in_onetrainer: bool = True
    """Whether OneTrainer has this model; it reads the name of any other as Stable Diffusion 1.5."""
    has_mask_input: bool = False
    has_depth_input: bool = False
    has_reference_input: bool = False
    """Whether the model can draw after another picture, its reference, and learn from pairs."""
    is_reference_optional: bool = False
    """Whether it learns from pairs only with `custom_conditioning_image`."""
    is_video: bool = False
    frames_per_second: int = 24
    """At which videos are trained and drawn."""
    frame_multiple: int = 4
    """A clip has one frame more than a multiple of this many."""
    has_negative_prompt: bool = True
    has_compressed_dtypes: bool = True
    has_circular_padding: bool = False
    has_generalized_offset_noise: bool = False
    has_dynamic_shift: bool = False
    has_vb_loss: bool = False
    has_guidance_scale: bool = False
    has_attention_mask: bool = False
    overrides: tuple[str, ...] = ("vae",)
    """Parts that can be loaded from another place than the base model."""
    trained_here: frozenset[TrainingMethod] = field(default_factory=frozenset[TrainingMethod])
    """Methods that our own trainer offers today."""
    readers_row: str = ""
    """Its row in `READERS`, where that is not its family's."""
    joined_formats: frozenset[ModelFormat] = field(default_factory=frozenset[ModelFormat])
    """Of `formats`, those that join layers as the original code does."""

    def __post_init__(self) -> None:
        """A variant takes over what is trained of its sibling, as far as it has those methods."""
        object.__setattr__(self, "trained_here", self.trained_here & self.formats.keys())

    @property
    def methods(self) -> tuple[TrainingMethod, ...]:
        """Training methods that OneTrainer offers for this model."""
        return tuple(self.formats)

    @property
    def beyond_float16(self) -> frozenset[str]:
        """Parts that compute in `fallback_train_dtype` where a run computes in float16."""
        encoders = {encoder.part for encoder in self.encoders if not encoder.holds_in_float16}
        return frozenset(encoders if self.holds_in_float16 else {*encoders, self.denoiser})

    @property
    def readers(self) -> Mapping[ModelFormat, Readings]:
        """What programs make of its adapter files, the usual format first; empty for a model that is not trained."""
        return READERS.get(self._row, {})

    @property
    def _row(self) -> str:
        return self.readers_row or self.family

    def readers_of(self, name: ModelFormat, kind: AdapterKind) -> Readings:
        """What programs make of a kind of adapter in a format."""
        return readings_of(self._row, name, kind)

    def unfit_formats(self, kind: AdapterKind) -> frozenset[ModelFormat]:
        """The formats that cannot hold a kind of adapter: it would have to be joined there, and cannot be.

        COMFY_LORA has names for the parts of joined layers, but none of a program that knows OFT.
        """
        if kind in JOINABLE:
            return frozenset()
        return self.joined_formats - ({_F.COMFY_LORA} if kind is not AdapterKind.OFT else set())

    def usual_format(
        self, method: TrainingMethod, *, has_text: bool = False, kind: AdapterKind = AdapterKind.LORA
    ) -> ModelFormat:
        """The format of a method's result that ComfyUI, and of those most programs, read best.

        Args:
            method: How the result is made.
            has_text: Whether text encoders are a part of it.
            kind: Of adapters.
        """
        offered = self.formats[method]
        if method is not TrainingMethod.LORA or not self.readers:
            order = _WHOLE_MODELS if has_text else _DENOISERS
            return next((usual for usual in order if usual in offered), offered[0])

        def rank(name: ModelFormat) -> tuple[tuple[int, int], bool]:
            # Diffusers reads no other kind in its own files, and OneTrainer no file that names layers in two ways.
            is_known = kind in JOINABLE or name not in self.joined_formats
            is_known = kind is AdapterKind.LORA or name is not _F.DIFFUSERS_LORA and is_known
            return rank_of(self.readers_of(name, kind), has_text=has_text), is_known

        return max((name for name in self.readers if name not in self.unfit_formats(kind)), key=rank)

    @property
    def parts(self) -> tuple[str, ...]:
        """Keys of the model parts that this model really has."""
        return (self.denoiser, *(encoder.part for encoder in self.encoders), *self.other_parts)

    def can_leave_out(self, part: str) -> bool:
        """Whether a part may be missing in a loaded model."""
        encoder = self.encoder(part)
        return encoder.can_leave_out if encoder else part in self.optional_parts

    def encoder(self, part: str) -> TextEncoder | None:
        """The text encoder under the key `part`, or None when the model has none there."""
        return next((encoder for encoder in self.encoders if encoder.part == part), None)
