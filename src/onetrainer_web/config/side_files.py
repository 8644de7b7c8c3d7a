"""Concepts and samples that lie in files of their own, beside the configuration that names them."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from onetrainer_web.config.repair import Note
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.files.confined import MayRead
from onetrainer_web.files.json_files import load_json

_SIDE_FILES = {"concepts": "concept_file_name", "samples": "sample_definition_file_name"}

_IN_BACKUP = "args.json"

_Places = Callable[[str, str], Iterable[Path]]
"""Where a file may lie, by its name in the configuration and the key of its list."""


def read_side_files(data: dict[str, Any], path: Path, may_read: MayRead | None) -> list[Note]:
    """Put the concepts and samples that lie in their own files into `data`, when they can be found."""
    return _read_lists(data, lambda named, key: _places_beside(path, named, key), path.name, may_read)


def read_side_files_of_workspace(data: dict[str, Any], workspace: Path, may_read: MayRead | None) -> list[Note]:
    """The same for a configuration that was sent and lies nowhere: its files are named relative to the workspace."""
    return _read_lists(data, lambda named, _: [workspace / named.replace("\\", "/")], "", may_read)


def split_off(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The files that a packed configuration is written as when its lists have files of their own.

    Args:
        config: The JSON object of the configuration, with the lists inside.
        name: The file of the configuration itself.

    Returns:
        The JSON of each file by its path relative to that of the configuration, which comes last.
    """
    settings, files = dict(config), dict[str, Any]()
    for key, name_key in _SIDE_FILES.items():
        if settings[key] is not None:
            named = _name_beside(str(settings[name_key]), key)
            named = f"{key}.json" if named in (name, *files) else named
            files[named] = settings[key]
            settings |= {key: None, name_key: named}
    return {**files, name: settings}


def _name_beside(named: str, key: str) -> str:
    """The name of a side file as one that lies beside or below the configuration."""
    path = PurePosixPath(named.replace("\\", "/"))
    is_below = not path.is_absolute() and ".." not in path.parts and ":" not in named
    return str(path if is_below and path.name else PurePosixPath(path.name or f"{key}.json"))


def _read_lists(data: dict[str, Any], places: _Places, filename: str, may_read: MayRead | None) -> list[Note]:
    notes: list[Note] = []
    for key, name_key in _SIDE_FILES.items():
        named = data.get(name_key, TrainConfig.model_fields[name_key].default)
        found = _first_file(places(str(named), key)) if data.get(key) is None else None
        if not found:
            # The usual name says nothing: every file carries it, whether it has such lists or not.
            is_missed = named != TrainConfig.model_fields[name_key].default or filename == _IN_BACKUP
            notes += [note for note in notes_on_lists_elsewhere(data, filename) if is_missed and note.path == name_key]
            continue
        try:
            if may_read and not may_read(found.resolve()):
                raise InvalidConfigError(f"{found.name} lies outside the folders this server may read.")
            content = load_json(found)
        except InvalidConfigError as error:
            notes.append(Note(path=name_key, code="file_unreadable", message=f"No {key} were read: {error}"))
            continue
        if isinstance(content, list):
            data[key] = content
        else:
            message = f"No {key} were read: {found.name} does not hold a list."
            notes.append(Note(path=name_key, code="file_unreadable", message=message))
    return notes


def notes_on_lists_elsewhere(data: Mapping[str, Any], filename: str = "") -> list[Note]:
    """A note for concepts and samples that lie in files of their own, for whoever has the configuration alone."""
    if filename.startswith("#"):
        return []  # bundled presets have none
    return [
        _list_elsewhere(key, str(data[name_key]))
        for key, name_key in _SIDE_FILES.items()
        if data.get(key) is None and data.get(name_key)
    ]


def _places_beside(path: Path, named: str, key: str) -> list[Path]:
    """Beside the file or in OneTrainer's folder above it; a backup's own copy goes before what it was copied from."""
    named = named.replace("\\", "/")  # OneTrainer writes them so on Windows
    places = [path.parent / named, path.parent.parent / named, path.parent / Path(named).name]
    return [path.parent / f"{key}.json", *places] if path.name == _IN_BACKUP else places


def _first_file(places: Iterable[Path]) -> Path | None:
    # Not Path.is_file, which stops at names that are too long.
    return next((place for place in places if os.path.isfile(place)), None)


def _list_elsewhere(key: str, named: str) -> Note:
    message = (
        f"The {key} lie in a file of their own, {named[:100]}, which is not here, so there are none. Add them by hand, "
        "or use OneTrainer's Export, which puts them into the file."
    )
    return Note(path=_SIDE_FILES[key], code="file_missing", message=message)
