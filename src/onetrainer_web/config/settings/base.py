"""What a row of a setting consists of, and when a setting is of any concern."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.model_facts import ModelFacts


class Importance(StrEnum):
    """Who needs to see a setting."""

    ESSENTIAL = "essential"
    COMMON = "common"
    ADVANCED = "advanced"
    EXPERT = "expert"


ESSENTIAL, COMMON, ADVANCED, EXPERT = Importance


class Widget(StrEnum):
    """What a setting is entered with, where its type does not say it."""

    BY_TYPE = ""
    LINES = "lines"
    FOLDER = "folder"
    NONE = "none"


@dataclass(frozen=True)
class Condition:
    """A setting matters only while the setting at `path` has one of `values`."""

    path: str
    values: tuple[Any, ...]


When = tuple[Condition, ...]
"""All of these must hold; none means always."""


@dataclass(frozen=True)
class Option:
    """One choice of a setting, and when it is offered."""

    value: str
    label: str
    when: When = ()


@dataclass(frozen=True)
class Setting:
    """Everything about one setting but its type, limits and default, which stand in the model of its object."""

    label: str
    help: str
    importance: Importance = Importance.COMMON
    unit: str = ""
    unit_path: str = ""
    """The setting that holds the unit, where it can be chosen."""
    when: When = ()
    options: tuple[Option, ...] = ()
    widget: Widget = Widget.BY_TYPE
    known: frozenset[str] | None = None
    """Choices that the trainer knows, where it does not know all; with any other it does not start."""
    no_effect: str = ""
    """Why the trainer does not obey it, in a sentence; empty where it does.

    What stands inside of it has the same reason. The parts of a model and the parameters of optimizers are obeyed by
    what is known about models and libraries.
    """
    caveat: str = ""
    """What to know of it although it is obeyed."""


NOT_MEASURED = "Written as its library documents it, and not measured on a graphics card yet."
"""Of settings that help on a graphics card only and were tried on a processor only."""


@dataclass(frozen=True)
class Section:
    """Settings that stand together: a group on a tab, in this order."""

    tab: str
    group: str
    settings: Mapping[str, Setting]
    when: When = field(default=())


def is_one_of(path: str, *values: Any) -> When:
    """Only while the setting at `path` has one of `values`."""
    return (Condition(path, values),)


def is_on(path: str) -> When:
    """Only while the switch at `path` is on."""
    return is_one_of(path, True)


def method(*methods: str) -> When:
    """Only for these training methods."""
    return is_one_of("training_method", *methods)


def models_with(fits: Callable[[ModelFacts], bool]) -> When:
    """Only for model types whose facts fit."""
    return is_one_of("model_type", *models_where(fits))


def models_where(fits: Callable[[ModelFacts], bool]) -> tuple[ModelType, ...]:
    """Model types whose facts fit."""
    return tuple(model_type for model_type, facts in MODEL_TYPES.items() if fits(facts))
