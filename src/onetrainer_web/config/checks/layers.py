"""Layer patterns that fit nothing, told by the files of a model in diffusers' layout before it is loaded."""

import re
from collections.abc import Iterator
from pathlib import Path

from onetrainer_web.config.checks.issue import Issue, Subject, error, warning
from onetrainer_web.config.enums import TrainingMethod
from onetrainer_web.config.layer_filters import UnknownLayerPresetError, layer_filter_of
from onetrainer_web.config.tensor_header import HeaderError, read_header


def check_layers(subject: Subject) -> Iterator[Issue]:
    """Patterns of the layer filter that fit no layer of the model; without any that fits, nothing would train."""
    config, part = subject.config, subject.facts.denoiser
    has_filter = (
        config.training_method in (TrainingMethod.LORA, TrainingMethod.FINE_TUNE) and getattr(config, part).train
    )
    is_elsewhere = getattr(config, part).model_name.strip()
    if not (subject.deep and subject.workspace and has_filter) or is_elsewhere:
        return
    names = _layers(
        subject.resolve(config.base_model_name) / part, whole=config.training_method == TrainingMethod.FINE_TUNE
    )
    try:
        chosen = layer_filter_of(config, config.model_type)
        complaint = chosen.complaint("layer_filter", names) if names else None
    except (UnknownLayerPresetError, re.error, RecursionError, OverflowError):
        return  # `check_layer_filters` says so
    if complaint:
        kind = warning if any(map(chosen.fits, names)) else error
        yield kind("layer_filter", "layer_unknown", complaint)


def _layers(folder: Path, *, whole: bool) -> list[str]:
    """Names of the layers that can learn; none where the folder does not tell.

    Args:
        folder: Of one part of the model.
        whole: Whether layers of any kind learn; otherwise those whose weights are matrices.
    """
    try:
        headers = [read_header(file) for file in folder.glob("*.safetensors")]
    except (HeaderError, OSError):
        return []
    shapes = {name: tensor.shape for header in headers for name, tensor in header.tensors.items()}
    layers = (name.rpartition(".")[0] for name, shape in shapes.items() if whole or len(shape) > 1)
    return sorted(set(layers))
