"""What layers are called in files of each model: the trainer's own names, written down by `scripts/layer_names.py`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from onetrainer_web.config.adapter_keys import flat, unpacked
from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.files.confined import read_file


@dataclass(frozen=True)
class AdapterNames:
    """Of models whose layers have the same names, with numbers as `#`."""

    model_types: Sequence[ModelType]
    formats: Mapping[ModelFormat, frozenset[str]]
    """The layers that can have an adapter, by formats."""
    vectors: Mapping[str, int]
    """How long the vectors of an embedding are, by the names of text encoders; empty where there are none."""

    @cached_property
    def spellings(self) -> frozenset[str]:
        """Every flat name of a layer, with and without what programs put in front."""
        return frozenset(inner for names in self.formats.values() for name in names for inner in unpacked(flat(name)))


@dataclass(frozen=True)
class DenoiserNames:
    """Of whole denoisers, in one of their namings."""

    model_types: Sequence[ModelType]
    naming: str
    """diffusers, original or ComfyUI."""
    layers: frozenset[str]


@cache
def adapter_names() -> Sequence[AdapterNames]:
    """Of every model that is trained here."""
    return [
        AdapterNames(
            [ModelType(name) for name in row["model_types"]],
            {ModelFormat(name): frozenset(layers) for name, layers in row["formats"].items()},
            row["vectors"],
        )
        for row in _read()["adapters"]
    ]


@cache
def denoiser_names() -> Sequence[DenoiserNames]:
    """Of every denoiser that is trained here, in each of its namings."""
    return [
        DenoiserNames([ModelType(name) for name in row["model_types"]], row["naming"], frozenset(row["layers"]))
        for row in _read()["denoisers"]
    ]


@cache
def _read() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    return json.loads(read_file(Path(__file__).with_name("layer_names.json")))
