"""What is wanted of a run, as the trainer learns it."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from onetrainer_web.engine.runtime.control import Control
from onetrainer_web.pipeline.watch import StopRequested
from onetrainer_web.protocol.commands import Backup, Command, Resume, Sample, Save, Stop, append_command
from onetrainer_web.protocol.events import CommandTaken, Event, Stopped
from onetrainer_web.protocol.run_folder import RunFolder


class Ended(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def reported() -> list[Event]:
    """What the control has reported."""
    return []


@pytest.fixture
def make(tmp_path: Path, reported: list[Event], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Control]:
    """Makes a control over some commands; ending the process raises Ended."""

    def end(_code: int) -> None:
        raise Ended

    monkeypatch.setattr("onetrainer_web.engine.runtime.control.os._exit", end)

    def control(*commands: Command, resume_id: int = 0) -> Control:
        folder = RunFolder(tmp_path)
        for command in commands:
            append_command(folder.commands, command)
        made = Control(folder, resume_id, reported.append)
        made.is_disposable = False
        return made

    return control


def test_each_command_is_taken_once_and_waits_to_be_obeyed(make: Callable[..., Control], reported: list[Event]) -> None:
    control = make(Sample(), Backup(), Save())
    control.check()
    control.check()
    taken = [(event.command_id, event.command) for event in reported if isinstance(event, CommandTaken)]
    assert taken == [(1, "sample"), (2, "backup"), (3, "save")]
    assert [command.id for command in control.take_samples()] == [1]
    assert control.take_wishes() == {"backup", "save"}
    assert (control.take_samples(), control.take_wishes()) == ([], set())


def test_commands_in_front_of_the_last_resume_are_history(make: Callable[..., Control]) -> None:
    control = make(Stop(), Resume(), Backup(), resume_id=2)
    control.check()
    assert not control.is_stopping()
    assert control.take_wishes() == {"backup"}


def test_a_stop_interrupts_what_is_going_on(make: Callable[..., Control]) -> None:
    control = make(Stop(save=False))
    control.raise_if_stopped()
    control.check()
    assert control.stop is not None
    assert not control.stop.save
    with pytest.raises(StopRequested):
        control.raise_if_stopped()


def test_a_stop_ends_a_process_that_has_nothing_to_lose(make: Callable[..., Control], reported: list[Event]) -> None:
    control = make(Stop())
    control.is_disposable = True
    with pytest.raises(Ended):
        control.check()
    assert isinstance(reported[-1], Stopped)


def test_one_interrupt_stops_with_a_save_and_a_second_one_at_once(
    make: Callable[..., Control], reported: list[Event]
) -> None:
    control = make()
    control.obey_signal(signal.SIGINT)
    assert control.stop is not None
    assert control.stop.save
    with pytest.raises(Ended):
        control.obey_signal(signal.SIGINT)
    assert isinstance(reported[-1], Stopped)


def test_a_request_to_terminate_ends_at_once(make: Callable[..., Control]) -> None:
    with pytest.raises(Ended):
        make().obey_signal(signal.SIGTERM)
