"""What whole networks a file holds: denoiser, text encoders, autoencoder, by the names of their layers."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from onetrainer_web.config.adapter_keys import pattern
from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.layer_names import DenoiserNames, denoiser_names
from onetrainer_web.config.tensor_header import TensorFacts
from onetrainer_web.config.tensor_names import (
    DENOISER_PREFIXES,
    INPUT_SCALES,
    MARKERS,
    SCALE_DESCRIPTION,
    SCALED_MARKER,
    SCALES,
    UNUSED,
)
from onetrainer_web.model_files.adapters import group_of
from onetrainer_web.model_files.variants import Width, narrowed

Tensors = Mapping[str, TensorFacts]

_AUTOENCODERS = ("first_stage_model.", "vae.")
_TEXT_ENCODER = re.compile(
    r"(cond_stage_model|conditioner\.embedders\.\d+|text_encoders\.[^.]+)\.((transformer|model)\.)?"
)
_TEXT_MARKS = (
    (r"(^|\.)transformer\.resblocks\.#\.", "OpenCLIP"),
    (r"(^|\.)encoder\.layers\.#\.self_attn\.", "CLIP"),
    (r"(^|\.)block\.#\.layer\.#\.SelfAttention\.", "T5"),
    (r"(^|\.)layers\.#\.self_attn\.q_proj", "language model"),
)
"""A layer that each kind of text encoder has."""
_AUTOENCODER_MARK = re.compile(r"^(encoder|decoder)\.(conv_in|conv1|mid|mid_block|up_blocks|down_blocks|upsamples)\b")
_ENOUGH = 0.5
"""The share of a network's layers that must be known for it to be told."""


@dataclass(frozen=True)
class Network:
    """A network in a file."""

    part: str
    """denoiser, text encoder or autoencoder."""
    name: str
    """What of its kind it is, as far as its names tell."""
    num_bytes: int
    layers: Mapping[str, int]
    """How many layers of each group it has."""


@dataclass(frozen=True)
class ModelFile:
    """The networks in a file."""

    networks: Sequence[Network]
    model_types: Sequence[ModelType]
    """Those that the denoiser may be of."""
    naming: str
    """Of the denoiser's layers: diffusers, original or ComfyUI."""
    markers: Sequence[str]
    """What it says by empty tensors about its prediction."""
    is_scaled: bool
    """Whether weights of one byte lie beside scales."""
    unknown: Sequence[str]
    """Tensors that belong to no part of these models."""

    @property
    def parts(self) -> set[str]:
        """Which kinds of networks there are."""
        return {network.part for network in self.networks}


def recognise(tensors: Tensors, told: Collection[ModelType]) -> ModelFile:
    """The networks that some tensors are.

    Args:
        tensors: Of the file, or of a folder of files.
        told: The model types that the metadata means.
    """
    scales = (*SCALES, *INPUT_SCALES, SCALE_DESCRIPTION)
    is_scaled = any(name.endswith(scales) or SCALED_MARKER in name for name in tensors)
    groups: dict[tuple[str, str], dict[str, TensorFacts]] = {}
    for name, facts in tensors.items():
        if not name.endswith(scales) and SCALED_MARKER not in name and not UNUSED.search(name):
            part, prefix = _place_of(name)
            groups.setdefault((part, prefix), {})[name.removeprefix(prefix)] = facts
    networks: list[Network] = []
    unknown: list[str] = []
    rows: list[DenoiserNames] = []
    model_types: list[ModelType] = []
    for (part, prefix), own in groups.items():
        if part in ("", "denoiser") and (found := _rows_of(own)):
            rows = found
            fitting = list(dict.fromkeys(name for row in rows for name in row.model_types))
            model_types = narrowed(fitting, {_layer(name): partial(_width, facts) for name, facts in own.items()})
            model_types = [name for name in model_types if name in told] or model_types
            networks.append(_network("denoiser", "", own))
            unknown += [f"{prefix}{name}" for name in own if not any(_is_in(name, row) for row in rows)]
        elif kind := _other_kind(own):
            networks.append(_network(*kind, own))
        else:
            unknown += [f"{prefix}{name}" for name in own]
    return ModelFile(
        networks=networks,
        model_types=model_types,
        naming=rows[0].naming if rows else "",
        markers=[name for name in MARKERS if name in tensors],
        is_scaled=is_scaled,
        unknown=unknown,
    )


def _place_of(name: str) -> tuple[str, str]:
    """Which part of a model a tensor is of, by what stands in front of its name, and how long that is."""
    for prefix in DENOISER_PREFIXES:
        if name.startswith(prefix):
            return "denoiser", prefix
    for prefix in _AUTOENCODERS:
        if name.startswith(prefix):
            return "autoencoder", prefix
    if found := _TEXT_ENCODER.match(name):
        return "text encoder", found[0]
    return "", ""


def _rows_of(own: Tensors) -> list[DenoiserNames]:
    """The denoisers that have most of some layers, and of these the ones that have the fewest besides."""
    layers = {pattern(_layer(name)) for name in own}
    shares = [(len(layers & row.layers), -len(row.layers - layers)) for row in denoiser_names()]
    best = max(shares)
    is_enough = best[0] >= _ENOUGH * len(layers) and -best[1] <= best[0]
    return [row for row, share in zip(denoiser_names(), shares, strict=True) if share == best and is_enough]


def _is_in(name: str, row: DenoiserNames) -> bool:
    return pattern(_layer(name)) in row.layers


def _other_kind(own: Tensors) -> tuple[str, str] | None:
    """Which part and kind of network some tensors are that are no denoiser."""
    layers = {pattern(name) for name in own}
    for mark, kind in _TEXT_MARKS:
        if any(re.search(mark, name) for name in layers):
            return "text encoder", f"{kind}, width {_text_width(own)}"
    return ("autoencoder", "") if any(_AUTOENCODER_MARK.match(name) for name in layers) else None


def _text_width(own: Tensors) -> int:
    """How long the vectors of its words are: the last axis of its largest table."""
    tables = [facts.shape for facts in own.values() if len(facts.shape) == 2]
    return max(tables, key=lambda shape: shape[0], default=(0, 0))[1]


def _network(part: str, name: str, own: Tensors) -> Network:
    matrices = {_layer(key): facts for key, facts in own.items() if len(facts.shape) > 1}
    counts = Counter("convolution" if len(facts.shape) > 3 else group_of(key) for key, facts in matrices.items())
    return Network(part, name, sum(facts.num_bytes for facts in own.values()), dict(counts.most_common()))


def _layer(name: str) -> str:
    return name.removesuffix(".weight").removesuffix(".bias")


def _width(facts: TensorFacts) -> Width:
    if len(facts.shape) < 2:
        return None, None
    return facts.shape[1], facts.shape[0]
