"""The files of a run folder: which there are, how large they are, and where one lies."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from onetrainer_web.protocol.events import BackedUp, Saved
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.runs.errors import RunFileNotFoundError
from onetrainer_web.runs.views import FileView, OutputView


def list_files(folder: RunFolder) -> list[FileView]:
    """All files of a run, by path."""
    return [
        FileView(
            path=path.relative_to(folder.path).as_posix(),
            size=stat.st_size,
            modified=datetime.fromtimestamp(stat.st_mtime, UTC),
        )
        for path, stat in sorted(_walk(folder.path), key=lambda found: found[0])
    ]


def inside(folder: RunFolder, relative: str) -> Path | None:
    """Where a path of a run leads, links followed; None outside its folder and for what no file can be called."""
    try:
        path = (folder.path / relative).resolve(strict=True)
    except (OSError, ValueError):  # not there, too long, or with a null character
        return None
    return path if path.is_relative_to(folder.path) else None


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
    if path and (files := sorted(file for file, _ in _walk(path))):
        return path, files
    raise RunFileNotFoundError(folder.run_id, relative)


def total_size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(stat.st_size for _, stat in _walk(path)) if path.is_dir() else path.stat().st_size


def describe_output(folder: RunFolder, event: BackedUp | Saved) -> OutputView | None:
    """A backup or a model file as it lies on the disk; None when it is gone."""
    path = folder.path / event.path
    try:
        size = total_size(path)
    except FileNotFoundError:
        return None
    is_final = isinstance(event, Saved) and event.final
    return OutputView(
        name=path.name, path=event.path, time=event.time, size=size, progress=event.progress, final=is_final
    )


def _walk(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files only: a link could lead anywhere. What vanishes while a trainer works is left out."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                stat = path.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if path.is_file() and not path.is_symlink():
                yield path, stat
