"""When something repeats and when something ends, in OneTrainer's units of time."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from onetrainer_web.config.enums import SECONDS, TimeUnit
from onetrainer_web.config.recurring import RECURRING_WORK, RecurringKeys
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.events import Progress, Recurring

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


def recurring_work(config: TrainConfig, *, validates: bool) -> dict[str, Recurring]:
    """What a run does between its steps, by short names, in the order in which it is done.

    Args:
        config: The configuration of the run.
        validates: Whether there is a validation loss to measure.
    """
    return {keys.name: _recurring(config, keys, validates=validates) for keys in RECURRING_WORK}


def _recurring(config: TrainConfig, keys: RecurringKeys, *, validates: bool) -> Recurring:
    is_possible = validates or keys.name != "validate"
    unit = getattr(config, keys.unit) if is_possible else TimeUnit.NEVER
    at_end = {"backup": config.backup_before_save, "save": True}
    return Recurring(
        doing=keys.doing,
        every=getattr(config, keys.every),
        unit=unit,
        from_start=keys.from_start,
        skip=getattr(config, keys.skip) if keys.skip else 0,
        at_end=at_end.get(keys.name, unit is not TimeUnit.NEVER),
    )


class Interval:
    """When recurring work is due.

    EPOCH is due at the first step of every N-th epoch, STEP at every N-th step, a unit of time when N of them have
    passed since the last time. Zero epochs or steps mean never.
    """

    def __init__(self, work: Recurring, stopwatch: Stopwatch) -> None:
        self.work = work
        self._stopwatch = stopwatch
        self._last_step = -1
        self._asked_at: int | None = None
        self._last_seconds: float | None = None if work.from_start else stopwatch.seconds

    def is_due(self, progress: Progress) -> bool:
        """Whether it is time, at the boundary in front of the step behind `progress`; true once at a boundary."""
        before = progress.global_step - 1 if self._asked_at is None else self._asked_at
        self._asked_at = progress.global_step
        if progress.global_step == self._last_step or not self._is_time(progress, before):
            return False
        self._last_step = progress.global_step
        self._last_seconds = self._stopwatch.seconds
        return True

    def is_past_skip(self, progress: Progress) -> bool:
        """Whether the first times, which the configuration skips, lie behind."""
        work = self.work
        return work.unit is TimeUnit.ALWAYS or has_passed(work.skip, work.unit, progress, self._stopwatch.seconds)

    def _is_time(self, progress: Progress, before: int) -> bool:
        """Whether it is time, or has become so behind the step `before`: several ranks take several steps at once."""
        every, unit = self.work.every, self.work.unit
        if unit is TimeUnit.NEVER:
            return False
        if progress.global_step == 0 and not self.work.from_start:
            return False
        if unit is TimeUnit.ALWAYS:
            return True
        if unit is TimeUnit.EPOCH:
            return every > 0 and progress.epoch_step == 0 and progress.epoch % every == 0
        if unit is TimeUnit.STEP:
            return every > 0 and progress.global_step // every > before // every
        last = self._last_seconds
        return last is None or self._stopwatch.seconds - last > every * SECONDS[unit]

    def state(self) -> dict[str, Any]:
        """What a backup keeps, so that a resumed run does not repeat itself."""
        return {"last_step": self._last_step, "last_seconds": self._last_seconds}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the state of a backup."""
        self._last_step, self._last_seconds = state["last_step"], state["last_seconds"]


class Calendar:
    """When each recurring work of a run is due, over all its starts."""

    def __init__(self, work: Mapping[str, Recurring], stopwatch: Stopwatch, kept: Mapping[str, Any]) -> None:
        """Begin, or go on.

        Args:
            work: By short names, as of `recurring_work`.
            stopwatch: Started with the run.
            kept: What a backup remembers; empty at the start, and if it remembers nothing.
        """
        self._stopwatch = stopwatch
        self._intervals = {name: Interval(one, stopwatch) for name, one in work.items()}
        if kept:
            stopwatch.restore(kept["seconds"])
            for name, interval in self._intervals.items():
                interval.restore(kept["intervals"][name])

    @property
    def seconds(self) -> float:
        """Seconds of the run so far."""
        return self._stopwatch.seconds

    @property
    def work(self) -> list[Recurring]:
        """All of it, in the order in which it is done."""
        return [interval.work for interval in self._intervals.values()]

    def due(self, progress: Progress) -> set[str]:
        """The names of what it is time for, at the boundary behind `progress`; each once at a boundary."""
        return {name for name, interval in self._intervals.items() if interval.is_due(progress)}

    def is_past_skip(self, name: str, progress: Progress) -> bool:
        """Whether the first times of a work, which the configuration skips, lie behind."""
        return self._intervals[name].is_past_skip(progress)

    def is_at_end(self, name: str) -> bool:
        """Whether a work is done once more when the training ends."""
        return self._intervals[name].work.at_end

    def state(self) -> dict[str, Any]:
        """What a backup keeps."""
        intervals = {name: interval.state() for name, interval in self._intervals.items()}
        return {"seconds": self.seconds, "intervals": intervals}


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
