"""The configurations that come with the program."""

from functools import cache
from pathlib import Path

from onetrainer_web.config.files import ReadResult, read_config_file
from onetrainer_web.errors import ConfigNotFoundError

_FOLDER = Path(__file__).parent / "presets"


@cache
def preset_names() -> tuple[str, ...]:
    """Names of all presets, without .json, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


def read_preset(name: str) -> ReadResult:
    """A preset by its name.

    Raises:
        ConfigNotFoundError: There is none of this name.
    """
    if name not in preset_names():
        raise ConfigNotFoundError(name)
    return read_config_file(_FOLDER / f"{name}.json")
