"""What an adapter file is: which models its layers belong to, in which format they are named, and what is foreign."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from onetrainer_web.config.adapter_keys import (
    ALPHA,
    DOWN,
    LENGTHS,
    RANKED,
    UP,
    flat,
    kinds_of,
    pattern,
    split_key,
    unpacked,
)
from onetrainer_web.config.enums import ModelFormat, ModelType, PeftType
from onetrainer_web.config.layer_names import AdapterNames, adapter_names
from onetrainer_web.config.readers import AdapterKind
from onetrainer_web.config.tensor_header import TensorFacts
from onetrainer_web.config.tensor_names import BUNDLE
from onetrainer_web.model_files.variants import Width, narrowed

Tensors = Mapping[str, TensorFacts]

_KINDS = {PeftType.LOHA: AdapterKind.LOHA, PeftType.LOKR: AdapterKind.LOKR, PeftType.OFT_2: AdapterKind.OFT}
_KOHYA_FACTORS = (ModelFormat.KOHYA_LORA, ModelFormat.LEGACY_LORA)
"""Formats that name factors as kohya's scripts do; the others name those of a LoRA as peft does."""
_STYLES = (
    ("lycoris_", "LyCORIS (SimpleTuner and others)"),
    ("base_model.model.", "peft"),
    ("model.diffusion_model.", "a checkpoint"),
    ("lora_unet__", "kohya (with two underscores)"),
)
"""How names begin in styles that are read here and not written."""
_OLD_DIFFUSERS = (".processor.", ".lora_linear_layer.", ".lora.down.", ".lora.up.")
_TEXT = ("lora_te", "lora_prior_te", "text_encoder", "clip_l.", "clip_g.", "t5xxl.")
_GROUPS = (("attention", ("attn", "attention")), ("feed-forward", ("ff", "mlp", "feed_forward", "ffn")))


@dataclass(frozen=True)
class AdapterFile:
    """What an adapter file is."""

    kind: AdapterKind
    model_types: Sequence[ModelType]
    """Those that it may be for; empty where most layers are of no model that is known here."""
    model_format: ModelFormat | None
    style: str
    """Whose names its layers have, where they are those of no format of this program."""
    ranks: Sequence[int]
    alphas: Sequence[str]
    """Names of the tensors that hold one."""
    layers: Mapping[str, Mapping[str, int]]
    """How many layers of each group the parts have."""
    unknown: Sequence[str]
    """Keys that belong to no layer of these models."""
    bundled: Sequence[str]
    """Placeholders of embeddings that it brings along."""


def recognise(tensors: Tensors, told: Collection[ModelType]) -> AdapterFile | None:
    """What adapter some tensors are; None when they are none.

    Args:
        tensors: Of the file.
        told: The model types that its metadata means.
    """
    layers: dict[str, dict[str, TensorFacts]] = {}
    keys: dict[str, list[str]] = {}
    unknown: list[str] = []
    bundled = {name.split(".")[1] for name in tensors if name.startswith(f"{BUNDLE}.") and name.count(".") > 1}
    for name, facts in tensors.items():
        layer, weight = split_key(name)
        if weight:
            layers.setdefault(layer, {})[weight] = facts
            keys.setdefault(layer, []).append(name)
        elif not name.startswith(f"{BUNDLE}."):
            unknown.append(name)
    weights = {weight for own in layers.values() for weight in own}
    kinds = kinds_of(weights)
    if not kinds:
        return None
    rows, known_kinds = _rows_of(layers)
    fitting = [name for row in rows for name in row.model_types]
    model_types = narrowed(fitting, {layer: partial(_width, own) for layer, own in layers.items()})
    model_types = [name for name in model_types if name in told] or model_types
    known = {layer for layer in layers if pattern(layer) in known_kinds}
    return AdapterFile(
        kind=_KINDS.get(kinds[0], AdapterKind.DORA if LENGTHS in weights else AdapterKind.LORA),
        model_types=model_types,
        model_format=_format_of(known, rows, model_types, tensors),
        style=_style_of(tensors),
        ranks=sorted({own[name].shape[0] for own in layers.values() for name in RANKED if name in own}),
        alphas=[name for name in tensors if name.endswith(f".{ALPHA}")],
        layers=_count(layers),
        unknown=[*unknown, *(key for layer in layers if layer not in known for key in keys[layer])],
        bundled=sorted(bundled),
    )


def _rows_of(layers: Collection[str]) -> tuple[list[AdapterNames], set[str]]:
    """The models to which most of the layers belong, and which kinds of layers do; all where none is known."""
    kinds = Counter(map(pattern, layers))
    spellings = {kind: set(unpacked(flat(kind))) for kind in kinds}
    known = [{kind for kind in kinds if not spellings[kind].isdisjoint(row.spellings)} for row in adapter_names()]
    counts = [sum(kinds[kind] for kind in own) for own in known]
    most = max(counts)
    if 2 * most < len(layers):
        return [], set(kinds)
    rows = [row for row, count in zip(adapter_names(), counts, strict=True) if count == most]
    return rows, set[str]().union(*(own for own, count in zip(known, counts, strict=True) if count == most))


def _format_of(
    layers: Collection[str], rows: Sequence[AdapterNames], model_types: Sequence[ModelType], tensors: Tensors
) -> ModelFormat | None:
    """The format that has every layer under the very name that it has in the file, the usual one of several."""
    patterns = {pattern(layer) for layer in layers}
    endings = {name.removeprefix(split_key(name)[0]) for name in tensors if split_key(name)[1] in (DOWN, UP)}
    is_kohya, is_peft = endings <= {f".{DOWN}", f".{UP}"}, endings <= {".lora_A.weight", ".lora_B.weight"}
    fitting = [row for row in rows if set(row.model_types) & set(model_types)]
    for row in fitting:
        for model_format, names in row.formats.items():
            has_factors = is_kohya if model_format in _KOHYA_FACTORS else is_peft
            if patterns <= names and has_factors:
                return model_format
    return None


def _style_of(tensors: Tensors) -> str:
    for start, style in _STYLES:
        if any(name.startswith(start) for name in tensors):
            return style
    is_old = any(mark in name for name in tensors for mark in _OLD_DIFFUSERS)
    return "older versions of diffusers" if is_old else "another program"


def _width(own: Mapping[str, TensorFacts]) -> Width:
    inputs = next((own[name].shape[1] for name in (DOWN, "hada_w1_b") if name in own and own[name].shape[1:]), None)
    outputs = next((own[name].shape[0] for name in (UP, "hada_w1_a") if name in own and own[name].shape), None)
    return inputs, outputs


def _count(layers: Mapping[str, Mapping[str, TensorFacts]]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for layer, own in layers.items():
        part = "text encoder" if layer.removeprefix("base_model.model.").startswith(_TEXT) else "denoiser"
        is_convolution = DOWN in own and len(own[DOWN].shape) == 4
        counts.setdefault(part, Counter())["convolution" if is_convolution else group_of(layer)] += 1
    return {part: dict(found.most_common()) for part, found in counts.items()}


def group_of(layer: str) -> str:
    """What a layer does, by its name: attention, feed-forward or other."""
    words = {word for part in layer.split(".") for word in (part, *part.split("_"))}
    for group, marks in _GROUPS:
        if any(mark in layer for mark in marks if len(mark) > 2) or words & set(marks):
            return group
    return "other"


def told_types(metadata: Mapping[str, str]) -> tuple[ModelType, ...]:
    """The model type of the configuration in a file's metadata; empty when there is none."""
    try:
        return (ModelType(json.loads(metadata["ot_config"])["model_type"]),)
    except (KeyError, TypeError, ValueError, RecursionError):
        return ()
