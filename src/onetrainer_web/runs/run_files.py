"""The files of a run: which there are, how large they are, and where one lies."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.files.confined import confine, files_below, size_of
from onetrainer_web.files.model_folders import index_of
from onetrainer_web.protocol.backups import BackupDamagedError, read_backup
from onetrainer_web.protocol.events import BackedUp, SampleDrawn, Saved
from onetrainer_web.protocol.run_folder import RunFolder, RunFolderError
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.errors import RunFileNotFoundError
from onetrainer_web.runs.views import FileView, OutputView

MODEL_ENDINGS = {".safetensors", ".ckpt", ".pt"}


def list_files(folder: RunFolder) -> list[FileView]:
    """All files of a run, by path."""
    return [
        FileView(
            path=path.relative_to(folder.path).as_posix(),
            size=stat.st_size,
            modified=datetime.fromtimestamp(stat.st_mtime, UTC),
        )
        for path, stat in sorted(files_below(folder.path), key=lambda found: found[0])
    ]


def inside(folder: RunFolder, relative: str) -> Path | None:
    """Where a path of a run leads, links followed; None outside its folder and for what no file can be called."""
    return confine(folder.path / relative, folder.path)


def find_output(folder: RunFolder, event: SampleDrawn | BackedUp | Saved) -> Path | None:
    """Where an output lies that a run speaks of; None when it is gone, or lies where the run does not write.

    A run writes into its own folder, or where its configuration says: below `workspace_dir`, and to
    `output_model_destination`.
    """
    if path := inside(folder, event.path):
        return path
    try:
        config = folder.read_record().task.config
    except RunFolderError:
        return None
    workspace = Workspace(folder.workspace)
    if chosen := _chosen(config, "workspace_dir"):
        outputs = RunFolder(workspace.resolve(chosen).resolve())
        kind = {SampleDrawn: outputs.samples, BackedUp: outputs.backups, Saved: outputs.saves}[type(event)]
        if path := confine(folder.path / event.path, kind):
            return path
    if isinstance(event, Saved) and (chosen := _chosen(config, "output_model_destination")):
        destination = workspace.resolve(chosen).resolve()
        path = confine(folder.path / event.path, destination, destination.parent)
        if path and _is_model(path) and (path.parent == destination or path.name.startswith(destination.name)):
            return path
    return None


def _chosen(config: dict[str, Any], setting: str) -> str:
    """A path of a configuration; empty when it was left at its default."""
    value = config.get(setting)
    if not isinstance(value, str) or value == TrainConfig.model_fields[setting].default or "\0" in value:
        return ""
    return value


def _is_model(path: Path) -> bool:
    return path.suffix in MODEL_ENDINGS if path.is_file() else index_of(path) is not None


def find_file(folder: RunFolder, relative: str) -> Path:
    """The absolute path of a file of a run, links followed, never one outside its folder.

    Raises:
        RunFileNotFoundError: There is no such file in the run folder.
    """
    if (path := inside(folder, relative)) and path.is_file():
        return path
    raise RunFileNotFoundError(folder.run_id, relative)


def find_folder(folder: RunFolder, relative: str) -> tuple[Path, list[Path]]:
    """A folder of a run with all files below it, never one outside the run's folder.

    Raises:
        RunFileNotFoundError: There is no such folder, or nothing in it.
    """
    path = inside(folder, relative)
    if path and (files := sorted(file for file, _ in files_below(path))):
        return path, files
    raise RunFileNotFoundError(folder.run_id, relative)


def describe_output(folder: RunFolder, event: BackedUp | Saved) -> OutputView | None:
    """A backup or a model file as it lies on the disk; None when it is gone."""
    path = find_output(folder, event)
    try:
        size = size_of(path) if path else None
    except FileNotFoundError:
        return None
    if path is None or size is None:
        return None
    return OutputView(
        name=path.name,
        path=event.path,
        time=event.time,
        size=size,
        progress=event.progress,
        final=isinstance(event, Saved) and event.final,
        damage=_damage(path) if isinstance(event, BackedUp) else None,
    )


def _damage(path: Path) -> str | None:
    try:
        read_backup(path)
    except BackupDamagedError as error:
        return error.reason
    return None
