"""Access data for model hubs and rented machines; they live in secrets.json alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from onetrainer_web.config.base import ConfigModel
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.files.json_files import load_json, write_json_atomically


class CloudSecretsConfig(ConfigModel):
    """Access to a rented or remote machine."""

    api_key: str = ""
    id: str = ""
    host: str = ""
    port: str = "0"
    user: str = "root"
    key_file: str = ""
    password: str = ""


class SecretsConfig(ConfigModel):
    """Everything that must not stand in a configuration that people share."""

    huggingface_token: str = ""
    cloud: CloudSecretsConfig = CloudSecretsConfig()


_UNSET = {"": ("", "None"), "secrets.cloud.port": ("0",), "secrets.cloud.user": ("root",)}
"""What OneTrainer writes where nothing is set: anywhere, and for single secrets."""

_MISPLACED = ("huggingface_token", "cloud.api_key", "cloud.key_file", "cloud.password")
"""Access data that older programs and people's own scripts put beside the settings."""


def find_secret(config: Mapping[str, Any]) -> str | None:
    """Path of the first access data that a configuration holds, None when there are none."""
    if found := _first_set(config.get("secrets"), "secrets"):
        return found
    cloud = config.get("cloud")
    inside = cast("Mapping[str, object]", cloud if isinstance(cloud, Mapping) else {})
    flat: dict[str, object] = {**config, **{f"cloud.{key}": value for key, value in inside.items()}}
    return next((name for name in _MISPLACED if _is_set(flat.get(name), name)), None)


def _first_set(value: object, name: str) -> str | None:
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return next((found for key, item in items if (found := _first_set(item, f"{name}.{key}"))), None)
    return name if not name.endswith("__version") and _is_set(value, name) else None


def _is_set(value: object, name: str) -> bool:
    return str(value) not in (*_UNSET[""], *_UNSET.get(name, ()))


def read_secrets(path: Path) -> SecretsConfig:
    """The secrets of the file `path`, OneTrainer's secrets.json; empty ones when there is no such file.

    Raises:
        InvalidConfigError: The file is damaged.
    """
    return _parse(load_json(path) if path.is_file() else {})


def update_secrets(path: Path, changes: Mapping[str, Any]) -> None:
    """Set the given secrets and keep the others; an empty text removes one. Only the owner may read the file.

    Raises:
        InvalidConfigError: There is no such secret, its value is not text, or the file is damaged.
    """
    known = read_secrets(path).model_dump()
    cloud = changes.get("cloud")
    merged = {**known, **changes}
    if isinstance(cloud, Mapping):
        merged["cloud"] = {**known["cloud"], **cast("Mapping[str, Any]", cloud)}
    secrets = _parse(merged)
    data: dict[str, Any] = {"__version": secrets.version, **secrets.model_dump()}
    data["cloud"] = {"__version": secrets.cloud.version, **data["cloud"]}
    write_json_atomically(path, data, mode=0o600)


def which_are_set(path: Path) -> dict[str, bool]:
    """For each secret by its dotted name whether it is set; never a value.

    Raises:
        InvalidConfigError: The file is damaged.
    """
    secrets = read_secrets(path)
    values = {"huggingface_token": secrets.huggingface_token}
    values |= {f"cloud.{name}": value for name, value in secrets.cloud}
    return {name: _is_set(value, f"secrets.{name}") for name, value in values.items()}


def _parse(data: Any) -> SecretsConfig:
    try:
        return SecretsConfig.model_validate(data)
    except ValidationError as error:
        # Only the names: a message that repeats a value would show a secret.
        names = sorted({".".join(map(str, problem["loc"])) or "the file" for problem in error.errors()})
        raise InvalidConfigError(f"These secrets are unknown or not text: {', '.join(names)}.") from None
