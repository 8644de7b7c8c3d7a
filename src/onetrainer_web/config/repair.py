"""Building a configuration from what was written, fixing what does not fit and saying so.

Nothing is swallowed: an unknown key, a value that does not convert, a number outside its range each becomes a note.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, cast

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from onetrainer_web.config.base import ConfigModel, nested_model
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import InvalidConfigError

_MAX_ROUNDS = 10  # one round shows all errors of a level; objects nest three deep
_MAX_SUGGESTIONS = 20  # looking for similar names is slow, and nobody reads more
_MAX_PROBLEMS = 10_000  # more come from another kind of file, and would keep the reader busy for minutes
_MAX_NOTES = 200
_MAX_NAMES = 12  # more are not read; similar ones are told instead, if there are any
_MAX_SHOWN = 60  # letters of a value that a note repeats

_EXPECTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of sensible size",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "value_error": "a number",
}


_SIMILAR = 0.8
"""Share of letters from which on a name is taken for a mistyped one; less similar ones mean something else."""

_COMMON = {
    "weight_dtype": "weight_dtype",
    "gradient_checkpointing": "gradient_checkpointing",
    "layer_offload_fraction": "offload_fraction",
    "enable_activation_offloading": "activation_offloading",
}
"""Keys that were common to all parts, as bundled presets may still have them, and what each part calls them."""


class Note(BaseModel):
    """Something in a configuration that could not be taken as it stands, and what was made of it."""

    path: str = Field(description="Dotted name of the setting.")
    code: str = Field(description="What kind of note it is, for programs.")
    message: str = Field(description="One sentence for people.")


def build_config(data: dict[str, Any], usual: Mapping[str, Any]) -> tuple[TrainConfig, list[Note]]:
    """A configuration from `data` (changed in place), with a note for everything that had to be fixed.

    Args:
        data: What was written.
        usual: Values that stand for what does not fit, by key; others have the default of the format.

    Raises:
        InvalidConfigError: The data cannot be made to fit.
    """
    notes: list[Note] = []
    for _ in range(_MAX_ROUNDS):
        try:
            return TrainConfig.model_validate(data), _shortened(notes)
        except ValidationError as error:
            if error.error_count() > _MAX_PROBLEMS:
                break
            problems = error.errors(include_url=False)
            suggest = len(problems) <= _MAX_SUGGESTIONS
            # Backwards, so that leaving out one element of a list does not move those still to be fixed.
            fixed = [_fix(data, problem, suggest) for problem in reversed(problems)]
            data.update({note.path: usual[note.path] for note in fixed if note.path in usual and note.path not in data})
            notes += reversed(fixed)
    raise InvalidConfigError("This is not a configuration: too many of its keys and values are unknown.")


def _shortened(notes: list[Note]) -> list[Note]:
    if (more := len(notes) - _MAX_NOTES) <= 0:
        return notes
    return [
        *notes[:_MAX_NOTES],
        Note(path="", code="more", message=f"{more} more keys and values were not understood."),
    ]


def explain(error: ValidationError) -> str:
    """One sentence on the first thing that does not fit."""
    problem = error.errors(include_url=False)[0]
    path = _path(problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"There is no key {path}.{_suggest(problem['loc'])}"
    return f"{path} is {_shown(problem['input'])}, but must be {_expected(problem)}."


def _fix(data: dict[str, Any], problem: ErrorDetails, suggest: bool) -> Note:
    """Change what `problem` is about so that it no longer arises."""
    loc = problem["loc"]
    path = _path(loc)
    parent = _parent(data, loc)
    key = cast(Any, loc[-1])
    if problem["type"] == "extra_forbidden":
        del parent[key]
        hint = _suggest(loc) if suggest else ""
        return Note(path=path, code="unknown_key", message=f"{path} is not a known key and is ignored.{hint}")
    if problem["input"] is None:
        del parent[key]
        return Note(path=path, code="null", message=f"{path} is null, but must be {_expected(problem)}; {_rest(loc)}.")
    value = problem["input"]
    stated = f"{path} is {_shown(value)}, but must be {_expected(problem)}"
    if (replacement := _nearest(problem)) is not None:
        code, parent[key] = replacement
        rest = (
            f"; {parent[key]} is used." if code == "rounded" else f". Correct it; until then {parent[key]} stands here."
        )
        return Note(path=path, code=code, message=stated + rest)
    del parent[key]
    until = "it is left out" if isinstance(key, int) else "its default stands here"
    return Note(path=path, code="invalid_value", message=f"{stated}. Correct it; until then {until}.")


def _path(loc: tuple[int | str, ...]) -> str:
    return ".".join(str(step)[:_MAX_SHOWN] for step in loc)


def _parent(data: Any, loc: tuple[int | str, ...]) -> Any:
    for step in loc[:-1]:
        data = data[step]
    return data


def _nearest(problem: ErrorDetails) -> tuple[str, float] | None:
    """What can stand for a value close to a valid one: the code of the note and the replacement."""
    limits = problem.get("ctx", {})
    for limit in ("ge", "le"):
        if limit in limits:
            return "clamped", limits[limit]
    if problem["type"] == "int_from_float" and isinstance(value := problem["input"], float):
        return "rounded", int(value)
    return None


def _expected(problem: ErrorDetails) -> str:
    context = problem.get("ctx", {})
    if problem["type"] == "enum":
        return _one_of(context["expected"].replace("'", "").replace(" or ", ", ").split(", "), problem["input"])
    if "ge" in context:
        return f"at least {context['ge']}"
    if "le" in context:
        return f"at most {context['le']}"
    return _EXPECTED.get(problem["type"], problem["msg"])


def _one_of(names: list[str], given: object) -> str:
    """All names, or of many the similar ones; without a similar one, all of them are what helps."""
    wanted = str(given)[:_MAX_SHOWN].upper()
    similar = get_close_matches(wanted, names) if len(names) > _MAX_NAMES else []
    if len(names) > _MAX_NAMES:  # QWEN_IMAGE_EDIT is closer to QWEN than letters tell
        similar += [name for name in names if wanted.startswith(f"{name}_") and name not in similar]
    return f"one of {len(names)} names, such as {', '.join(similar)}" if similar else f"one of {', '.join(names)}"


def _rest(loc: tuple[int | str, ...]) -> str:
    return "it is left out" if isinstance(loc[-1], int) else "its default is used"


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _suggest(loc: tuple[int | str, ...]) -> str:
    """Where a key of this name stands, or a similar name that exists at this place; nothing where neither helps."""
    name = str(loc[-1])[:_MAX_SHOWN]
    if len(loc) == 1 and name in _COMMON:
        return f" Each part of the model says its own, such as unet.{_COMMON[name]}; OneTrainer ignores this key too."
    model: type[ConfigModel] = TrainConfig
    for step in loc[:-1]:
        if isinstance(step, str) and step in model.model_fields:
            model = nested_model(model.model_fields[step].annotation) or model
    if similar := get_close_matches(name, model.model_fields, n=1, cutoff=_SIMILAR):
        return f" Did you mean {similar[0]}?"
    return f" It belongs elsewhere: {place}." if (place := _places().get(name)) else ""


@cache
def _places() -> dict[str, str]:
    """The dotted name of every key, by its last part; of several, the one that stands first."""
    places: dict[str, str] = {}
    _add_places(TrainConfig, "", places)
    return places


def _add_places(model: type[ConfigModel], parent: str, places: dict[str, str]) -> None:
    for name in model.model_fields:
        places.setdefault(name, f"{parent}{name}")
    for name, info in model.model_fields.items():
        if name != "secrets" and (inner := nested_model(info.annotation)):
            _add_places(inner, f"{parent}{name}.", places)
