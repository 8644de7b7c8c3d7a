"""Comparing two configurations, and changing single settings by their path."""

import json
from collections.abc import Iterator
from functools import reduce
from typing import Any, cast

from pydantic import BaseModel, Field, JsonValue, ValidationError

from onetrainer_web.config.fields import label_of
from onetrainer_web.config.files import ReadResult, to_plain
from onetrainer_web.config.repair import explain
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import InvalidConfigError


class Difference(BaseModel):
    """One setting in which two configurations differ; null where a side has none."""

    path: str = Field(description="Dotted name of the setting.")
    label: str = Field(description="What it is called, with the object it belongs to in front.")
    left: JsonValue = Field(description="Its value on the left; null where that side has none.")
    right: JsonValue = Field(description="Its value on the right; null where that side has none.")
    notes: list[str] = Field(default=[], description="What reading it brought up: not understood, clamped, converted.")


def compare(left: ReadResult, right: ReadResult) -> list[Difference]:
    """As `diff`, and every setting of which reading brought something up, even where both sides came out equal."""
    found = {difference.path: difference for difference in diff(left.config, right.config)}
    sides = [_plain(side.config) for side in (left, right)]
    for note in (*left.notes, *right.notes):
        if note.path not in found:
            a, b = (_value(side, note.path) for side in sides)
            label = label_of(note.path.split("."))
            found[note.path] = Difference(path=note.path, label=label, left=a, right=b)
        found[note.path].notes.append(note.message)
    return list(found.values())


def diff(left: TrainConfig, right: TrainConfig) -> list[Difference]:
    """Every setting in which two configurations differ, in the order of the file; secrets are left out."""
    found = _differing(_plain(left), _plain(right), ())
    return [Difference(path=".".join(path), label=label_of(path), left=a, right=b) for path, a, b in found]


def set_path(config: TrainConfig, path: str, value: Any) -> TrainConfig:
    """The configuration with one setting changed.

    Args:
        config: What to start from; it stays as it is.
        path: Dotted name, with numbers for elements of lists: `unet.train`, `samples.0.prompt`.
        value: The new value. Text is converted to what the setting needs: numbers, true and false, null for none,
            JSON for lists and objects.

    Raises:
        InvalidConfigError: There is no such setting, or the value does not fit it.
    """
    failure: ValidationError | None = None
    for candidate in _readings(value):
        data = _plain(config)
        _put(data, path, candidate)
        try:
            return TrainConfig.model_validate(data | {"secrets": config.secrets})
        except ValidationError as error:
            failure = failure or error
    raise InvalidConfigError(explain(cast(ValidationError, failure))) from failure


def _readings(value: Any) -> list[Any]:
    """What a value may mean, likeliest first: text from a command line can also be JSON."""
    if not isinstance(value, str):
        return [value]
    if value.lower() in ("null", "none"):
        return [None, value]
    try:
        return [value, json.loads(value)]
    except (ValueError, RecursionError):
        return [value]


def _put(data: dict[str, Any], path: str, value: Any) -> None:
    container: Any = data
    *parents, last = path.split(".")
    for step in parents:
        container = _child(container, step, path)
    if isinstance(container, dict):
        cast("dict[str, Any]", container)[last] = value
        return
    _child(container, last, path)
    container[int(last)] = value


def _child(container: Any, step: str, path: str) -> Any:
    """What lies under `step`; raises InvalidConfigError when there is nothing that could hold settings."""
    try:
        return container[int(step) if isinstance(container, list) and step.isdigit() else step]
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise InvalidConfigError(f"There is no setting {path}: nothing is called {step} there.") from error


def _value(plain: dict[str, Any], path: str) -> Any:
    try:
        return reduce(lambda container, step: _child(container, step, path), path.split("."), plain)
    except InvalidConfigError:
        return None


def _plain(config: TrainConfig) -> dict[str, Any]:
    plain = _without_versions(to_plain(config))
    del plain["secrets"]
    return plain


def _without_versions(value: Any) -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value).items()
        return {key: _without_versions(item) for key, item in items if key != "__version"}
    return [_without_versions(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _differing(left: Any, right: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(left, dict) and isinstance(right, dict):
        pairs = _aligned(cast("dict[str, Any]", left), cast("dict[str, Any]", right))
    elif isinstance(left, list) and isinstance(right, list):
        pairs = _aligned(_numbered(cast("list[Any]", left)), _numbered(cast("list[Any]", right)))
    else:
        if left != right or isinstance(left, bool) != isinstance(right, bool):
            yield path, left, right
        return
    for key, a, b in pairs:
        yield from _differing(a, b, (*path, key))


def _aligned(left: dict[str, Any], right: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(key, left.get(key), right.get(key)) for key in left | right]


def _numbered(items: list[Any]) -> dict[str, Any]:
    return {str(index): item for index, item in enumerate(items)}
