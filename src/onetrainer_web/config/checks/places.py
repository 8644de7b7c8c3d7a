"""Whether what a run reads from and writes to is of the kind that it needs: a file where one is asked, or a folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from onetrainer_web.config.checks.adapter_file import ADAPTER_IN_BACKUP
from onetrainer_web.config.checks.issue import Issue, Subject
from onetrainer_web.config.enums import ModelFormat, TrainingMethod
from onetrainer_web.config.fields import label_of
from onetrainer_web.files.model_folders import INDEXES

_EMBEDDINGS = "embeddings"
"""Of a backup."""
_MODEL_MARKS = ("config.json", "meta.json", *INDEXES)


def check_folders(subject: Subject) -> Iterator[Issue]:
    """Folders to write to where a file lies in the way, which would show when there is something to write."""
    config = subject.config
    if subject.workspace is None:
        return
    for setting in ("workspace_dir", "cache_dir", "huggingface_cache_dir", "output_model_destination"):
        if not (name := getattr(config, setting)):
            continue
        path = subject.resolve(name)
        may_be_file = setting == "output_model_destination" and config.output_model_format != ModelFormat.DIFFUSERS
        if obstacle := _file_in_the_way(path.parent if may_be_file else path):
            message = f"{label_of([setting])}: {name} cannot be written, as {obstacle} is a file. Choose another path."
            yield subject.needed(setting, "file_in_the_way", message)


def check_kinds(subject: Subject) -> Iterator[Issue]:
    """Folders that hold nothing of what is to be read."""
    config = subject.config
    if subject.workspace is None or not subject.deep:
        return
    if config.training_method == TrainingMethod.LORA and (name := config.lora_model_name):
        folder = subject.resolve(name)
        if os.path.isdir(folder) and not os.path.isfile(folder / ADAPTER_IN_BACKUP):
            yield _wrong(subject, "lora_model_name", name, f"without {ADAPTER_IN_BACKUP}, so it is no backup")
    embeddings = {f"additional_embeddings.{n}": one.model_name for n, one in enumerate(config.additional_embeddings)}
    if config.training_method == TrainingMethod.EMBEDDING:
        embeddings["embedding"] = config.embedding.model_name
    for setting, name in embeddings.items():
        folder = subject.resolve(name)
        if name and os.path.isdir(folder) and not any((folder / _EMBEDDINGS).glob("*.safetensors")):
            yield _wrong(subject, f"{setting}.model_name", name, f"without {_EMBEDDINGS}, so it is no backup")
    for part in subject.facts.overrides:
        name = getattr(config, part).model_name.strip()
        if name and os.path.isdir(folder := subject.resolve(name)) and not _holds_model(folder, part):
            yield _wrong(subject, f"{part}.model_name", name, "without config.json, so it holds no model")


def _wrong(subject: Subject, setting: str, name: str, fault: str) -> Issue:
    label = label_of(setting.split("."))
    return subject.needed(setting, "start_file_broken", f"{label}: {name} is a folder {fault}. Choose another one.")


def _holds_model(folder: Path, part: str) -> bool:
    is_marked = any(os.path.isfile(place / mark) for place in (folder, folder / part) for mark in _MODEL_MARKS)
    return is_marked or any(folder.glob("*.safetensors"))


def _file_in_the_way(path: Path) -> Path | None:
    """What of a path is there and is no folder."""
    there = next((place for place in (path, *path.parents) if os.path.lexists(place)), path)
    return None if os.path.isdir(there) else there if os.path.exists(there) else None
