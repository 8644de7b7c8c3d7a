"""What the header of a safetensors file tells of the adapter in it, before any model is loaded."""

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from onetrainer_web.config.adapter_keys import DOWN, LENGTHS, RANKED, count_kinds, kinds_of, split_key
from onetrainer_web.config.enums import PeftType
from onetrainer_web.config.families import facts
from onetrainer_web.config.layer_names import adapter_names_of
from onetrainer_web.config.settings.options import label_of_value
from onetrainer_web.config.tensor_header import Header, TensorFacts
from onetrainer_web.config.tensor_names import BUNDLE
from onetrainer_web.config.training import TrainConfig

ADAPTER_IN_BACKUP = Path("lora") / "lora.safetensors"
_MOST_STRANGE = 0.5
"""The share of keys without a place in the model from which a file is taken to be for another one."""
_BY_INPUTS = (DOWN, "hada_w1_b")
"""Weights that have the inputs of their layer as their second axis."""
_TEXT = ("lora_te", "lora_prior_te", "text_encoder")
"""How the keys of text encoders begin."""
_PLAIN = ("F32", "F16", "BF16", "F8_E4M3", "F8_E5M2")
"""Types of numbers that stand in a file one by one."""


def adapter_file(path: Path) -> Path:
    """The adapter that a path means: the file itself, or that of a backup."""
    return path / ADAPTER_IN_BACKUP if os.path.isdir(path) else path


def adapter_losses(header: Header, config: TrainConfig) -> str | None:
    """What of an adapter a run will drop, as a sentence that goes on from its name; None when it keeps all."""
    strangers = _strangers(header, config)
    return f"{_foreign(strangers, header, config)}: they will be missing in the result" if strangers else None


def _strangers(header: Header, config: TrainConfig) -> list[str]:
    """The keys that no layer of the model has, by its names; none for a model that is not trained here."""
    names = adapter_names_of(config.model_type)
    if names is None:
        return []
    keys = ((key, *split_key(key)) for key in header.tensors if not key.startswith(f"{BUNDLE}."))
    return [key for key, layer, weight in keys if not (weight and names.knows(layer))]


def _foreign(strangers: Sequence[str], header: Header, config: TrainConfig) -> str:
    label = facts(config.model_type).label
    return f"{len(strangers)} of {len(header.tensors)} keys belong to no layer of {label} ({count_kinds(strangers)})"


def adapter_problem(header: Header, config: TrainConfig, denoiser: Sequence[Header] = ()) -> str | None:
    """Why a run cannot go on from an adapter, and what to do; None when its kind, its rank and its layers' widths fit.

    Args:
        header: Of the adapter.
        config: Of the run.
        denoiser: Headers of the files that hold the denoiser, where they are here.
    """
    weights = {(split_key(name)[1] or "", *tensor.shape[:1]) for name, tensor in header.tensors.items()}
    names = {name for name, *_ in weights}
    kinds = kinds_of(names)
    if not kinds:
        return "holds no adapter of a kind that is known here. Choose another file, or leave it empty"
    strangers = _strangers(header, config)
    if len(strangers) > _MOST_STRANGE * len(header.tensors):
        return f"is for another model: {_foreign(strangers, header, config)}. Choose another file or model type"
    if config.peft_type not in kinds:
        return f"holds a {label_of_value(kinds[0])}, not a {label_of_value(config.peft_type)}. Choose that kind"
    if strange := _strange_widths(header, strangers, denoiser):
        layers = ", ".join(f"{layer} with {width} inputs" for layer, width in strange[:2])
        return f"is for a model of another size: the base model has no layer such as {layers}. Choose one that fits it"
    decomposes = config.lokr_weight_decompose if config.peft_type is PeftType.LOKR else config.lora_decompose
    if LENGTHS in names and not decomposes:
        return "holds a DoRA. Turn weight decomposition on"
    if config.peft_type not in (PeftType.LORA, PeftType.LOHA):
        return None
    ranks = {rank for name, *length in weights if name in RANKED for rank in length}
    # Layers that the original code joins have the ranks of all of them together.
    is_joining = bool(facts(config.model_type).joined_formats)
    fits = (rank % config.lora_rank == 0 if is_joining else rank == config.lora_rank for rank in ranks)
    found = " and ".join(map(str, sorted(ranks)))
    return None if all(fits) else f"has the rank {found}, not {config.lora_rank}. Set the rank to that of the file"


def _strange_widths(header: Header, strangers: Sequence[str], denoiser: Sequence[Header]) -> list[tuple[str, int]]:
    """Layers of the denoiser with more or fewer inputs than any that it has; none where its files do not tell."""
    weights = [weight for file in denoiser for weight in file.tensors.values() if len(weight.shape) > 1]
    if not weights or any(weight.dtype not in _PLAIN for weight in weights):
        return []
    known = {width for weight in weights for width in _widths(weight)}
    kept = ((key, *split_key(key)) for key in header.tensors.keys() - set(strangers) if not key.startswith(_TEXT))
    widths = ((layer, header.tensors[key].shape[1]) for key, layer, weight in kept if weight in _BY_INPUTS)
    return sorted((layer, width) for layer, width in widths if width not in known)


def _widths(weight: TensorFacts) -> Iterator[int]:
    """What the second axis of an adapter of a layer may be: its inputs, with each place of a kernel or without."""
    rows, inputs, *kernel = weight.shape
    yield inputs
    yield inputs * math.prod(kernel)
    if kernel and inputs == 1:  # one for each input
        yield rows
