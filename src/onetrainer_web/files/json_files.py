"""JSON in and out: limits on what is read, and nothing is ever half written."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, cast

from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.files.atomic import replacing_file
from onetrainer_web.files.confined import reading

JsonObject = dict[str, Any]

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 32
MAX_ITEMS = 2500
"""Of one list; as many concepts, written whole, fill the largest file."""


def parse_json(text: bytes | str, name: str = "The configuration") -> Any:
    """The value of a JSON text of a sensible size and depth.

    Raises:
        InvalidConfigError: It is too large, too deep, or no JSON.
    """
    if len(text) > MAX_BYTES:
        raise InvalidConfigError(f"{name} is larger than {MAX_BYTES // 2**20} MiB.")
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        value = json.loads(decoded, parse_constant=_read_constant)
    except RecursionError as error:
        raise InvalidConfigError(f"{name} is nested too deeply; {MAX_DEPTH} levels are allowed.") from error
    except ValueError as error:
        raise InvalidConfigError(f"{name} is not valid JSON: {error}.") from error
    check_shape(value)
    _check_text(value, name)
    return value


def load_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        InvalidConfigError: It is too large, too deep, no JSON, or may not be read.
    """
    try:
        with reading(path, follow=True) as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise InvalidConfigError(f"{path.name} is larger than {MAX_BYTES // 2**20} MiB.")
        return parse_json(content, path.name)
    except OSError as error:
        raise InvalidConfigError(f"{path.name} cannot be read: {error.strerror or error}.") from error


def check_shape(value: Any) -> None:
    """Refuse what is nested too deeply or has too many parts to be handled, without recursion.

    Raises:
        InvalidConfigError: There are more than MAX_DEPTH levels, or more than MAX_ITEMS items in one place.
    """
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    for depth in range(MAX_DEPTH):
        # Keys of the configuration itself are told as unknown, one by one.
        longest = max((len(cast(Any, one)) for one in level if depth or isinstance(one, list)), default=0)
        if longest > MAX_ITEMS:
            raise InvalidConfigError(
                f"This is not a configuration: it has {longest} items in a place; {MAX_ITEMS} fit."
            )
        level = [item for container in level for item in _items(container)]
        if not level:
            return
    raise InvalidConfigError(f"The configuration is nested too deeply; {MAX_DEPTH} levels are allowed.")


def _check_text(value: Any, name: str) -> None:
    """Refuse text that cannot be written again: JSON can smuggle in half a character, a lone surrogate."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InvalidConfigError(f"{name} holds text that is not Unicode (half of a surrogate pair).") from error


def _items(container: Any) -> list[Any]:
    values = cast("dict[str, Any]", container).values() if isinstance(container, dict) else cast("list[Any]", container)
    return [value for value in values if isinstance(value, dict | list)]


def write_json_atomically(path: Path, data: Any, *, mode: int = 0o666) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part.

    Raises:
        InvalidConfigError: It is larger than what is read again; nothing is written then.
    """
    with replacing_json(path, data, mode=mode):
        pass


@contextmanager
def replacing_json(path: Path, data: Any, *, mode: int = 0o666) -> Generator[None]:
    """A block with which a JSON file is replaced, or not at all when it fails.

    All is written before the block begins and takes its name when it has ended: a disk without room keeps the block
    from beginning.

    Raises:
        InvalidConfigError: It is larger than what is read again; nothing is written then.
    """
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if len(text.encode()) > MAX_BYTES:
        message = (
            f"{path.name} would be larger than {MAX_BYTES // 2**20} MiB, which could not be read again. Shorten it."
        )
        raise InvalidConfigError(message)
    with replacing_file(path, mode=mode, is_durable=True) as file:
        file.write(text.encode())
        file.flush()
        yield


def write_text_atomically(path: Path, text: str, *, mode: int = 0o666) -> None:
    """Write text so that a reader sees the old file or the new one, never a part.

    The new content lies on the disk before it takes the name; `mode` are its permissions, less the umask.
    """
    with replacing_file(path, mode=mode, is_durable=True) as file:
        file.write(text.encode())


def _read_constant(name: str) -> float:
    return float(name) if name != "NaN" else _refuse_nan()


def _refuse_nan() -> NoReturn:
    raise ValueError("NaN is not a number")
