"""The configurations that come with the program."""

from functools import cache
from pathlib import Path

from onetrainer_web.config.enums import ModelType, TrainingMethod
from onetrainer_web.config.files import ReadResult, read_config_file
from onetrainer_web.errors import ConfigNotFoundError

_FOLDER = Path(__file__).parent / "presets"


@cache
def preset_names() -> tuple[str, ...]:
    """Names of all presets, without .json, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


@cache
def preset_subject(name: str) -> tuple[ModelType, TrainingMethod]:
    """What a preset trains, and by which method.

    Raises:
        ConfigNotFoundError: There is none of this name.
    """
    config = read_preset(name).config
    return config.model_type, config.training_method


def read_preset(name: str) -> ReadResult:
    """A preset by its name.

    Raises:
        ConfigNotFoundError: There is none of this name.
    """
    if name not in preset_names():
        raise ConfigNotFoundError(name)
    return read_config_file(_FOLDER / f"{name}.json")
