"""How a trainer that does not answer is made to end: each signal has its time, by a clock that nobody sets."""

from datetime import UTC, datetime, timedelta

import pytest

from onetrainer_web.protocol.commands import Launch, Stop
from onetrainer_web.protocol.state import Fold, stop_patience_s
from onetrainer_web.runs.executors import Urgency
from onetrainer_web.runs.ladder import STEP_S, Ladder

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("age", "patience_s"), [(timedelta(seconds=20), 40), (HOUR, 0), (-HOUR, 60)])
def test_a_stop_never_gives_more_patience_than_it_says(age: timedelta, patience_s: float) -> None:
    assert stop_patience_s(Fold(), [Launch(), Stop(id=1, time=NOW - age, timeout_s=60)], NOW) == patience_s
    assert stop_patience_s(Fold(), [], NOW) == 0


def test_each_signal_gets_its_time_whatever_the_deadline_says() -> None:
    ladder = Ladder()

    def climb(now: float) -> Urgency | None:
        urgency = ladder.next_rung(now)
        if urgency is not None:
            ladder.climbed(urgency)
        return urgency

    ladder.wait_until(NOW - HOUR, due=100)
    assert climb(99) is None
    assert ladder.next_rung(150) is Urgency.INTERRUPT  # but its process is not found
    assert ladder.next_rung(150 + STEP_S / 2) is None
    assert climb(200) is Urgency.INTERRUPT  # however long ago it was due, the gentlest comes first
    assert climb(200 + STEP_S / 2) is None
    assert climb(200 + STEP_S) is Urgency.TERMINATE
    ladder.wait_until(NOW + HOUR, due=300)  # a sign of life
    assert climb(299) is None
    assert climb(300) is Urgency.KILL
    assert climb(1000) is None
