"""Clocks are set while a trainer does not answer, and its lock is deleted: it gets its time, and stays the only one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.server.conftest import WaitUntil

from onetrainer_web.protocol.commands import Launch, Stop, append_command
from onetrainer_web.protocol.state import Fold, RunStatus, stop_patience_s
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.errors import NotResumableError
from onetrainer_web.runs.ladder import STEP_S, Ladder
from onetrainer_web.runs.process import Urgency
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import RunView

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


def test_a_stop_from_an_hour_ago_begins_with_the_gentlest_signal(
    workspace: Workspace,
    service: RunService,
    start: Callable[[str], RunView],
    wait_until: WaitUntil,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = start("deaf=1")
    stop = Stop(time=datetime.now(UTC) - HOUR, timeout_s=60)
    append_command(workspace.run_folder(run.id).commands, stop)
    wait_until(lambda: service.get(run.id).status.is_resumable)
    assert service.get(run.id).status is RunStatus.STOPPED  # it obeys SIGINT, and no SIGKILL came before
    sent = [record.args[1] for record in caplog.records if "does not answer a stop" in record.message and record.args]
    assert sent == ["INTERRUPT"]


def test_a_deleted_lock_lets_no_second_trainer_in(
    workspace: Workspace, service: RunService, start: Callable[[str], RunView], wait_until: WaitUntil
) -> None:
    run = start("steps=100000 pause=0.005")
    workspace.run_folder(run.id).lock.unlink()
    step = service.get(run.id).progress
    wait_until(lambda: service.get(run.id).progress != step)
    assert service.get(run.id).status is RunStatus.RUNNING
    with pytest.raises(NotResumableError):
        service.resume(run.id)
    service.command_training(Stop(save=False))
    wait_until(lambda: service.get(run.id).status is RunStatus.STOPPED)
