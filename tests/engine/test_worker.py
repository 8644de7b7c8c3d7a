"""The trainer as a real process: killed, resumed, told to stop at any time, and started by hand."""

import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.engine.conftest import Lab

from onetrainer_web.config.recurring import Doing
from onetrainer_web.protocol.commands import Backup, Launch, Resume, Sample, Save, Stop, append_command, read_commands
from onetrainer_web.protocol.events import (
    Activity,
    BackedUp,
    CommandTaken,
    Completed,
    Event,
    Failed,
    Planned,
    SampleDrawn,
    SampleProgress,
    Saved,
    Started,
    Step,
    Stopped,
    read_events,
)
from onetrainer_web.protocol.lock import HeldLock, is_held
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.state import RunStatus, read_state
from onetrainer_web.protocol.tasks import SampleTask

PATIENCE_S = 180.0
POLL_S = 0.02
ENDLESS: dict[str, Any] = {"epochs": 100_000}
LONG_SAMPLE = {"prompt": "slow", "width": 16, "height": 16, "diffusion_steps": 900, "noise_scheduler": "DDIM"}

pytestmark = pytest.mark.slow

Process = subprocess.Popen[bytes]


def events(folder: RunFolder) -> list[Event]:
    """All events so far."""
    return list(read_events(folder.events))


def wait_for(folder: RunFolder, process: Process, is_it: Callable[[Event], bool]) -> Event:
    """The first event that fits, as soon as it is written."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for event in events(folder):
            if is_it(event):
                return event
        assert process.poll() is None or any(is_it(event) for event in events(folder)), folder.log.read_text()
        time.sleep(POLL_S)
    raise AssertionError(f"nothing came: {folder.log.read_text()}")


def step_reached(number: int) -> Callable[[Event], bool]:
    """Whether an event is a step at or behind `number`."""
    return lambda event: isinstance(event, Step) and event.progress.global_step >= number


def end_of(folder: RunFolder, process: Process) -> Event:
    """The last event of a process that ends."""
    process.wait(PATIENCE_S)
    assert not is_held(folder.lock)
    return events(folder)[-1]


def rates(folder: RunFolder) -> dict[int, float]:
    """The learning rate of the first part that learns, in each step."""
    steps = [event for event in events(folder) if isinstance(event, Step)]
    name = next(name for name in steps[0].metrics if name.startswith("lr/"))
    return {event.progress.global_step: event.metrics[name] for event in steps}


def losses(folder: RunFolder) -> dict[int, float]:
    """The loss behind each step; of a step that was done twice, the last one."""
    steps = [event for event in events(folder) if isinstance(event, Step)]
    return {event.progress.global_step: event.metrics["loss/train_step"] for event in steps}


def test_a_completed_run_trains_longer_on_a_schedule_of_the_new_length(lab: Lab) -> None:
    settings = {"learning_rate_scheduler": "COSINE", "learning_rate_warmup_steps": 0, "backup_before_save": True}
    folder = lab.create(**settings, epochs=2)
    assert isinstance(end_of(folder, lab.start(folder)), Completed)
    half = max(rates(folder))

    append_command(folder.commands, Resume(epochs=4))
    assert isinstance(end_of(folder, lab.start(folder)), Completed)

    planned = [event for event in events(folder) if isinstance(event, Planned)][-1]
    assert (planned.max_epoch, planned.max_step, planned.progress.global_step) == (4, 2 * half, half)
    whole = rates(lab.train(**settings, epochs=4))
    longer = rates(folder)
    new = range(half + 1, 2 * half + 1)
    assert [longer[step] for step in new] == [whole[step] for step in new]


def test_forty_steps_equal_twenty_steps_a_kill_and_twenty_more(lab: Lab) -> None:
    settings = {
        "epochs": 20,
        "text_encoder": {"train": True},
        "ema": "CPU",
        "learning_rate_scheduler": "COSINE",
        "backup_after": 20,
        "backup_after_unit": "STEP",
    }
    whole = lab.train(**settings)
    folder = lab.create(**settings)
    process = lab.start(folder)
    wait_for(folder, process, step_reached(23))
    process.kill()
    process.wait()
    assert read_state(folder).status is RunStatus.INTERRUPTED
    killed_at = max(losses(folder))
    append_command(folder.commands, Resume())
    append_command(folder.commands, Launch())

    end = end_of(folder, lab.start(folder))

    assert isinstance(end, Completed), folder.log.read_text()
    planned = [event for event in events(folder) if isinstance(event, Planned)]
    assert [plan.progress.global_step for plan in planned] == [0, 20]
    assert planned[1].resumed_from is not None
    assert 23 <= killed_at <= 40
    assert losses(folder) == losses(whole)
    assert len(losses(whole)) == 40
    saved = [(event.progress.global_step, event.final) for event in events(folder) if isinstance(event, Saved)]
    assert saved == [(40, True)]


def test_every_command_is_obeyed_between_steps_and_a_stop_in_the_middle_of_a_sample(lab: Lab) -> None:
    folder = lab.create(**ENDLESS)
    process = lab.start(folder)
    wait_for(folder, process, step_reached(1))
    asked = [
        append_command(folder.commands, command)
        for command in (Backup(), Save(), Sample(), Sample(samples=[{"prompt": "mine", "width": 16, "height": 16}]))
    ]
    wait_for(folder, process, lambda e: isinstance(e, BackedUp))
    wait_for(folder, process, lambda e: isinstance(e, Saved) and not e.final)
    wait_for(folder, process, lambda e: isinstance(e, SampleDrawn) and e.kind == "default")
    drawn = wait_for(folder, process, lambda e: isinstance(e, SampleDrawn) and e.kind == "custom")
    assert isinstance(drawn, SampleDrawn)
    assert drawn.path.startswith("samples/custom/")
    assert drawn.settings["prompt"] == "mine"

    rounds = sum(isinstance(event, SampleProgress) for event in events(folder))
    asked.append(append_command(folder.commands, Sample(samples=[LONG_SAMPLE] * 50)))
    wait_for(folder, process, lambda _: sum(isinstance(e, SampleProgress) for e in events(folder)) > rounds)
    asked.append(append_command(folder.commands, Stop()))
    end = end_of(folder, process)

    assert isinstance(end, Stopped), folder.log.read_text()
    assert process.returncode == 0
    taken = [event.command_id for event in events(folder) if isinstance(event, CommandTaken)]
    assert taken == [command.id for command in asked]
    # Behind the last step of an epoch, the position may be told as the start of the next one.
    last = next(event.progress for event in reversed(events(folder)) if isinstance(event, Step)).global_step
    backups = [event.progress.global_step for event in events(folder) if isinstance(event, BackedUp)]
    results = [event.progress.global_step for event in events(folder) if isinstance(event, Saved) and event.final]
    assert backups[-1] == last
    assert results == [last]


def test_a_stop_while_loading_ends_the_run_at_once(lab: Lab) -> None:
    folder = lab.create(**ENDLESS)
    process = lab.start(folder)
    wait_for(folder, process, lambda event: isinstance(event, Started))
    stop = append_command(folder.commands, Stop())
    assert isinstance(end_of(folder, process), Stopped)
    found = events(folder)
    assert [event.command_id for event in found if isinstance(event, CommandTaken)] == [stop.id]
    assert not [event for event in found if isinstance(event, Step | Saved | BackedUp)]


def test_a_stop_while_encoding_pictures_keeps_what_was_encoded(lab: Lab) -> None:
    from PIL import Image

    for number in range(400):
        shade = (number % 256, number // 2, 90)
        Image.new("RGB", (256, 256), shade).save(lab.workspace / "datasets" / "squares" / f"more-{number}.png")
    folder = lab.create(**ENDLESS, resolution="256")
    process = lab.start(folder)

    def is_encoding(event: Event) -> bool:
        return isinstance(event, Activity) and event.doing == Doing.ENCODING_PICTURES and (event.current or 0) > 0

    wait_for(folder, process, is_encoding)
    append_command(folder.commands, Stop())
    assert isinstance(end_of(folder, process), Stopped)
    num_encoded = len(list((lab.workspace / "cache").rglob("*.safetensors")))
    assert 0 < num_encoded < 400


@pytest.mark.parametrize(("number", "saves"), [(signal.SIGINT, True), (signal.SIGTERM, False)])
def test_signals_end_the_run_in_order(lab: Lab, number: signal.Signals, saves: bool) -> None:
    folder = lab.create(**ENDLESS)
    process = lab.start(folder)
    wait_for(folder, process, step_reached(1))
    process.send_signal(number)
    assert isinstance(end_of(folder, process), Stopped), folder.log.read_text()
    assert any(isinstance(event, Saved) for event in events(folder)) == saves


def test_a_start_by_hand_goes_on_where_the_run_ended(lab: Lab) -> None:
    folder = lab.create(epochs=1, backup_before_save=True)
    assert isinstance(end_of(folder, lab.start(folder)), Completed)
    assert [command.type for command in read_commands(folder.commands)] == ["launch"]
    assert isinstance(end_of(folder, lab.start(folder)), Completed)
    assert [command.type for command in read_commands(folder.commands)] == ["launch", "resume", "launch"]
    assert len([event for event in events(folder) if isinstance(event, Step)]) == 2
    log = folder.log.read_text().splitlines()
    assert all(line[2] == ":" for line in log), folder.log.read_text()


def test_an_error_is_one_readable_sentence_and_the_trace_stands_in_the_log(lab: Lab) -> None:
    folder = lab.create(concepts=[{"path": "datasets/nowhere"}])
    process = lab.start(folder)
    end = end_of(folder, process)
    assert isinstance(end, Failed)
    assert "nowhere" in end.error
    assert "Traceback" not in end.error
    assert process.returncode == 1
    assert "Traceback" in folder.log.read_text()


def test_a_second_trainer_in_the_same_folder_refuses_to_work(lab: Lab) -> None:
    folder = lab.create()
    held = HeldLock(folder.lock)
    process = lab.start(folder)
    assert process.wait(PATIENCE_S) == 2
    held.release()
    assert events(folder) == []
    assert "Another trainer" in folder.log.read_text()


def test_a_sampler_keeps_the_model_warm_and_draws_what_is_asked_for(lab: Lab) -> None:
    folder = lab.create(SampleTask)
    process = lab.start(folder)
    append_command(folder.commands, Sample(samples=[{"prompt": "a", "width": 16, "height": 16, "seed": 3}]))
    first = wait_for(folder, process, lambda e: isinstance(e, SampleDrawn))
    append_command(folder.commands, Sample())
    wait_for(folder, process, lambda e: isinstance(e, SampleDrawn) and e.kind == "default")
    append_command(folder.commands, Stop())
    assert isinstance(end_of(folder, process), Stopped)
    assert isinstance(first, SampleDrawn)
    assert (folder.path / first.path).is_file()
    assert first.settings["seed"] == 3
