"""What a run needs from the machine: the base model, room on the disk, a free output path.

Whether a path exists is asked of `os.path`, which also answers for names that no file can have.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from onetrainer_web.config.checks.adapter_file import adapter_file, adapter_losses, adapter_problem
from onetrainer_web.config.checks.embedding_file import embedding_losses, embedding_problem
from onetrainer_web.config.checks.issue import Issue, Subject, warning
from onetrainer_web.config.enums import ModelFormat, TimeUnit, TrainingMethod
from onetrainer_web.config.fields import label_of
from onetrainer_web.config.hub import downloaded, is_hub_id
from onetrainer_web.config.tensor_header import Header, HeaderError, read_header
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME, TrainConfig
from onetrainer_web.files.model_folders import index_of

_OTHER_MODELS = (".ckpt", ".pt", ".pth", ".bin", ".json")
"""Files that the trainer judges itself: pickles, which the server's owner may allow, and indexes of a folder."""
_BACKUP_FACTOR = 3
"""A full backup holds the weights and the optimizer's two memories of the same size."""
_GIB = 2**30
_DEFAULT_DESTINATION = TrainConfig().output_model_destination


def check_base_model(subject: Subject) -> Iterator[Issue]:
    """A base model that is not named or not there."""
    name = subject.config.base_model_name.strip()
    if not name:
        yield subject.needed("base_model_name", "base_model_missing", "No base model is chosen. Name one, or use tiny.")
    elif subject.workspace is not None and name != EMBEDDED_MODEL_NAME:
        yield from _model_issues(subject, "base_model_name", "base_model", name)


def check_part_models(subject: Subject) -> Iterator[Issue]:
    """A part that is to be loaded from elsewhere and is not there."""
    for part in subject.facts.overrides if subject.workspace is not None else ():
        if name := getattr(subject.config, part).model_name.strip():
            yield from _model_issues(subject, f"{part}.model_name", "part_model", name)


def _model_issues(subject: Subject, setting: str, code: str, name: str) -> Iterator[Issue]:
    """What keeps a named model from being loaded."""
    path, label = subject.resolve(name), label_of(setting.split("."))
    if "://" in name:
        message = f"{label}: models are not downloaded from an address such as {name} here. Enter the path of a file."
        yield subject.needed(setting, "choice_not_available", message)
    elif os.path.exists(path):
        # Parts of a model in a folder of their own have no file that names them.
        looks_inside = subject.deep and (code == "base_model" or path.is_file())
        if problem := _model_problem(path) if looks_inside else None:
            yield subject.needed(setting, f"{code}_unreadable", f"{label}: {name} {problem}.")
    elif not is_hub_id(name):
        message = f"{label}: {name} does not exist. Correct the path, or name a model on Hugging Face."
        yield subject.needed(setting, f"{code}_missing", message)
    elif subject.config.offline_mode and downloaded(name, subject.hub_cache) is None:
        message = f"{label}: {name} has not been downloaded to this machine. Turn offline mode off, or enter a path."
        yield subject.needed(setting, f"{code}_missing", message)


def check_start_files(subject: Subject) -> Iterator[Issue]:
    """An adapter or embedding to start from that is not there."""
    config = subject.config
    if subject.workspace is None:
        return
    names = {f"additional_embeddings.{n}": one.model_name for n, one in enumerate(config.additional_embeddings)}
    if config.training_method == TrainingMethod.EMBEDDING:
        names["embedding"] = config.embedding.model_name
    names = {f"{place}.model_name": name for place, name in names.items()}
    if config.training_method == TrainingMethod.LORA:
        names["lora_model_name"] = config.lora_model_name
    for setting, name in names.items():
        if name and not os.path.exists(subject.resolve(name)):
            message = f"{label_of(setting.split('.'))}: {name} does not exist. Correct the path, or leave it empty."
            yield subject.needed(setting, "start_file_missing", message)
        elif name and subject.deep and os.path.isfile(adapter_file(subject.resolve(name))):
            yield from _start_file_issues(subject, setting, name)


def _start_file_issues(subject: Subject, setting: str, name: str) -> Iterator[Issue]:
    label, path = label_of(setting.split(".")), adapter_file(subject.resolve(name))
    problem = _file_problem(path)
    if problem:
        yield subject.needed(setting, "start_file_broken", f"{label}: {name} {problem}. Choose another one.")
        return
    header, is_adapter = read_header(path), setting == "lora_model_name"
    if is_adapter:
        problem = adapter_problem(header, subject.config, list(_headers_of_denoiser(subject)))
    else:
        problem = embedding_problem(header, subject.config)
    if problem:
        yield subject.needed(setting, "start_file_unfit", f"{label}: {name} {problem}.")
    elif losses := (adapter_losses if is_adapter else embedding_losses)(header, subject.config):
        yield warning(setting, "start_file_partly_used", f"{label}: {name} {losses}.")


def _headers_of_denoiser(subject: Subject) -> Iterator[Header]:
    """Of the files that hold the denoiser, as far as they lie here and can be read."""
    config, part = subject.config, subject.facts.denoiser
    place = subject.model_place(getattr(config, part).model_name.strip() or config.base_model_name.strip())
    for file in [place] if place.is_file() else sorted((place / part).glob("*.safetensors")):
        with suppress(HeaderError, OSError):
            yield read_header(file)


def check_overwriting(subject: Subject) -> Iterator[Issue]:
    """A result that is there already and must not be overwritten."""
    config = subject.config
    destination = config.output_model_destination
    # Left at its default, the result is a file of the run's own.
    if subject.workspace is None or not config.prevent_overwrites or destination in ("", _DEFAULT_DESTINATION):
        return
    path = str(subject.resolve(destination))
    if config.output_model_format == ModelFormat.DIFFUSERS:
        is_taken = os.path.exists(path)
    else:  # a folder takes single files under names of their own
        is_taken = os.path.isfile(path) or os.path.isfile(f"{path}.safetensors")
    if is_taken:
        message = f"{destination} exists already. Choose another path, or allow overwriting."
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


def _model_problem(path: Path) -> str | None:
    """What is wrong with the files of a model, None when they look right; no weights are read."""
    if path.is_dir():
        is_model = index_of(path) or (path / "meta.json").is_file()
        return None if is_model else "is a folder without model_index.json, so it holds no model"
    if path.suffix.lower() in _OTHER_MODELS:
        return None
    if path.suffix.lower() != ".safetensors":
        return "is no model: that is a .safetensors file or a folder in diffusers' format"
    return _file_problem(path)


def _file_problem(path: Path) -> str | None:
    """Why nothing can be read from a safetensors file, as words behind its name."""
    try:
        return read_header(path).fault
    except HeaderError as error:
        return f"is no safetensors file: {error.reason}"
    except OSError as error:
        return f"cannot be opened: {error.strerror or error}"


def _size_of(model: Path) -> int:
    files = model.rglob("*.safetensors") if model.is_dir() else [model]
    return sum(file.stat().st_size for file in files)


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.exists())
