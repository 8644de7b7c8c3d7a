"""A journal of any length is followed in stretches, and one that nothing is added to is left alone."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from onetrainer_web.protocol import journal
from onetrainer_web.protocol.events import Completed, Event, Planned, Progress, SampleDrawn, Started, Step
from onetrainer_web.protocol.run_folder import RunFolder, create_run
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.tasks import TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs import event_reader, tracked_run
from onetrainer_web.runs.announcer import Announcer
from onetrainer_web.runs.broker import Broker
from onetrainer_web.runs.event_reader import EventReader
from onetrainer_web.runs.executors.local import LocalExecutor
from onetrainer_web.runs.tracked_run import TrackedRun, discover, read_on
from onetrainer_web.storage.index import RunIndex

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NUM_STEPS = 2000


def drawn_after(seconds: float) -> SampleDrawn:
    time = NOW + timedelta(seconds=seconds)
    return SampleDrawn(seq=3, time=time, kind="default", path="a.png", index=0, progress=Progress(), settings={})


def make_run(workspace: Workspace, num_steps: int, samples: tuple[SampleDrawn, ...] = ()) -> RunFolder:
    """A run that has trained to its end."""
    workspace.create()
    folder = create_run(workspace.runs, TrainTask(config={"model_type": "STABLE_DIFFUSION_15"}))
    events: list[Event] = [
        Started(seq=1, time=NOW, pid=1, resume_id=0),
        Planned(seq=2, time=NOW, max_step=num_steps, max_epoch=1, progress=Progress()),
        *samples,
    ]
    for step in range(1, num_steps + 1):
        progress = Progress(global_step=step, epoch_step=step)
        events.append(Step(seq=len(events) + 1, time=NOW, progress=progress, metrics={"loss": float(step)}))
    events.append(Completed(seq=len(events) + 1, time=NOW))
    folder.events.write_text("".join(event.model_dump_json() + "\n" for event in events))
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def test_a_long_journal_is_read_in_stretches_and_its_end_is_known_from_the_first(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_run(workspace, NUM_STEPS)
    monkeypatch.setattr(tracked_run, "STRETCH_BYTES", 20_000)
    run, steps, num_stretches = discover(folder, ("cpu",)), 0, 0
    while run.has_changed:
        reading = read_on(run, LocalExecutor(), lambda: None)
        assert reading.run.events_offset - run.events_offset < 21_000
        assert (reading.run.state.status, reading.run.state.max_step) == (RunStatus.COMPLETED, NUM_STEPS)
        run, num_stretches = reading.run, num_stretches + 1
        steps += sum(name == "loss" for name, *_ in reading.update.points)
    assert num_stretches > 10
    assert run.state.progress
    assert steps == run.state.progress.global_step == NUM_STEPS


def test_a_torn_tail_is_looked_at_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_run(workspace, 5)
    with folder.events.open("ab") as file:
        file.write(bytes(100_000))
    monkeypatch.setattr(journal, "READ_BYTES", 1000)
    run = read_on(discover(folder, ("cpu",)), LocalExecutor(), lambda: None).run
    assert run.state.status is RunStatus.COMPLETED
    assert not run.has_changed, "nothing is read as long as nothing is added"
    with folder.events.open("ab") as file:
        file.write(b"\n" + Completed(seq=99, time=NOW).model_dump_json().encode() + b"\n")
    assert run.has_changed
    assert read_on(run, LocalExecutor(), lambda: None).run.state.last_seq == 99


def test_a_server_takes_turns_and_numbers_samples_when_it_has_read_all(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The long run was made last but drew first, so that its sample must wait for no number of another."""
    short = make_run(workspace, 1, (drawn_after(50),))
    long = make_run(workspace, NUM_STEPS, (drawn_after(10),))
    monkeypatch.setattr(tracked_run, "STRETCH_BYTES", 20_000)
    monkeypatch.setattr(event_reader, "LOAD_S", 0)
    monkeypatch.setattr(event_reader, "SLICE_S", 0)
    index = RunIndex(workspace.index, workspace.retired_samples)
    reader = EventReader(workspace, index, Announcer(Broker()), LocalExecutor())
    reader.load()
    assert [run.id for run in reader.runs()] == [long.run_id], "one stretch, of the newest run"
    assert not reader.has_all
    num_turns = 0
    while reader.is_behind:
        assert index.count_samples() == 0
        reader.poll()
        num_turns += 1
    assert num_turns > 10
    assert {run.state.status for run in reader.runs()} == {RunStatus.COMPLETED}
    assert [sample.run_id for sample in index.samples(oldest_first=True)] == [long.run_id, short.run_id]
    (curve,) = index.curves(long.run_id)
    assert [value for _, value in index.points(curve)] == [float(step) for step in range(1, NUM_STEPS + 1)]
    index.close()


def test_a_run_is_read_when_nothing_of_its_journal_is_left(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then the supervisor ends no trainer: it might have answered."""
    folder = make_run(workspace, NUM_STEPS)
    monkeypatch.setattr(tracked_run, "STRETCH_BYTES", 20_000)
    monkeypatch.setattr(event_reader, "LOAD_S", 0)
    index = RunIndex(workspace.index, workspace.retired_samples)
    reader = EventReader(workspace, index, Announcer(Broker()), LocalExecutor())
    reader.load()
    assert not reader.is_read(reader.run(folder.run_id))
    while reader.is_behind:
        reader.poll()
    assert reader.is_read(reader.run(folder.run_id))
    index.is_damaged = True
    monkeypatch.setattr(event_reader, "SLICE_S", 0)
    reader.poll()
    assert reader.run(folder.run_id).state.status is RunStatus.COMPLETED
    assert not reader.is_read(reader.run(folder.run_id))
    index.close()


def test_the_last_training_is_looked_for_only_when_a_run_has_ended(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (make_run(workspace, 1) for _ in range(2))
    index = RunIndex(workspace.index, workspace.retired_samples)
    reader = EventReader(workspace, index, Announcer(Broker()), LocalExecutor())
    reader.load()
    asked: list[str] = []
    recency = TrackedRun.recency.fget
    assert recency
    monkeypatch.setattr(TrackedRun, "recency", property(lambda run: asked.append(run.id) or recency(run)))
    for _ in range(3):
        found = reader.last_training()
        assert found
        assert found.id == max(first.run_id, second.run_id)
    assert len(asked) == 2, "each run once, however often it is asked"
    shutil.rmtree(second.path)
    reader._next_scan = 0
    reader.poll()
    assert reader.last_training() == reader.run(first.run_id)
    index.close()


def test_runs_that_come_and_go_are_seen_at_once_and_ended_ones_seldom_looked_at(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = make_run(workspace, 1)
    index = RunIndex(workspace.index, workspace.retired_samples)
    reader = EventReader(workspace, index, Announcer(Broker()), LocalExecutor())
    reader.load()
    reader.poll()
    monkeypatch.setattr(event_reader, "SCAN_INTERVAL_S", 1000)
    reader._next_scan = 0
    reader.poll()
    looked_at: list[str] = []
    has_changed = TrackedRun.has_changed.fget
    assert has_changed
    monkeypatch.setattr(TrackedRun, "has_changed", property(lambda run: looked_at.append(run.id) or has_changed(run)))
    new = create_run(workspace.runs, TrainTask(config={}))
    for _ in range(3):
        reader.poll()
    assert [run.id for run in reader.runs()] == [ended.run_id, new.run_id]
    shutil.rmtree(new.path)
    reader.poll()
    assert [run.id for run in reader.runs()] == [ended.run_id]
    assert not looked_at, "neither has a trainer"
    index.close()
