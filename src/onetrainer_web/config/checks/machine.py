"""What a run needs from the machine: the base model, room on the disk, a free output path.

Whether a path exists is asked of `os.path`, which also answers for names that no file can have.
"""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from onetrainer_web.config.checks.issue import Issue, Subject
from onetrainer_web.config.enums import TimeUnit, TrainingMethod
from onetrainer_web.config.fields import label_of
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME, TrainConfig

_MODEL_SUFFIXES = (".safetensors", ".ckpt", ".gguf")
_HEADER_LIMIT = 100_000_000  # the safetensors library refuses longer headers
_BACKUP_FACTOR = 3
"""A full backup holds the weights and the optimizer's two memories of the same size."""
_GIB = 2**30


def check_base_model(subject: Subject) -> Iterator[Issue]:
    """A base model that is not named or not there."""
    name = subject.config.base_model_name.strip()
    if not name:
        yield subject.needed("base_model_name", "base_model_missing", "No base model is chosen. Name one, or use tiny.")
        return
    if subject.workspace is None or name == EMBEDDED_MODEL_NAME or "://" in name:
        return
    path = subject.resolve(name)
    if os.path.exists(path):
        if problem := _model_problem(path) if subject.deep else None:
            yield subject.needed("base_model_name", "base_model_unreadable", f"The base model {name} {problem}.")
    elif _looks_like_path(name):
        message = f"The base model {name} does not exist. Correct the path, or name a model on Hugging Face."
        yield subject.needed("base_model_name", "base_model_missing", message)


def check_part_models(subject: Subject) -> Iterator[Issue]:
    """A part that is to be loaded from a file of its own which is not there."""
    for part in subject.facts.overrides if subject.workspace is not None else ():
        name = getattr(subject.config, part).model_name.strip()
        if not name or "://" in name:
            continue
        path, label = subject.resolve(name), label_of((part,))
        if not os.path.exists(path):
            problem = "does not exist" if _looks_like_path(name) else None
        else:
            problem = _model_problem(path) if subject.deep and path.is_file() else None
        if problem:
            message = (
                f"{label}: the file {name} {problem}. Correct the path, or leave it empty to use the base model's."
            )
            yield subject.needed(f"{part}.model_name", "part_model_missing", message)


def check_adapter_file(subject: Subject) -> Iterator[Issue]:
    """An adapter to start from that is not there."""
    name = subject.config.lora_model_name.strip()
    if subject.workspace is None or not name or subject.config.training_method != TrainingMethod.LORA:
        return
    if _looks_like_path(name) and not os.path.exists(subject.resolve(name)):
        message = f"The adapter {name} does not exist. Correct the path, or leave it empty to start a new one."
        yield subject.needed("lora_model_name", "adapter_missing", message)


def check_overwriting(subject: Subject) -> Iterator[Issue]:
    """A result that is there already and must not be overwritten."""
    config = subject.config
    if subject.workspace is None or not config.prevent_overwrites:
        return
    if os.path.isfile(subject.resolve(config.output_model_destination)):
        message = f"{config.output_model_destination} exists already. Choose another path, or allow overwriting."
        yield subject.needed("output_model_destination", "output_exists", message)


def check_disk(subject: Subject) -> Iterator[Issue]:
    """A disk that is too small for the planned backups of a whole model."""
    config = subject.config
    if subject.workspace is None or config.training_method != TrainingMethod.FINE_TUNE:
        return
    model = subject.resolve(config.base_model_name)
    if config.base_model_name == EMBEDDED_MODEL_NAME or not os.path.exists(model):
        return
    wanted = num_backups(config, subject.num_steps) * _BACKUP_FACTOR * _size_of(model)
    free = shutil.disk_usage(_existing(subject.workspace)).free
    if wanted > free:
        message = (
            f"The planned backups need about {wanted / _GIB:.0f} GiB, but {free / _GIB:.0f} GiB are free. "
            "Keep only the newest, or make fewer."
        )
        yield subject.needed("backup_after", "disk_too_small", message)


def num_backups(config: TrainConfig, num_steps: int | None = None) -> int:
    """How many backups lie on the disk at the end of a run; without the number of its steps, at least how many."""
    planned = 1 if config.backup_before_save else 0
    if config.backup_after_unit == TimeUnit.EPOCH and config.backup_after:
        planned += (config.epochs - 1) // config.backup_after
    elif config.backup_after_unit == TimeUnit.STEP and config.backup_after and num_steps is not None:
        planned += num_steps // config.backup_after
    elif config.backup_after_unit != TimeUnit.NEVER:
        planned += 1
    # A new backup is written before the oldest one is deleted.
    return min(planned, config.rolling_backup_count + 1) if config.rolling_backup else planned


def _looks_like_path(name: str) -> bool:
    """Whether a name cannot be a repository on Hugging Face, which has the form owner/name."""
    is_rooted = name.startswith((".", "~", "/", "\\")) or Path(name).is_absolute()
    return is_rooted or name.count("/") != 1 or name.lower().endswith(_MODEL_SUFFIXES)


def _model_problem(path: Path) -> str | None:
    """What is wrong with the files of a model, None when they look right; no weights are read."""
    if path.is_dir():
        is_model = (path / "model_index.json").is_file() or (path / "meta.json").is_file()
        return None if is_model else "is a folder without model_index.json, so it holds no model"
    if path.suffix.lower() != ".safetensors":
        return None
    try:
        return None if _has_tensors(path) else "is no safetensors file, or it was cut off while copying"
    except OSError as problem:
        return f"cannot be opened: {problem.strerror or problem}"


def _has_tensors(path: Path) -> bool:
    """Whether a safetensors file has a sound header and all the bytes that it speaks of."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= _HEADER_LIMIT:
            return False
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
            return bool(ends) and path.stat().st_size >= 8 + length + max(ends)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            return False


def _size_of(model: Path) -> int:
    files = model.rglob("*.safetensors") if model.is_dir() else [model]
    return sum(file.stat().st_size for file in files)


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
