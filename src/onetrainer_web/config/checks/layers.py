"""Layer patterns that fit nothing, told before the model is loaded: by its files, or by the names of its kind."""

import os
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from onetrainer_web.config.checks.issue import Issue, Subject, error, warning
from onetrainer_web.config.enums import DataType, TrainingMethod
from onetrainer_web.config.layer_filters import LayerFilter, UnknownLayerPresetError, layer_filter_of
from onetrainer_web.config.layer_names import denoiser_layers
from onetrainer_web.config.tensor_header import HeaderError, read_header

_PLAIN_TYPES = (DataType.NONE, DataType.FLOAT_32, DataType.FLOAT_16, DataType.BFLOAT_16)
_MANY_BLOCKS, _FEW = (*range(4), 9, 10, 19, 20, 30), range(4)
"""Numbers tried where the names of a kind leave them open: the first counts blocks, the others what is in them."""


def check_layers(subject: Subject) -> Iterator[Issue]:
    """Patterns of the layer filters that fit no layer of the model; without any that fits, nothing would train."""
    config, part = subject.config, subject.facts.denoiser
    if not (subject.deep and subject.workspace):
        return
    settings = getattr(config, part)
    learns = config.training_method in (TrainingMethod.LORA, TrainingMethod.FINE_TUNE) and settings.train
    filters = [("layer_filter", config)] if learns else []
    filters += [("quantization.layer_filter", config.quantization)] if settings.weight_dtype not in _PLAIN_TYPES else []
    for setting, owner in filters:
        try:
            chosen = layer_filter_of(owner, config.model_type)
            yield from _issues_of(subject, setting, chosen)
        except (UnknownLayerPresetError, re.error, RecursionError, OverflowError):
            continue  # `check_layer_filters` says so


def _issues_of(subject: Subject, setting: str, chosen: LayerFilter) -> Iterator[Issue]:
    if not chosen.patterns:
        return
    names, is_complete = _layers(subject, chosen, whole=subject.config.training_method == TrainingMethod.FINE_TUNE)
    if names and (complaint := chosen.complaint(setting, names)):
        trains_nothing = setting == "layer_filter" and not any(map(chosen.fits, names))
        # The names of a kind of models are those of the published ones; a person may have made another.
        yield (error if trains_nothing and is_complete else warning)(setting, "layer_unknown", complaint)


def _layers(subject: Subject, chosen: LayerFilter, *, whole: bool) -> tuple[list[str], bool]:
    """Names of the denoiser's layers that can learn, and whether they are those of this very model.

    Args:
        subject: The configuration.
        chosen: What they are held against.
        whole: Whether layers of any kind learn; otherwise those whose weights are matrices.
    """
    part = subject.facts.denoiser
    elsewhere = getattr(subject.config, part).model_name.strip()
    place = subject.model_place(elsewhere or subject.config.base_model_name)
    folder = place if elsewhere and not os.path.isdir(place / part) else place / part
    if os.path.isdir(folder) and (names := _layers_in(folder, whole=whole)):
        return names, True
    given = tuple(int(number) for pattern in chosen.patterns for number in re.findall(r"\d{1,3}", pattern))
    kinds = denoiser_layers(subject.config.model_type, part, whole=whole)
    return [name for kind in kinds for name in _numbered(kind, given)], False


def _numbered(kind: str, given: tuple[int, ...]) -> Iterator[str]:
    """Names of a kind, with the numbers that somebody wrote and some usual ones in the places of its `#`."""
    first, *others = kind.split("#")
    choices = [sorted({*given, *(_FEW if place else _MANY_BLOCKS)}) for place in range(len(others))]
    for numbers in product(*choices):
        yield first + "".join(f"{number}{text}" for number, text in zip(numbers, others, strict=True))


def _layers_in(folder: Path, *, whole: bool) -> list[str]:
    """Names of the layers in a folder of one part; none where its files do not tell."""
    try:
        headers = [read_header(file) for file in folder.glob("*.safetensors")]
    except (HeaderError, OSError):
        return []
    shapes = {name: tensor.shape for header in headers for name, tensor in header.tensors.items()}
    layers = (name.rpartition(".")[0] for name, shape in shapes.items() if whole or len(shape) > 1)
    return sorted(set(layers))
