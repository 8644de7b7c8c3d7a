"""Adapter files: every common naming of their keys, in and out.

Inside, an adapter stands under `<part>.<module path in diffusers>` with the weights that OneTrainer and LyCORIS name:
`lora_down.weight`, `hada_w1_a`, `lokr_w1`, `oft_R.weight`, `dora_scale` … and `alpha`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from onetrainer_web.config.adapter_keys import ALPHA, DOWN, LENGTHS, UP, count_kinds, flat, split_key, unpacked
from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.tensor_names import BUNDLE
from onetrainer_web.engine.runtime.errors import WrongWeightsError
from onetrainer_web.engine.seams.interfaces import Family, Model, TextEncoderPart
from onetrainer_web.engine.seams.places import find_place
from onetrainer_web.engine.weights.adapter import Adapter, Adapters
from onetrainer_web.engine.weights.joining import (
    Bench,
    can_be_divided,
    can_be_joined,
    divided,
    find_seats,
    seated,
    separated,
    united,
)

_HALVES = (
    (DOWN, UP),
    *((f"hada_w{number}_a", f"hada_w{number}_b") for number in (1, 2)),
    *((f"lokr_w{number}_a", f"lokr_w{number}_b") for number in (1, 2)),
)
"""Factors that mean nothing without each other."""
_PEFT_NAMES = {DOWN: "lora_A.weight", UP: "lora_B.weight"}

KeyNames = Callable[["_Names", str, str], Sequence[str]]
"""Of a module of a part: several where the original code divides it, none where the format has no name for it."""


@dataclass(frozen=True)
class _Names:
    """What the naming of keys needs to know about a model."""

    family: Family
    model: Model

    def encoder(self, part: str) -> TextEncoderPart | None:
        return next((encoder for encoder in self.family.text_encoders if encoder.name == part), None)

    def outside(self, model_format: ModelFormat, part: str, module: str) -> Sequence[str]:
        """The module's paths as adapter files of a format know it."""
        return self.family.names_in_adapters(model_format, part, module, self.model)


def _kohya(names: _Names, part: str, module: str) -> Sequence[str]:
    encoder = names.encoder(part)
    prefix = encoder.kohya if encoder else "lora_unet"
    return [flat(f"{prefix}.{name}") for name in names.outside(ModelFormat.KOHYA_LORA, part, module)]


def _legacy(names: _Names, part: str, module: str) -> Sequence[str]:
    if names.family.legacy_is_dotted:
        return [f"{part}.{module}"]
    encoder = names.encoder(part)
    prefix = (encoder.legacy or encoder.kohya) if encoder else names.family.kohya_denoiser
    return [flat(f"{prefix}.{name}") for name in names.outside(ModelFormat.LEGACY_LORA, part, module)]


def _diffusers(names: _Names, part: str, module: str) -> Sequence[str]:
    return [f"{part}.{name}" for name in names.outside(ModelFormat.DIFFUSERS_LORA, part, module)]


def _original(names: _Names, part: str, module: str) -> Sequence[str]:
    is_denoiser = part == names.family.denoiser
    return names.outside(ModelFormat.ORIGINAL_LORA, part, module) if is_denoiser else ()


def _comfy(names: _Names, part: str, module: str) -> Sequence[str]:
    outside = names.outside(ModelFormat.COMFY_LORA, part, module)
    encoder = names.encoder(part)
    if not encoder:
        return [f"diffusion_model.{name}" for name in outside]
    places = [find_place(name, encoder.comfy_names) for name in outside]
    return [f"text_encoders.{encoder.comfy}.transformer.{place.name}" for place in places if place]


KEY_NAMES: Mapping[ModelFormat, KeyNames] = MappingProxyType(
    {
        ModelFormat.KOHYA_LORA: _kohya,
        ModelFormat.DIFFUSERS_LORA: _diffusers,
        ModelFormat.ORIGINAL_LORA: _original,
        ModelFormat.COMFY_LORA: _comfy,
        ModelFormat.LEGACY_LORA: _legacy,
    }
)
"""How each format names a module."""
_ORIGINAL_FORMATS = (ModelFormat.KOHYA_LORA, ModelFormat.ORIGINAL_LORA, ModelFormat.COMFY_LORA)
"""Those that name modules as the original code does, and join them where it does."""
_KOHYA_T5 = "lora_te3"
"""What kohya's scripts call a T5, also where it is the second text encoder."""
_MOST_UNKNOWN = 0.5
"""The share of keys without a place in the model from which a file is taken to be for another one."""
_FLAT_FORMATS = (ModelFormat.KOHYA_LORA, ModelFormat.LEGACY_LORA)
"""Those that name the factors of a LoRA as kohya's scripts do; the others name them as peft does."""


@dataclass(frozen=True)
class _Slot:
    """What a name in a file means: a module, or one of so many shares of its outputs."""

    key: str
    index: int = 0
    number: int = 1


def to_format(
    adapters: Adapters, model_format: ModelFormat, family: Family, model: Model, dtype: torch.dtype | None
) -> dict[str, Tensor]:
    """The tensors of an adapter file in one of `KEY_NAMES`; what the format has no name for is left out.

    Raises:
        ValueError: An adapter cannot take the place that it has in this format.
    """
    names, name_of = _Names(family, model), KEY_NAMES[model_format]
    parts = {key.partition(".")[0] for key in adapters}
    seats = find_seats(family, model, parts) if model_format in _ORIGINAL_FORMATS else {}
    grouped: dict[tuple[str, ...], list[str]] = {}
    alone = set[str]()
    for key, adapter in adapters.items():
        part, _, module = key.partition(".")
        outside = name_of(names, part, module)
        if model_format is ModelFormat.COMFY_LORA and _keeps_its_name(adapter, seats.get(key, ()), outside):
            alone.add(key)
            outside = _diffusers(names, part, module)
        if outside:
            grouped.setdefault(tuple(outside), []).append(key)
    tensors: dict[str, Tensor] = {}
    for outside, (key, *_) in grouped.items():
        adapter = seated(adapters, seats[key]) if key in seats.keys() - alone else adapters[key]
        for theirs, share in zip(outside, divided(adapter, len(outside)), strict=True):
            for name, tensor in _renamed(share, model_format).items():
                tensors[f"{theirs}.{name}"] = tensor.to(dtype or tensor.dtype)
    return tensors


def _keeps_its_name(adapter: Adapter, bench: Bench, outside: Sequence[str]) -> bool:
    """Whether ComfyUI's files call a module as diffusers does: of a joined one it knows which rows are meant."""
    return len(bench) > 1 and not can_be_joined(adapter) or len(outside) > 1 and not can_be_divided(adapter)


def to_backup(adapters: Adapters, family: Family, model: Model) -> dict[str, Tensor]:
    """The tensors as they lie in a backup of OneTrainer's: unchanged, under the names of published text encoders."""
    names = _Names(family, model)
    return {
        f"{_diffusers(names, *key.split('.', 1))[0]}.{name}": tensor
        for key, adapter in adapters.items()
        for name, tensor in _with_alpha(adapter).items()
    }


def _with_alpha(adapter: Adapter) -> dict[str, Tensor]:
    strength = {} if adapter.alpha is None else {ALPHA: torch.tensor(adapter.alpha, dtype=torch.float32)}
    return {**adapter.weights, **strength}


def _renamed(adapter: Adapter, model_format: ModelFormat) -> dict[str, Tensor]:
    """The weights of an adapter under the names of a format."""
    tensors = _with_alpha(adapter)
    if model_format in _FLAT_FORMATS:
        return tensors
    if UP in tensors:
        # Peft has alpha in its settings, not in the file, and programs that read its names stumble over one there.
        del tensors[ALPHA]
        tensors[UP] = tensors[UP] * adapter.scale
        lengths = tensors.get(LENGTHS)
        is_peft = model_format is ModelFormat.DIFFUSERS_LORA  # which knows lengths by output only
        if is_peft and lengths is not None and len(lengths) == lengths.numel() == len(tensors[UP]):
            del tensors[LENGTHS]
            tensors["lora_magnitude_vector.weight"] = (
                lengths.flatten() if lengths.ndim == 2 else lengths.transpose(0, 1)
            )
    return {_PEFT_NAMES.get(name, name): tensor for name, tensor in tensors.items()}


def read_adapters(path: Path, modules: Mapping[str, list[str]], family: Family, model: Model) -> dict[str, Adapter]:
    """Read an adapter file whatever its key style.

    Args:
        path: A safetensors file.
        modules: Names of the modules of each part that adapters may belong to.
        family: Knows the names of other programs.
        model: The model they are for; its notes name the keys that have no place in it.

    Raises:
        WrongWeightsError: It is no adapter of this model, or a layer of it is incomplete.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WrongWeightsError(path, f"no readable safetensors ({error})", "an adapter file") from error
    spellings = list(_spellings(modules, _Names(family, model)))
    known = {spelling: slot for spelling, slot, _ in spellings}
    originals = {spelling for spelling, _, is_original in spellings if is_original}
    originals -= {spelling for spelling, _, is_original in spellings if not is_original}
    seats = find_seats(family, model, modules)
    pieces: dict[_Slot, dict[str, Tensor]] = {}
    in_original: set[str] = set()
    unknown: list[str] = []
    for name, tensor in tensors.items():
        layer, piece = split_key(name)
        spelling = next((inner for inner in unpacked(flat(layer)) if inner in known), None)
        if piece is None or spelling is None:
            unknown.append(name)
        else:
            pieces.setdefault(known[spelling], {})[piece] = tensor
            if spelling in originals:
                in_original.add(known[spelling].key)
    _require_halves(path, pieces)
    alphas = {slot: float(piece.pop(ALPHA)) for slot, piece in pieces.items() if ALPHA in piece}
    found = {slot: Adapter(piece, alphas.get(slot)) for slot, piece in pieces.items() if piece}
    wanted = {f"{part}.{module}" for part, own in modules.items() for module in own}
    try:
        whole = separated(_united(found), {key: bench for key, bench in seats.items() if key in in_original}, wanted)
    except ValueError as error:
        raise WrongWeightsError(
            path, str(error), "one that changes each of them by itself: a LoRA or a LoHa"
        ) from error
    unknown = [key for key in unknown if not key.startswith(f"{BUNDLE}.")]  # of this run, or carried along
    if not whole or _num_foreign(unknown, family) > _MOST_UNKNOWN * len(tensors):
        found = f"{len(unknown)} of {len(tensors)} keys without a place in the model ({count_kinds(unknown)})"
        raise WrongWeightsError(path, found, f"an adapter of {family.architecture}")
    if unknown:
        model.notes.append(
            f"{len(unknown)} of {len(tensors)} keys in {path.name} belong to no layer of this run "
            f"({count_kinds(unknown)}): they have no effect and will be missing in its result."
        )
    return whole


def _num_foreign(unknown: Sequence[str], family: Family) -> int:
    """How many keys belong to none of a family's text encoders either, of which a run may leave some out."""
    known = {name for own in family.text_encoders for name in (own.name, own.kohya, f"text_encoders.{own.comfy}")}
    return sum(not key.startswith(tuple(known - {""})) for key in unknown)


def _united(found: Mapping[_Slot, Adapter]) -> dict[str, Adapter]:
    """By modules, of which a file in the original layout has divided some."""
    whole = {slot.key: adapter for slot, adapter in found.items() if slot.number == 1}
    shares: dict[tuple[str, int], dict[int, Adapter]] = {}
    for slot, adapter in found.items():
        if slot.number > 1:
            shares.setdefault((slot.key, slot.number), {})[slot.index] = adapter
    return whole | {key: united(own, number) for (key, number), own in shares.items()}


def _require_halves(path: Path, pieces: Mapping[_Slot, Mapping[str, Tensor]]) -> None:
    for slot, piece in pieces.items():
        for halves in _HALVES:
            there = [name for name in halves if name in piece]
            if len(there) == 1:
                (missing,) = set(halves) - set(there)
                raise WrongWeightsError(
                    path, f"{there[0]} and no {missing} for the layer {slot.key}", "an adapter with both"
                )


def _spellings(modules: Mapping[str, list[str]], names: _Names) -> Iterator[tuple[str, _Slot, bool]]:
    """Every spelling of the key of each module, with dots and underscores alike.

    Returns:
        Beside it what it means, and whether files in the original layout, which join and turn modules, spell it so.
    """
    for part, module_names in modules.items():
        for module in module_names:
            canonical = f"{part}.{module}"
            for spelled, is_original in _spellings_of(names, part, module):
                for index, spelling in enumerate(spelled):
                    yield flat(spelling), _Slot(canonical, index, len(spelled)), is_original


def _spellings_of(names: _Names, part: str, module: str) -> Iterator[tuple[Sequence[str], bool]]:
    encoder = names.encoder(part)
    for model_format, name in KEY_NAMES.items():
        yield name(names, part, module), model_format in _ORIGINAL_FORMATS
    outside = names.outside(ModelFormat.KOHYA_LORA, part, module)
    if encoder is None:
        yield outside, True
        yield names.outside(ModelFormat.COMFY_LORA, part, module), True
        yield [module], False
    else:
        # OneTrainer takes the encoder's own names here, also where ComfyUI has others.
        prefixes = [f"text_encoders.{encoder.comfy}.transformer"]
        if len(names.family.text_encoders) == 1:
            prefixes.append("lora_te1")
        elif encoder.comfy == "t5xxl" and all(own.kohya != _KOHYA_T5 for own in names.family.text_encoders):
            prefixes.append(_KOHYA_T5)
        for prefix in prefixes:
            yield [f"{prefix}.{name}" for name in outside], True
    yield [f"{part}.{module}"], False
