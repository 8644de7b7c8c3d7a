"""Clocks are set while a trainer does not answer, and its lock is deleted: it gets its time, and stays the only one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.server.conftest import WaitUntil

from onetrainer_web.protocol.commands import Stop, append_command
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.errors import NotResumableError
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import RunView

HOUR = timedelta(hours=1)


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
    (told,) = [record.message for record in caplog.records if "does not answer a stop" in record.message]
    assert "INTERRUPT" in told


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
