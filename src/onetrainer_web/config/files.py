"""Reading and writing configuration files in OneTrainer's format."""

import math
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel

from onetrainer_web.config.base import ConfigModel
from onetrainer_web.config.defaults import starting_values
from onetrainer_web.config.json_files import (
    check_depth,
    load_json,
    parse_json,
    write_json_atomically,
    write_text_atomically,
)
from onetrainer_web.config.migrations import (
    evident_concept_version,
    evident_version,
    migrate_concept,
    migrate_config,
)
from onetrainer_web.config.repair import Note, build_config
from onetrainer_web.config.secrets import find_secret
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import ConfigNotFoundError, InvalidConfigError

__all__ = [
    "Form",
    "Note",
    "ReadResult",
    "config_to_dict",
    "parse_config",
    "parse_json",
    "parse_request",
    "read_config_file",
    "reject_secrets",
    "to_plain",
    "write_config_file",
    "write_json_atomically",
    "write_text_atomically",
]

Form = Literal["settings", "packed"]
"""settings: concepts and samples stay in their own files. packed: they stand inside."""

_SIDE_FILES = {"concepts": "concept_file_name", "samples": "sample_definition_file_name"}


class ReadResult(BaseModel):
    """A configuration as it was understood, and what was not understood."""

    config: TrainConfig
    notes: list[Note]
    migrated_from: int | None
    """Version of the file when it was older than today's."""


def parse_config(data: Any, *, base_folder: Path | None = None, filename: str = "") -> ReadResult:
    """Understand a configuration as OneTrainer wrote it: what it leaves out has OneTrainer's defaults.

    Args:
        data: The JSON object; it is not changed.
        base_folder: Where the files that it names for concepts and samples are looked for; None looks nowhere.
        filename: Name of the file; a leading "#" marks a bundled preset, which is never migrated.

    Raises:
        InvalidConfigError: It is not an object, or nested too deeply.
    """
    checked = _checked_copy(data)
    version, notes = _version_of(checked, is_preset=filename.startswith("#") and filename != "#.json")
    migrated_from = migrate_config(checked, version)
    if find_secret(checked.pop("secrets", None)):
        notes.append(Note(path="secrets", code="secret_dropped", message="Secrets stand in secrets.json, not here."))
    if base_folder:
        notes += _read_side_files(checked, base_folder)
    _migrate_concepts(checked)
    config, more_notes = build_config(checked)
    return ReadResult(config=config, notes=notes + more_notes, migrated_from=migrated_from)


def parse_request(data: Any) -> ReadResult:
    """Understand a configuration that somebody sends: what it leaves out are our starting values (`default_config`).

    A configuration that carries `__version`, or keys of an old version, is a OneTrainer file and is read as one.

    Raises:
        InvalidConfigError: It is not an object, is nested too deeply, or holds a secret.
    """
    given = _checked_copy(data)
    reject_secrets(given)
    if "__version" in given or evident_version(given) < TrainConfig.version:
        return parse_config(given)
    return parse_config(_lay_over(starting_values(given.get("training_method"), given.get("model_type")), given))


def reject_secrets(data: Mapping[str, Any]) -> None:
    """Refuse a configuration that carries access data.

    Raises:
        InvalidConfigError: It does; says where it belongs.
    """
    if name := find_secret(data.get("secrets")):
        raise InvalidConfigError(f"The configuration holds a secret ({name}). Send it to PUT /api/secrets instead.")


def read_config_file(path: Path) -> ReadResult:
    """Read a configuration file, or a folder of a backup that holds one.

    Raises:
        ConfigNotFoundError: There is no such file.
        InvalidConfigError: It is too large, no JSON object, or nested too deeply.
    """
    if path.is_dir():
        in_backup = path / "onetrainer_config" / "args.json"
        path = in_backup if in_backup.is_file() else path / "args.json"
    if not path.is_file():
        raise ConfigNotFoundError(path)
    return parse_config(load_json(path), base_folder=path.parent, filename=path.name)


def config_to_dict(config: TrainConfig, form: Form = "packed") -> dict[str, Any]:
    """The JSON object that OneTrainer reads, with `__version` in every object and without secrets."""
    plain = to_plain(config)
    del plain["secrets"]
    return plain | {"concepts": None, "samples": None} if form == "settings" else plain


def write_config_file(path: Path, config: TrainConfig, form: Form = "packed") -> None:
    """Write a configuration file that OneTrainer opens."""
    write_json_atomically(path, config_to_dict(config, form))


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
    check_depth(cast(Any, data))
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
    if isinstance(stated, int) and 0 <= stated <= today:
        return int(stated), []
    message = f"The file says version {str(stated)[:20]}; it is read as version {today}, the newest known here."
    return today, [Note(path="__version", code="unknown_version", message=message)]


def _migrate_concepts(data: dict[str, Any]) -> None:
    concepts = data.get("concepts")
    for concept in cast("list[Any]", concepts) if isinstance(concepts, list) else []:
        if isinstance(concept, dict):
            known = cast("dict[str, Any]", concept)
            stated = known.get("__version")
            migrate_concept(
                known, stated if isinstance(stated, int) and stated >= 0 else evident_concept_version(known)
            )


def _read_side_files(data: dict[str, Any], folder: Path) -> list[Note]:
    """Put the concepts and samples that lie in their own files into `data`, when they can be found."""
    notes: list[Note] = []
    for key, name_key in _SIDE_FILES.items():
        named = data.get(name_key, TrainConfig.model_fields[name_key].default)
        path = _find_side_file(folder, str(named), key) if data.get(key) is None else None
        if not path:
            continue
        try:
            content = load_json(path)
        except (InvalidConfigError, OSError) as error:
            notes.append(Note(path=name_key, code="file_unreadable", message=f"{path.name} cannot be read: {error}"))
            continue
        if isinstance(content, list):
            data[key] = content
        else:
            notes.append(Note(path=name_key, code="file_unreadable", message=f"{path.name} does not hold a list."))
    return notes


def _find_side_file(folder: Path, named: str, key: str) -> Path | None:
    """Beside the file, in OneTrainer's folder above it, or under its fixed name in a backup."""
    places = [folder / named, folder.parent / named, folder / Path(named).name, folder / f"{key}.json"]
    return next((place for place in places if place.is_file()), None)
