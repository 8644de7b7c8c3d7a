"""When something repeats and when something ends, in OneTrainer's units of time."""

import time
from collections.abc import Callable
from typing import Any

from onetrainer_web.config.enums import SECONDS, TimeUnit
from onetrainer_web.protocol.events import Progress

Clock = Callable[[], float]


class Stopwatch:
    """Seconds of training so far, over all starts of a run."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()

    @property
    def seconds(self) -> float:
        """Seconds since the run first started, pauses between its starts not counted."""
        return self._clock() - self._start

    def restore(self, seconds: float) -> None:
        """Go on from the reading of an earlier start."""
        self._start = self._clock() - seconds


class Interval:
    """Something that repeats every so many epochs, steps or units of time.

    EPOCH is due at the first step of every N-th epoch, STEP at every N-th step, a unit of time when N of them have
    passed since the last time. Zero epochs or steps mean never.
    """

    def __init__(self, amount: int, unit: TimeUnit, stopwatch: Stopwatch, *, starts_at_zero: bool) -> None:
        self._amount = amount
        self._unit = unit
        self._stopwatch = stopwatch
        self._starts_at_zero = starts_at_zero
        self._last_step = -1
        self._last_seconds: float | None = None if starts_at_zero else stopwatch.seconds

    def is_due(self, progress: Progress) -> bool:
        """Whether it is time, at the boundary in front of the step behind `progress`; true once at a boundary."""
        if progress.global_step == self._last_step or not self._is_time(progress):
            return False
        self._last_step = progress.global_step
        self._last_seconds = self._stopwatch.seconds
        return True

    def _is_time(self, progress: Progress) -> bool:
        if self._unit is TimeUnit.NEVER:
            return False
        if progress.global_step == 0 and not self._starts_at_zero:
            return False
        if self._unit is TimeUnit.ALWAYS:
            return True
        if self._unit is TimeUnit.EPOCH:
            return self._amount > 0 and progress.epoch_step == 0 and progress.epoch % self._amount == 0
        if self._unit is TimeUnit.STEP:
            return self._amount > 0 and progress.global_step % self._amount == 0
        last = self._last_seconds
        return last is None or self._stopwatch.seconds - last > self._amount * SECONDS[self._unit]

    def state(self) -> dict[str, Any]:
        """What a backup keeps, so that a resumed run does not repeat itself."""
        return {"last_step": self._last_step, "last_seconds": self._last_seconds}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the state of a backup."""
        self._last_step, self._last_seconds = state["last_step"], state["last_seconds"]


def has_passed(amount: int | None, unit: TimeUnit, progress: Progress, seconds: float) -> bool:
    """Whether a limit (`stop_training_after`, `sample_skip_first` …) lies behind; NEVER and no amount never do."""
    if amount is None or unit is TimeUnit.NEVER:
        return False
    if unit is TimeUnit.ALWAYS:
        return True
    if unit is TimeUnit.EPOCH:
        return progress.epoch >= amount
    if unit is TimeUnit.STEP:
        return progress.global_step >= amount
    return seconds > amount * SECONDS[unit]
