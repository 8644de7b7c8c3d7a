"""Reading and writing configuration files in OneTrainer's format."""

import math
import os
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel

from onetrainer_web.config.base import ConfigModel
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.defaults import starting_values
from onetrainer_web.config.layer_filters import with_patterns
from onetrainer_web.config.migrations import (
    evident_concept_version,
    evident_version,
    migrate_concept,
    migrate_config,
    version_of_globals,
)
from onetrainer_web.config.repair import Note, build_config
from onetrainer_web.config.retired import replace_retired_values, take_over_retired_keys
from onetrainer_web.config.secrets import find_secret
from onetrainer_web.config.side_files import read_side_files, read_side_files_of_workspace, split_off
from onetrainer_web.config.text import whole_number
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import ConfigNotFoundError, InvalidConfigError
from onetrainer_web.files.confined import MayRead
from onetrainer_web.files.json_files import (
    check_shape,
    load_json,
    write_json_atomically,
)

__all__ = [
    "Form",
    "Note",
    "ReadResult",
    "config_to_dict",
    "parse_config",
    "parse_request",
    "read_config_file",
    "reject_secrets",
    "settings_files",
    "to_plain",
    "write_config_file",
    "write_settings_files",
]

Form = Literal["settings", "packed"]
"""settings: concepts and samples stay in their own files. packed: they stand inside."""


class ReadResult(BaseModel):
    """A configuration as it was understood, and what was not understood."""

    config: TrainConfig
    notes: list[Note]
    migrated_from: int | None
    """Version of the file when it was older than today's."""


def parse_config(data: Any, *, filename: str = "") -> ReadResult:
    """Understand a configuration as OneTrainer wrote it: what it leaves out has OneTrainer's defaults.

    Args:
        data: The JSON object; it is not changed.
        filename: Name of the file; a leading "#" marks a bundled preset, which is never migrated.

    Raises:
        InvalidConfigError: It is not an object, or nested too deeply.
    """
    return _understand(_checked_copy(data), filename)


def _understand(checked: dict[str, Any], filename: str = "", usual: Mapping[str, Any] | None = None) -> ReadResult:
    """The configuration of a checked JSON object, which is changed; `usual` stands for values that do not fit."""
    version, notes = _version_of(checked, is_preset=filename.startswith("#") and filename != "#.json")
    migrated_from = migrate_config(checked, version)
    notes += replace_retired_values(checked)
    notes += take_over_retired_keys(checked)
    if name := find_secret(checked):
        message = f"{name} is access data and is left out; it belongs into the secrets."
        notes.append(Note(path=name, code="secret_dropped", message=message))
    checked.pop("secrets", None)
    notes += _migrate_concepts(checked)
    config, more_notes = build_config(checked, usual or {})
    return ReadResult(config=config, notes=notes + more_notes, migrated_from=migrated_from)


def parse_request(data: Any, workspace: Path | None = None, may_read: MayRead | None = None) -> ReadResult:
    """Understand a configuration that somebody sends: what it leaves out are our starting values (`default_config`).

    A configuration that carries `__version`, or keys of an old version, is a OneTrainer file and is read as one.

    Args:
        data: The JSON object; it is not changed.
        workspace: Where the files that it names for concepts and samples are read from; None leaves them alone.
        may_read: Which of these files may be read; all when left out.

    Raises:
        InvalidConfigError: It is not an object, is nested too deeply, or holds a secret.
    """
    given = _checked_copy(data)
    reject_secrets(given)
    notes = read_side_files_of_workspace(given, workspace, may_read) if workspace else []
    check_shape(given)  # again, with what came from files
    usual: dict[str, Any] = {}
    if "__version" not in given and evident_version(given) == TrainConfig.version:
        usual = starting_values(given.get("training_method"), given.get("model_type"))
    read = _understand(_lay_over(usual, given), usual=usual)
    return read.model_copy(update={"notes": notes + read.notes})


def reject_secrets(data: Mapping[str, Any]) -> None:
    """Refuse a configuration that carries access data.

    Raises:
        InvalidConfigError: It does; says where it belongs.
    """
    if name := find_secret(data):
        raise InvalidConfigError(f"The configuration holds a secret ({name}). Send it to PUT /api/secrets instead.")


def read_config_file(path: Path, may_read: MayRead | None = None) -> ReadResult:
    """Read a configuration file, or a folder of a backup that holds one, with the concepts and samples beside it.

    Args:
        path: The file or folder.
        may_read: Which of the files that it names for concepts and samples may be read; all when left out.

    Raises:
        ConfigNotFoundError: There is no such file.
        InvalidConfigError: It is too large, no JSON object, or nested too deeply.
    """
    if path.is_dir():
        in_backup = path / "onetrainer_config" / "args.json"
        path = in_backup if in_backup.is_file() else path / "args.json"
    if not path.is_file():
        raise ConfigNotFoundError(path)
    data = _checked_copy(load_json(path))
    notes = read_side_files(data, path, may_read)
    check_shape(data)  # again, with what came from beside
    read = _understand(data, path.name)
    return read.model_copy(update={"notes": notes + read.notes})


def config_to_dict(config: TrainConfig, form: Form = "packed") -> dict[str, Any]:
    """The JSON object that OneTrainer reads, with `__version` in every object and without secrets."""
    plain = to_plain(config)
    del plain["secrets"]
    return plain | {"concepts": None, "samples": None} if form == "settings" else plain


def config_of_run(config: TrainConfig) -> dict[str, Any]:
    """What a run keeps of a configuration: layer choices by name are spelled out for OneTrainer."""
    return config_to_dict(with_patterns(config))


def write_config_file(path: Path, config: TrainConfig) -> None:
    """Write a packed configuration file that OneTrainer opens."""
    write_json_atomically(path, config_to_dict(config))


def write_settings_files(path: Path, config: TrainConfig) -> list[Path]:
    """Write a configuration and, into files of their own beside it, its concepts and samples; gives what was written.

    Raises:
        InvalidConfigError: One of these files holds something else already; nothing was written.
    """
    files = {path.parent / name: content for name, content in settings_files(path.name, config).items()}
    for beside, content in files.items():
        if beside != path and os.path.exists(beside) and not _holds(beside, content):
            raise InvalidConfigError(
                f"{beside} exists already and holds something else. Write into another folder, or give the concepts "
                "and samples other names: --set concept_file_name=… --set sample_definition_file_name=…"
            )
    for file, content in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json_atomically(file, content)
    return list(files)


def settings_files(name: str, config: TrainConfig) -> dict[str, Any]:
    """The JSON of the files that a configuration is written as in the form "settings", by their relative paths."""
    return split_off(config_to_dict(config), name)


def _holds(path: Path, content: Any) -> bool:
    try:
        return bool(load_json(path) == content)
    except InvalidConfigError:
        return False


def to_plain(value: Any) -> Any:
    """JSON values of a configuration or a part of it; infinite numbers become the text that OneTrainer writes."""
    if isinstance(value, ConfigModel):
        return {"__version": value.version} | {name: to_plain(item) for name, item in value}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [to_plain(item) for item in cast("list[Any]", value)]
    return value


def _checked_copy(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise InvalidConfigError("A configuration is a JSON object.")
    check_shape(cast(Any, data))
    return cast("dict[str, Any]", _copy(data))


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in cast("dict[str, Any]", value).items()}
    return [_copy(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above`, completed by `below` key by key, in nested objects too."""
    both = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            both[key] = _lay_over(below[key], above[key])
    return both


def _version_of(data: dict[str, Any], *, is_preset: bool) -> tuple[int, list[Note]]:
    """The version to migrate from, and a note when the file says something else."""
    today = TrainConfig.version
    stated = data.pop("__version", None)
    if is_preset:
        return today, []
    if stated is None:
        return evident_version(data), []
    if (known := _whole(stated)) is not None and known <= today:
        return min(known, version_of_globals(data)), []
    message = f"The file says version {str(stated)[:20]}; it is read as version {today}, the newest known here."
    return today, [Note(path="__version", code="unknown_version", message=message)]


def _migrate_concepts(data: dict[str, Any]) -> list[Note]:
    """Bring all concepts of `data` to today's version; a note for each from the future."""
    notes: list[Note] = []
    concepts = data.get("concepts")
    for index, concept in enumerate(cast("list[Any]", concepts) if isinstance(concepts, list) else []):
        if not isinstance(concept, dict):
            continue
        known = cast("dict[str, Any]", concept)
        stated = _whole(known.get("__version"))
        migrate_concept(known, evident_concept_version(known) if stated is None else stated)
        if stated is not None and stated > ConceptConfig.version:
            message = f"A concept says version {stated}; it is read as version {ConceptConfig.version}."
            notes.append(Note(path=f"concepts.{index}.__version", code="unknown_version", message=message))
    return notes


def _whole(value: object) -> int | None:
    """A version as a number, also where it is written as text; None for anything else."""
    return None if isinstance(value, bool) else whole_number(str(value))
