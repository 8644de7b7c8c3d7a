"""The state of a run follows from its folder."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import onetrainer_web
from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.commands import append_command
from onetrainer_web.protocol.events import EventWriter, Progress
from onetrainer_web.protocol.lock import HeldLock
from onetrainer_web.protocol.run_folder import RunFolder, RunFolderError, create_run
from onetrainer_web.protocol.state import (
    END_PATIENCE_S,
    SAVE_PATIENCE_S,
    RunStatus,
    fold_events,
    is_launched,
    read_state,
)
from onetrainer_web.protocol.tasks import TASKS, RunKind, SampleTask, TrainTask
from onetrainer_web.protocol.workspace import Workspace


class Life:
    """A run folder to which things happen."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.lock: HeldLock | None = None

    def live(self) -> None:
        self.lock = HeldLock(self.folder.lock)

    def die(self) -> None:
        if self.lock:
            self.lock.release()
        self.lock = None

    def ask(self, *commands: asked.Command) -> None:
        for command in commands:
            append_command(self.folder.commands, command)

    def happen(self, *events: happened.Event) -> None:
        writer = EventWriter(self.folder.events)
        for event in events:
            writer.write(event)
        writer.close()

    @property
    def status(self) -> RunStatus:
        return read_state(self.folder).status


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    life = Life(create_run(tmp_path / "runs", TrainTask(config={}), "a run"))
    yield life
    life.die()


def test_the_end_never_lies_before_the_step() -> None:
    fold = fold_events([happened.Planned(max_step=10, max_epoch=2), happened.Step(progress=Progress(global_step=16))])
    assert fold.max_step == 16


def test_each_epoch_ends_where_the_journal_says() -> None:
    def steps(epoch: int, first: int, last: int) -> list[happened.Event]:
        return [happened.Step(progress=Progress(epoch=epoch, global_step=step)) for step in range(first, last + 1)]

    fold = fold_events([happened.Planned(max_step=12, max_epoch=4), *steps(0, 1, 4), *steps(1, 5, 7)])
    assert fold.whole_epochs == [4]
    # Resumed from a backup within the first epoch, with fewer pictures: the second has two steps, the third none.
    for event in (happened.Planned(max_step=8, max_epoch=4), *steps(0, 3, 3), *steps(1, 4, 5), *steps(3, 6, 7)):
        fold.add(event)
    assert (fold.epoch_ends, fold.whole_epochs) == ([3, 5, 5, 7], [3, 5, 5])
    fold.add(steps(3, 8, 8)[0])
    assert fold.whole_epochs == [3, 5, 5, 8]


def test_a_run_goes_through_its_states(life: Life) -> None:
    assert life.status is RunStatus.QUEUED
    life.live()
    assert life.status is RunStatus.STARTING
    life.ask(asked.Launch())
    life.happen(happened.Started(pid=1))
    assert life.status is RunStatus.STARTING
    life.happen(happened.Planned(max_step=10, max_epoch=2))
    assert life.status is RunStatus.RUNNING
    life.happen(happened.Step(progress=Progress(global_step=10)), happened.Completed())
    assert life.status is RunStatus.STOPPING
    life.die()
    assert life.status is RunStatus.COMPLETED


def test_an_interrupted_run_says_what_has_ended_it_or_what_kept_it_from_saying_more(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    life.ask(asked.Launch())
    life.happen(happened.Started(pid=1))
    assert "(killed, crashed, or power lost)" in (read_state(life.folder).error or "")
    life.ask(asked.Killed(signal="SIGBUS"))
    assert "(ended by SIGBUS)" in (read_state(life.folder).error or "")
    life.ask(asked.Resume(), asked.Launch())
    life.happen(happened.Started(pid=2, resume_id=3))
    monkeypatch.setattr("onetrainer_web.protocol.state.trouble_of", lambda _: "its disk is full")
    told = "The trainer ended without a word before its first step: its disk is full. Mend that, then resume"
    assert (read_state(life.folder).error or "").startswith(told)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (happened.Completed(), RunStatus.COMPLETED),
        (happened.Stopped(), RunStatus.STOPPED),
        (happened.Failed(error="No."), RunStatus.FAILED),
    ],
)
def test_the_last_event_says_how_a_run_ended(life: Life, end: happened.Event, status: RunStatus) -> None:
    life.ask(asked.Launch())
    life.happen(happened.Started(pid=1), end)
    assert life.status is status
    assert read_state(life.folder).error == ("No." if status is RunStatus.FAILED else None)


def test_no_end_means_interrupted_and_says_where(life: Life) -> None:
    life.ask(asked.Launch())
    life.folder.log.write_text("first\nBoom\n\n")
    assert "before its first step" in (read_state(life.folder).error or "")
    life.happen(happened.Started(pid=1), happened.Planned(max_step=10, max_epoch=1))
    life.happen(happened.Step(progress=Progress(global_step=4)))
    state = read_state(life.folder)
    assert state.status is RunStatus.INTERRUPTED
    assert "at step 4 of 10" in (state.error or "")
    assert (state.error or "").endswith("begin again; it has no backup. Last line of its log: Boom")
    life.happen(happened.BackedUp(path="backup/b", progress=Progress(global_step=4)))
    assert "go on from its last backup" in (read_state(life.folder).error or "")


def test_a_resume_queues_again_and_needs_its_own_launch(life: Life) -> None:
    life.ask(asked.Launch())
    life.happen(happened.Started(pid=1), happened.Stopped())
    life.ask(asked.Resume())
    assert life.status is RunStatus.QUEUED
    life.live()
    assert life.status is RunStatus.STARTING
    life.ask(asked.Launch())
    life.die()
    assert life.status is RunStatus.INTERRUPTED
    life.happen(happened.Started(pid=2, resume_id=2), happened.Completed())
    assert life.status is RunStatus.COMPLETED


def test_an_asking_is_answered_by_a_launch_or_by_who_started_for_it() -> None:
    by_hand = fold_events([happened.Started(pid=1, resume_id=0)])
    assert is_launched(by_hand, [])
    assert not is_launched(by_hand, [asked.Resume(id=1)])
    assert not is_launched(fold_events([]), [])
    assert is_launched(fold_events([]), [asked.Launch(id=1)])
    assert not is_launched(fold_events([]), [asked.Launch(id=1), asked.Resume(id=2)])


def test_a_stop_before_a_resume_does_not_stop_what_follows(life: Life) -> None:
    life.ask(asked.Launch(), asked.Stop(), asked.Resume(), asked.Launch())
    life.live()
    life.happen(happened.Started(pid=1, resume_id=3), happened.Planned(max_step=1, max_epoch=1))
    assert life.status is RunStatus.RUNNING


def test_a_waiting_run_that_is_stopped_is_stopped(life: Life) -> None:
    life.ask(asked.Stop())
    assert life.status is RunStatus.STOPPED
    life.ask(asked.Resume())
    assert life.status is RunStatus.QUEUED


def test_the_newest_name_counts(life: Life) -> None:
    assert read_state(life.folder).name == "a run"
    life.ask(asked.Rename(name="b"), asked.Rename(name="c"))
    assert read_state(life.folder).name == "c"


def test_what_people_say_of_a_run_and_how_it_goes_is_part_of_its_state(life: Life) -> None:
    life.ask(asked.Describe(tags=["cat"], note="first try"), asked.Describe(tags=["cat", "good"], note="second try"))
    losses: list[dict[str, Any]] = [
        {"loss/train_step": 0.5},
        {"smooth_loss/train_step": 0.25},
        {"smooth_loss/train_step": None},
    ]
    life.happen(
        *(happened.Step(progress=Progress(), metrics=metrics) for metrics in losses),
        happened.Metrics(global_step=3, values={"loss/validation_step/total_average": 0.125}),
    )
    state = read_state(life.folder)
    assert (state.tags, state.note) == (["cat", "good"], "second try")
    assert (state.loss, state.validation_loss) == (0.25, 0.125)


def at(seconds: float) -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)


def deadline_s(life: Life) -> float | None:
    deadline = read_state(life.folder).stop_deadline
    return (deadline - at(0)).total_seconds() if deadline else None


def test_a_stop_that_was_not_seen_has_its_own_limit(life: Life) -> None:
    life.live()
    life.happen(happened.Started(pid=1))
    assert deadline_s(life) is None
    life.ask(asked.Stop(time=at(0), timeout_s=60))
    life.happen(happened.Step(progress=Progress(), time=at(50)))
    assert deadline_s(life) == 60
    life.ask(asked.Stop(time=at(10), timeout_s=5))
    assert deadline_s(life) == 15


def test_who_has_seen_a_stop_must_show_signs_of_life(life: Life) -> None:
    life.live()
    life.ask(asked.Stop(time=at(0), timeout_s=60))
    life.happen(happened.CommandTaken(command_id=1, command="stop", time=at(3)))
    assert deadline_s(life) == 3 + SAVE_PATIENCE_S
    life.happen(happened.BackedUp(path="backup/b", progress=Progress(), time=at(400)))
    assert deadline_s(life) == 400 + SAVE_PATIENCE_S
    life.ask(asked.Stop(time=at(500), save=False, timeout_s=10))
    life.happen(happened.CommandTaken(command_id=2, command="stop", time=at(501)))
    assert deadline_s(life) == 511


def test_who_has_written_its_end_has_a_limit_to_go(life: Life) -> None:
    life.live()
    life.happen(happened.Started(pid=1), happened.Completed(time=at(7)))
    assert deadline_s(life) == 7 + END_PATIENCE_S


def test_memory_counts_while_the_trainer_lives(life: Life) -> None:
    life.live()
    memory = happened.DeviceMemory(device=0, allocated_bytes=1, reserved_bytes=2)
    life.happen(happened.Started(pid=1), happened.Memory(devices=[memory]))
    assert read_state(life.folder).memory == [memory]
    life.die()
    assert read_state(life.folder).memory == []


def test_runs_that_are_being_made_or_deleted_are_not_listed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.create()
    seen: list[list[RunFolder]] = []
    folder = create_run(
        workspace.runs, TrainTask(config={}), "", prepare=lambda _: seen.append(workspace.run_folders())
    )
    assert seen == [[]]
    assert [found.path for found in workspace.run_folders()] == [folder.path]
    assert folder.read_record().name == folder.run_id


def test_a_run_of_an_earlier_version_has_its_task_at_the_top(tmp_path: Path) -> None:
    folder = create_run(tmp_path, SampleTask(config={"epochs": 3}), "a run")
    now = json.loads(folder.record.read_bytes())
    task = now.pop("task")
    assert task == {"kind": "sample", "config": {"epochs": 3}}
    folder.record.write_text(json.dumps(now | task))
    assert folder.read_record().task == SampleTask(config={"epochs": 3})


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ({"task": {"kind": "juggle", "config": {}}}, "task: Input tag 'juggle'"),
        ({"kind": "juggle", "config": {}}, "task: Input tag 'juggle'"),
        ({"kind": "train"}, "task.train.config: Field required"),
        ({}, "task: Field required"),
    ],
)
def test_a_record_without_a_task_that_is_known_says_so(tmp_path: Path, broken: dict[str, Any], what: str) -> None:
    folder = create_run(tmp_path, TrainTask(config={}))
    record = json.loads(folder.record.read_bytes())
    folder.record.write_text(json.dumps({key: record[key] for key in record if key != "task"} | broken))
    with pytest.raises(RunFolderError, match=re.escape(what)):
        folder.read_record()


def test_each_kind_has_its_task_and_its_module() -> None:
    assert list(TASKS) == [task.model_fields["kind"].default for task in TASKS.values()] == list(RunKind)
    modules = Path(onetrainer_web.__file__).parent / "engine/tasks"
    assert {f"{kind}.py" for kind in RunKind} == {path.name for path in modules.iterdir()} - _SHARED


_SHARED = {"__init__.py", "work.py", "__pycache__"}


def test_run_ids_are_unique_and_sort_by_creation(tmp_path: Path) -> None:
    ids = [create_run(tmp_path, TrainTask(config={})).run_id for _ in range(50)]
    assert sorted(set(ids)) == ids
