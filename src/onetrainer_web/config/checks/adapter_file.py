"""What the header of a safetensors file tells of the adapter in it, before any model is loaded."""

import os
from collections.abc import Sequence
from pathlib import Path

from onetrainer_web.config.adapter_keys import LENGTHS, RANKED, count_kinds, kinds_of, split_key
from onetrainer_web.config.enums import PeftType
from onetrainer_web.config.families import facts
from onetrainer_web.config.layer_names import adapter_names_of
from onetrainer_web.config.tensor_header import Header
from onetrainer_web.config.tensor_names import BUNDLE
from onetrainer_web.config.texts.options import label_of_value
from onetrainer_web.config.training import TrainConfig

ADAPTER_IN_BACKUP = Path("lora") / "lora.safetensors"
_MOST_STRANGE = 0.5
"""The share of keys without a place in the model from which a file is taken to be for another one."""


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


def adapter_problem(header: Header, config: TrainConfig) -> str | None:
    """Why a run cannot go on from an adapter, and what to do; None when its kind and rank fit."""
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
