"""The JSON schema of a configuration, with the words of the catalogue at every depth."""

from functools import cache
from typing import Any, cast

from onetrainer_web.config.base import ConfigModel
from onetrainer_web.config.fields import SETTINGS
from onetrainer_web.config.training import TrainConfig

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


@cache
def json_schema() -> dict[str, Any]:
    """A JSON schema (2020-12) that every written configuration satisfies; treat it as read-only."""
    schema = TrainConfig.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    for model in SETTINGS:
        _describe(schema if model is TrainConfig else definitions[model.__name__], model)
    return {"$schema": _DIALECT, **schema}


def _describe(schema: dict[str, Any], model: type[ConfigModel]) -> None:
    """Give every property of one object its title and description."""
    properties = cast("dict[str, dict[str, Any]]", schema["properties"])
    for key, text in SETTINGS[model].items():
        properties[key] |= {"title": text.label, "description": text.help}
    properties["__version"] = {
        "type": "integer",
        "const": model.version,
        "title": "Version",
        "description": "Version of the format in which this object is written; readers migrate older ones.",
    }
