"""Whether our own trainer can do what a configuration asks for."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from operator import attrgetter
from typing import Any

from onetrainer_web.config.base import ConfigModel
from onetrainer_web.config.checks.issue import Issue, Subject, error, warning
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import KEPT_AS
from onetrainer_web.config.fields import Field, fields_by_path, known_values, label_of
from onetrainer_web.config.optimizer_tables import LACKING, LIBRARIES, PARAMETERS
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.settings.options import label_of_value
from onetrainer_web.config.training import TrainConfig

LIMITS_OF_OUR_TRAINER = {
    "not_trained_yet",
    "choice_not_available",
    "library_missing",
    "no_effect",
    "batch_not_divided",
    "multiplied_in_full",
}
"""Codes of issues that say nothing about another trainer."""


def check_model_and_method(subject: Subject) -> Iterator[Issue]:
    """A method that the model does not have, or one that our trainer does not know yet."""
    config, facts = subject.config, subject.facts
    method = label_of_value(config.training_method)
    if config.training_method not in facts.methods:
        offered = ", ".join(map(label_of_value, facts.methods))
        message = f"{facts.label} cannot be trained by the method {method}. Choose one of: {offered}."
        yield error("training_method", "method_not_offered", message)
    elif config.training_method not in facts.trained_here:
        message = f"{method} of {facts.label} cannot be trained by this program yet; the configuration can be kept."
        yield subject.needed("training_method", "not_trained_yet", message)


def check_choices(subject: Subject) -> Iterator[Issue]:
    """Choices that our trainer does not know yet, and that nothing could stand in for."""
    for path, known in known_values().items():
        if path in ("model_type", "training_method"):
            continue
        value = attrgetter(path)(subject.config)
        if value not in known and matters(fields_by_path()[path], subject.config, subject.config):
            label = label_of(path.split("."))
            names = ", ".join(sorted(map(label_of_value, known)))
            message = f"{label}: {label_of_value(value)} cannot be used here yet. Choose one of: {names}."
            yield subject.needed(path, "choice_not_available", message)


def check_products(subject: Subject) -> Iterator[Issue]:
    """Parts whose products OneTrainer computes in 8 bits: here only their weights are kept so."""
    for part in subject.facts.parts:
        dtype = getattr(subject.config, part).weight_dtype
        if kept := KEPT_AS.get(dtype):
            message = (
                f"{label_of((part,))}: weights are kept in {label_of_value(kept)}, but multiplied in "
                f"{label_of_value(subject.config.train_dtype)}: as exact or more so, and slower on cards that multiply "
                "8 bits. The file keeps what it says."
            )
            yield warning(f"{part}.weight_dtype", "multiplied_in_full", message)


def check_library(subject: Subject) -> Iterator[Issue]:
    """An optimizer whose library is not installed on this machine."""
    optimizer = subject.config.optimizer.optimizer
    package = LIBRARIES.get(optimizer)
    if subject.workspace is None or package is None:
        return
    try:
        version(package)
    except PackageNotFoundError:
        message = (
            f"The optimizer {label_of_value(optimizer)} needs the package {package}, which is not installed here. "
            f"Run `pip install {package}`, or choose another optimizer."
        )
        yield subject.needed("optimizer.optimizer", "library_missing", message)


def check_optimizer_parameters(subject: Subject) -> Iterator[Issue]:
    """Parameters that OneTrainer's version of an optimizer has and the library used here lacks."""
    chosen = subject.config.optimizer
    usual = PARAMETERS[chosen.optimizer]
    for name in sorted(LACKING.get(chosen.optimizer, frozenset())):
        field = fields_by_path()[f"optimizer.{name}"]
        value = getattr(chosen, name)
        if field.obeyed and value is not None and value != usual[name]:
            message = f"{field.label} (optimizer.{name}) has no effect on {label_of_value(chosen.optimizer)} here."
            yield warning(f"optimizer.{name}", "no_effect", message)


def check_effect(subject: Subject) -> Iterator[Issue]:
    """Settings that somebody has changed and that have no effect on a run yet."""
    config = subject.config
    lists = {"concepts": config.concepts or [], "samples": config.samples or []}
    for setting in _unheeded():
        if not setting.parent:
            yield from _effect(subject, setting, config, setting.field.path)
        for index, element in enumerate(lists.get(setting.parent, ())):
            yield from _effect(subject, setting, element, f"{setting.parent}.{index}.{setting.name}")


@dataclass(frozen=True)
class _Setting:
    """A setting without effect, ready to be looked up quickly."""

    field: Field
    parent: str
    """Name of the list that it stands in, empty for none."""
    name: str
    default: Any


def _effect(subject: Subject, setting: _Setting, owner: ConfigModel, path: str) -> Iterator[Issue]:
    value = attrgetter(setting.name)(owner)
    if (
        value == setting.default
        or _is_usual(path, value, subject.config)
        or not matters(setting.field, owner, subject.config)
    ):
        return
    name = f"{label_of(path.split('.'))} ({path})"
    yield warning(path, "no_effect", f"{name} has no effect here. {setting.field.note} The file keeps it.")


def _is_usual(path: str, value: Any, config: TrainConfig) -> bool:
    """Whether a parameter has the value that choosing the optimizer gives it."""
    parent, _, name = path.partition(".")
    return parent == "optimizer" and PARAMETERS[config.optimizer.optimizer].get(name) == value


@cache
def _unheeded() -> tuple[_Setting, ...]:
    owners: dict[str, ConfigModel] = {"": TrainConfig(), "concepts": ConceptConfig(), "samples": SampleConfig()}
    settings: list[_Setting] = []
    for field in fields_by_path().values():
        parent, _, name = field.path.rpartition("[].")
        if field.obeyed or field.secret or field.type == "object" or parent not in owners:
            continue
        settings.append(_Setting(field, parent, name, attrgetter(name)(owners[parent])))
    return tuple(settings)


def matters(field: Field, owner: ConfigModel, config: TrainConfig) -> bool:
    """Whether the other settings leave this one any meaning."""
    for condition in field.visible_when:
        parent, _, name = condition.path.rpartition("[].")
        if attrgetter(name)(owner if parent else config) not in condition.values:
            return False
    return True
