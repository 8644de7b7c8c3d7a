"""Intervals that never come or come all the time, and averages that are longer than the run."""

import math
from collections.abc import Iterator

from onetrainer_web.config.checks.issue import Issue, Subject, warning
from onetrainer_web.config.enums import EMAMode, TimeUnit, TrainingMethod
from onetrainer_web.config.fields import label_of
from onetrainer_web.config.recurring import RECURRING_WORK, RecurringKeys
from onetrainer_web.config.text import counted
from onetrainer_web.config.training import TrainConfig

_COUNTED = (TimeUnit.EPOCH, TimeUnit.STEP)


def check_intervals(subject: Subject) -> Iterator[Issue]:
    """Actions that are asked for and never happen, or happen at every step."""
    config = subject.config
    for keys in _recurring(config):
        amount, unit = getattr(config, keys.every), getattr(config, keys.unit)
        name = label_of((keys.every,))
        if unit == TimeUnit.ALWAYS or (amount == 0 and unit not in (*_COUNTED, TimeUnit.NEVER)):
            message = f"{name}: this happens at every step, which takes most of the time. Choose an interval."
            yield warning(keys.unit, "interval_always", message)
        elif amount == 0 and unit in _COUNTED:
            message = f"{name}: every {_units(0, unit)} never comes. Enter a number, or choose never."
            yield warning(keys.every, "interval_never", message)
    yield from _never_reached(config, TimeUnit.EPOCH, config.epochs)


def _recurring(config: TrainConfig) -> list[RecurringKeys]:
    return [keys for keys in RECURRING_WORK if keys.name != "validate" or config.validation]


def _never_reached(config: TrainConfig, unit: TimeUnit, total: int) -> Iterator[Issue]:
    """Actions counted in `unit` that first come due after the `total` epochs or steps of a run."""
    # The end of the last epoch is the end of the run; the last step is still a step.
    last = total - 1 if unit == TimeUnit.EPOCH else total
    for keys in _recurring(config):
        if getattr(config, keys.unit) != unit:
            continue
        first = 0 if keys.from_start else getattr(config, keys.every)
        skipped = getattr(config, keys.skip) if keys.skip else 0
        if first > last or skipped >= total:
            key, amount = (keys.every, first) if first > last else (keys.skip, skipped)
            are = "is" if amount == 1 else "are"
            message = (
                f"{label_of((key,))}: {_units(amount, unit)} {are} not reached before the end, since the run has "
                f"{total}. Enter a smaller number."
            )
            yield warning(key, "interval_never", message)


def check_validation(subject: Subject) -> Iterator[Issue]:
    """What follows the validation loss while none is measured."""
    for key in ("keep_best", "early_stopping_patience"):
        if getattr(subject.config, key) and not subject.config.validation:
            message = f"{label_of((key,))} has no effect, because no validation loss is measured. Turn it on."
            yield warning(key, "validation_off", message)


def check_stops(subject: Subject) -> Iterator[Issue]:
    """Parts that are frozen before they have learned anything."""
    for part in subject.facts.parts:
        settings = getattr(subject.config, part)
        is_counted = settings.stop_training_after_unit != TimeUnit.NEVER
        if settings.train and is_counted and settings.stop_training_after == 0:
            message = (
                f"{label_of((part,))} stops training after {_units(0, settings.stop_training_after_unit)}: at once."
            )
            yield warning(f"{part}.stop_training_after", "stops_at_once", message)


def length_issues(config: TrainConfig, steps: int) -> Iterator[Issue]:
    """What does not fit a run of so many batches."""
    if not steps:
        return
    warmup = config.learning_rate_warmup_steps
    if warmup > 1 and steps <= warmup:
        message = f"Warm-up takes {warmup:g} steps, but the run has only {steps}: the learning rate is never reached."
        yield warning("learning_rate_warmup_steps", "warmup_too_long", message)
    yield from _never_reached(config, TimeUnit.STEP, steps)
    yield from _average_issues(config, math.ceil(steps / config.gradient_accumulation_steps))


def _average_issues(config: TrainConfig, updates: int) -> Iterator[Issue]:
    """An average that remembers a new adapter as the nothing that it started from."""
    is_new = config.training_method == TrainingMethod.LORA and not config.lora_model_name
    if config.ema == EMAMode.OFF or not is_new or config.ema_decay >= 1:
        return
    memory = math.ceil(config.ema_update_step_interval / (1 - config.ema_decay))
    if updates < memory:
        message = (
            f"The average of the weights looks back over about {memory} updates, but the run has {updates}: a new "
            "adapter starts from nothing, so its average stays weak. Lower the decay, or turn EMA off."
        )
        yield warning("ema_decay", "ema_too_slow", message)


def _units(number: int, unit: TimeUnit) -> str:
    return counted(number, unit.value.lower())
