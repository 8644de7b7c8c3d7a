"""What layers are called in files of each model: the trainer's own names, written down by `scripts/layer_names.py`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from onetrainer_web.config.adapter_keys import flat, pattern, unpacked
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
        """Every flat name of a layer: with what programs put in front and without, the text encoder numbered."""
        flats = {flat(name) for names in self.formats.values() for name in names}
        flats |= {name.replace("lora_te_", "lora_te#_", 1) for name in flats if name.startswith("lora_te_")}
        return frozenset(inner for name in flats for inner in unpacked(name))

    def knows(self, layer: str) -> bool:
        """Whether one of these models has a layer, in whichever of its spellings."""
        return not self.spellings.isdisjoint(unpacked(flat(pattern(layer))))


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


def adapter_names_of(model_type: ModelType) -> AdapterNames | None:
    """Of one model; None of one that is not trained here."""
    return next((row for row in adapter_names() if model_type in row.model_types), None)


@cache
def denoiser_names() -> Sequence[DenoiserNames]:
    """Of every denoiser that is trained here, in each of its namings."""
    return [
        DenoiserNames([ModelType(name) for name in row["model_types"]], row["naming"], frozenset(row["layers"]))
        for row in _read()["denoisers"]
    ]


def denoiser_layers(model_type: ModelType, part: str, *, whole: bool) -> Sequence[str]:
    """The layers of a model's denoiser as diffusers calls them; none of a model that is not trained here.

    Args:
        model_type: The model.
        part: Its denoiser.
        whole: Whether norms and the like are meant, too; otherwise those that can have an adapter.
    """
    rows = (row for row in denoiser_names() if row.naming == "diffusers" and model_type in row.model_types)
    layers = next((row.layers for row in rows), frozenset[str]())
    adapters = adapter_names_of(model_type)
    if not whole and adapters:
        fitting = adapters.formats[ModelFormat.DIFFUSERS_LORA]
        layers = {name for name in layers if f"{part}.{name}" in fitting}
    return sorted(layers)


@cache
def _read() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    return json.loads(read_file(Path(__file__).with_name("layer_names.json")))
