"""When things repeat and end, in every unit of time."""

import pytest

from onetrainer_web.config.enums import TimeUnit
from onetrainer_web.config.recurring import Doing
from onetrainer_web.engine.loop.intervals import Interval, Stopwatch, has_passed
from onetrainer_web.protocol.events import Progress, Recurring

STEPS_PER_EPOCH = 3


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def at(step: int) -> Progress:
    """The position in front of a step, with three steps an epoch."""
    return Progress(global_step=step, epoch=step // STEPS_PER_EPOCH, epoch_step=step % STEPS_PER_EPOCH)


def every(amount: int, unit: TimeUnit, stopwatch: Stopwatch, *, from_start: bool) -> Interval:
    """An interval of work of any kind."""
    return Interval(Recurring(doing=Doing.SAMPLING, every=amount, unit=unit, from_start=from_start), stopwatch)


@pytest.mark.parametrize(
    ("amount", "unit", "from_start", "expected"),
    [
        (2, TimeUnit.STEP, True, [0, 2, 4, 6, 8]),
        (2, TimeUnit.STEP, False, [2, 4, 6, 8]),
        (1, TimeUnit.EPOCH, True, [0, 3, 6]),
        (2, TimeUnit.EPOCH, True, [0, 6]),
        (1, TimeUnit.EPOCH, False, [3, 6]),
        (0, TimeUnit.EPOCH, True, []),
        (0, TimeUnit.STEP, True, []),
        (5, TimeUnit.NEVER, True, []),
        (0, TimeUnit.ALWAYS, False, [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_an_interval_is_due_at_these_steps(amount: int, unit: TimeUnit, from_start: bool, expected: list[int]) -> None:
    interval = every(amount, unit, Stopwatch(Clock()), from_start=from_start)
    assert [step for step in range(9) if interval.is_due(at(step))] == expected


@pytest.mark.parametrize(
    ("steps", "expected"), [([0, 2, 4, 6, 8, 10], [0, 6, 10]), ([4, 5, 6, 7], [5]), ([3, 12, 13, 15], [12, 15])]
)
def test_an_interval_of_steps_is_due_when_one_was_stepped_over(steps: list[int], expected: list[int]) -> None:
    interval = every(5, TimeUnit.STEP, Stopwatch(Clock()), from_start=True)
    assert [step for step in steps if interval.is_due(at(step))] == expected


def test_an_interval_of_time_is_due_when_more_than_it_has_passed() -> None:
    clock = Clock()
    interval = every(2, TimeUnit.MINUTE, Stopwatch(clock), from_start=False)
    due: list[int] = []
    for step in range(1, 10):
        clock.now = step * 50.0
        if interval.is_due(at(step)):
            due.append(step)
    assert due == [3, 6, 9]


def test_an_interval_of_time_can_be_due_at_once() -> None:
    interval = every(1, TimeUnit.HOUR, Stopwatch(Clock()), from_start=True)
    assert [step for step in range(4) if interval.is_due(at(step))] == [0]


def test_a_restored_interval_does_not_repeat_itself() -> None:
    clock = Clock()
    first = every(2, TimeUnit.STEP, Stopwatch(clock), from_start=True)
    assert first.is_due(at(4))
    second = every(2, TimeUnit.STEP, Stopwatch(clock), from_start=True)
    second.restore(first.state())
    assert not second.is_due(at(4))
    assert second.is_due(at(6))


def test_a_stopwatch_goes_on_from_an_earlier_reading() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    watch.restore(100.0)
    clock.now = 5.0
    assert watch.seconds == 105.0


@pytest.mark.parametrize(
    ("amount", "unit", "step", "seconds", "expected"),
    [
        (2, TimeUnit.EPOCH, 5, 0, False),
        (2, TimeUnit.EPOCH, 6, 0, True),
        (4, TimeUnit.STEP, 3, 0, False),
        (4, TimeUnit.STEP, 4, 0, True),
        (1, TimeUnit.MINUTE, 0, 60, False),
        (1, TimeUnit.MINUTE, 0, 61, True),
        (None, TimeUnit.STEP, 9, 0, False),
        (0, TimeUnit.NEVER, 9, 0, False),
        (0, TimeUnit.EPOCH, 0, 0, True),
    ],
)
def test_a_limit_lies_behind(amount: int | None, unit: TimeUnit, step: int, seconds: float, expected: bool) -> None:
    assert has_passed(amount, unit, at(step), seconds) == expected
