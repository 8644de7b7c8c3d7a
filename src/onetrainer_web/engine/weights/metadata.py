"""What saved safetensors files say about themselves: the keys that model browsers show and sort by.

`modelspec.*` as the specification of Stability AI has them, in the values of sd-scripts; `ss_*` of adapters as that
writes them, by which A1111 and Forge tell the base model and show tags. No path of this machine goes into a file.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import PurePath, PureWindowsPath

import safetensors.torch
import torch
from torch import Tensor

from onetrainer_web import __version__
from onetrainer_web.config.architectures import BASE_KEY, SD_SCRIPTS_VERSIONS
from onetrainer_web.config.enums import ConfigPart, PeftType, TrainingMethod
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.resolution import parse_sides
from onetrainer_web.config.tensor_header import parse_header
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.events import Progress

_SPEC_KEY = "modelspec.sai_model_spec"
_PREDICTIONS = {"v_prediction": "v"}
_ALGORITHMS = {PeftType.LOHA: "loha", PeftType.LOKR: "lokr", PeftType.OFT_2: "oft"}
_MAX_TAGS, _MAX_TRIGGERS = 20, 3


@dataclass(frozen=True)
class Result:
    """What is told of a saved file besides its configuration."""

    title: str
    """The run's name."""
    file_name: str
    """Without its ending."""
    architecture: str
    prediction: str
    progress: Progress
    num_pictures: int
    captions: Mapping[str, Sequence[str]]
    """By the labels of concepts."""
    placeholders: Sequence[str]
    """Of embeddings."""


def build_metadata(config: TrainConfig, result: Result) -> dict[str, str]:
    """Metadata for a saved file; nothing but its form where `describe_output` is off."""
    if not config.describe_output:
        return {"format": "pt"}
    tags = {label: _count_tags(captions) for label, captions in result.captions.items()}
    found = {"format": "pt", **_model_spec(config, result, tags), "onetrainer_web.version": __version__}
    if not _is_private(config.base_model_name):
        found[BASE_KEY] = config.base_model_name
    if config.training_method is TrainingMethod.LORA:
        found |= _sd_scripts(config, result, tags)
    if config.include_train_config is not ConfigPart.NONE:
        form = "packed" if config.include_train_config is ConfigPart.ALL else "settings"
        found["ot_config"] = json.dumps(config_to_dict(config, form))
    return found


def _model_spec(config: TrainConfig, result: Result, tags: Mapping[str, Counter[str]]) -> dict[str, str]:
    sides = parse_sides(config.resolution)[0]
    common = sum(tags.values(), Counter[str]()).most_common(_MAX_TAGS)
    found = {
        _SPEC_KEY: "1.0.1",
        "modelspec.architecture": result.architecture,
        "modelspec.implementation": "diffusers",
        "modelspec.title": result.title,
        "modelspec.date": datetime.now(UTC).isoformat(timespec="seconds"),
        "modelspec.resolution": f"{sides[0]}x{sides[-1]}",
        "modelspec.prediction_type": _PREDICTIONS.get(result.prediction, result.prediction),
        "modelspec.trigger_phrase": ", ".join([*result.placeholders, *_triggers(result.captions, tags)]),
        "modelspec.tags": ", ".join(tag for tag, _ in common),
    }
    return {key: value for key, value in found.items() if value}


def _sd_scripts(config: TrainConfig, result: Result, tags: Mapping[str, Counter[str]]) -> dict[str, str]:
    architecture = result.architecture.partition("/")[0]
    algorithm = _ALGORITHMS.get(config.peft_type)
    arguments = {"algo": algorithm} if algorithm else {}
    if config.lora_decompose or config.peft_type is PeftType.LOKR and config.lokr_weight_decompose:
        arguments["dora_wd"] = "True"
    values: dict[str, object] = {
        "ss_output_name": result.file_name,
        "ss_sd_model_name": _base_name(config.base_model_name),
        "ss_base_model_version": SD_SCRIPTS_VERSIONS.get(architecture, architecture),
        "ss_v2": architecture.startswith("stable-diffusion-v2"),
        "ss_network_module": "lycoris.kohya" if arguments else "networks.lora",
        "ss_network_dim": config.lokr_dim if config.peft_type is PeftType.LOKR else config.lora_rank,
        "ss_network_alpha": config.lora_alpha,
        "ss_network_args": json.dumps(arguments),
        "ss_resolution": config.resolution,
        "ss_learning_rate": config.learning_rate,
        "ss_optimizer": config.optimizer.optimizer.value,
        "ss_num_epochs": config.epochs,
        "ss_epoch": result.progress.epoch,
        "ss_steps": result.progress.global_step,
        "ss_num_train_images": result.num_pictures,
        "ss_tag_frequency": json.dumps({label: dict(own) for label, own in tags.items()}),
        "ss_training_finished_at": datetime.now(UTC).timestamp(),
    }
    return {key: str(value) for key, value in values.items()}


def _count_tags(captions: Sequence[str]) -> Counter[str]:
    """How many captions have each of the words or phrases between commas."""
    return Counter(tag for caption in captions for tag in dict.fromkeys(map(str.strip, caption.split(","))) if tag)


def _triggers(captions: Mapping[str, Sequence[str]], tags: Mapping[str, Counter[str]]) -> list[str]:
    """What all captions of a concept have in common."""
    shared = [tag for label, own in tags.items() for tag, count in own.items() if count == len(captions[label]) > 1]
    return list(dict.fromkeys(shared))[:_MAX_TRIGGERS]


def _base_name(base: str) -> str:
    return PureWindowsPath(PurePath(base).name).name


def _is_private(base: str) -> bool:
    """Whether the base model is named by its place on this machine, not in the workspace or on the hub."""
    return PurePath(base).is_absolute() or PureWindowsPath(base).is_absolute() or base.startswith("~")


def with_hash(metadata: Mapping[str, str], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The metadata with the modelspec hash, where that is told: SHA-256 over the bytes behind the file's header."""
    if _SPEC_KEY not in metadata:
        return dict(metadata)
    digest = hashlib.sha256()
    for name in _order_in_file(tensors):
        flat = tensors[name].detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().data)
    return {**metadata, "modelspec.hash_sha256": f"0x{digest.hexdigest()}"}


def _order_in_file(tensors: Mapping[str, Tensor]) -> list[str]:
    """Safetensors puts types of more bytes first; asked of it by a file with one number of each type."""
    small = safetensors.torch.save({name: torch.zeros(1, dtype=tensor.dtype) for name, tensor in tensors.items()})
    places = parse_header(BytesIO(small), len(small)).tensors
    return sorted(places, key=lambda name: places[name].start)
