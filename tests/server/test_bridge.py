"""OneTrainer as an engine, with a checkout that has its seam and trains nothing: everything else here is real."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.server.conftest import create

from onetrainer_web.config.recurring import Doing
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.commands import Backup, Sample, Save, Stop
from onetrainer_web.protocol.events import Event
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.tasks import Engine, SampleTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.errors import EngineCannotSampleError, OneTrainerMissingError
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import RunView
from onetrainer_web.system.onetrainer import OneTrainer

Wait = Callable[..., None]
Start = Callable[..., RunView]
CHECKOUT = Path(__file__).parents[1] / "stand_in_checkout"
PICTURE = {"prompt": "a red square", "width": 32, "height": 48}


def config(behaviour: str, **settings: Any) -> TrainConfig:
    data = {"train_device": "cpu", "base_model_name": behaviour, "epochs": 100_000, "samples": [PICTURE], **settings}
    return TrainConfig.model_validate(data)


@pytest.fixture
def begin(service: RunService, wait_until: Wait) -> Start:
    """Starts a run of OneTrainer's and waits until it has trained a step, or has ended."""

    def begin_one(behaviour: str = "", **settings: Any) -> RunView:
        run = create(service, config(behaviour, **settings), engine=Engine.ONETRAINER)
        wait_until(lambda: service.get(run.id).progress or service.get(run.id).ended)
        return service.get(run.id)

    return begin_one


def ended(service: RunService, run: RunView, wait_until: Wait) -> RunView:
    wait_until(lambda: not service.get(run.id).status.is_active and service.get(run.id).status != "queued")
    return service.get(run.id)


def journal(service: RunService, run: RunView, *types: str) -> list[Event]:
    return service.outputs.events(run.id, limit=10**6, types=types)


def steps(service: RunService, run: RunView) -> list[int]:
    return [event.progress.global_step for event in journal(service, run) if event.type == "step"]


def test_a_run_is_told_in_the_protocol_s_words(service: RunService, begin: Start, wait_until: Wait) -> None:
    run = ended(service, begin("steps=3", epochs=2), wait_until)
    assert (run.engine, run.status, run.max_step, run.max_epoch) == ("onetrainer", "completed", 6, 2)
    assert steps(service, run) == [1, 2, 3, 4, 5, 6]
    assert [event.seq for event in journal(service, run)] == list(range(1, run.last_seq + 1))
    curves = service.outputs.metrics(run.id).metrics
    assert [(point.step, point.value) for point in curves["loss/train_step"]][:2] == [(1, 1.0), (2, 0.5)]
    started = journal(service, run, "started")[0]
    assert started.type == "started"
    assert {"onetrainer", "python"} <= started.versions.keys()
    [saved] = service.outputs.saves(run.id)
    assert (saved.path, saved.final, run.model_path) == (f"save/{run.id}.safetensors", True, saved.path)


def test_what_onetrainer_does_besides_its_steps_is_told(service: RunService, begin: Start, wait_until: Wait) -> None:
    settings = {
        "sample_after": 2,
        "sample_after_unit": "EPOCH",
        "sample_skip_first": 1,
        "validation": True,
        "backup_after_unit": "NEVER",
        "backup_before_save": True,
    }
    run = begin("steps=4", **settings)
    planned = journal(service, run, "planned")[0]
    assert planned.type == "planned"
    told = {work.doing: work.model_dump(exclude={"doing"}) for work in planned.recurring}
    never = {"every": 0, "unit": "NEVER", "from_start": False, "skip": 0, "at_end": False}
    defaults = TrainConfig()
    every, unit = defaults.backup_after, defaults.validate_after_unit
    assert told == {
        Doing.SAMPLING: never | {"every": 2, "unit": "EPOCH", "from_start": True, "skip": 1},
        Doing.VALIDATING: never | {"every": defaults.validate_after, "unit": unit, "from_start": True},
        Doing.BACKING_UP: never | {"every": every, "at_end": True},
        Doing.SAVING: never | {"at_end": True},
    }
    wait_until(lambda: service.get(run.id).expected_end)


def test_commands_are_obeyed_between_steps(service: RunService, begin: Start, wait_until: Wait) -> None:
    run = begin()
    service.command(run.id, Sample(samples=[PICTURE, {**PICTURE, "seed": 7}]))
    wait_until(lambda: service.outputs.samples(run_id=run.id).total == 2)
    service.command(run.id, Sample())
    wait_until(lambda: service.outputs.samples(run_id=run.id).total == 3)
    default, second, first = service.outputs.samples(run_id=run.id).samples
    assert [view.metadata["kind"] for view in (default, second, first)] == ["default", "custom", "custom"]
    assert (first.metadata["seed"], second.metadata["seed"], first.metadata["prompt"]) == (42, 7, "a red square")
    assert first.path != second.path, "two pictures of one second have one name in OneTrainer"
    with Image.open(second.path) as picture:
        assert picture.size == (32, 48)
    wait_until(lambda: len(journal(service, run, "samples_done")) == 2)

    service.command(run.id, Backup())
    service.command(run.id, Save())
    wait_until(lambda: service.outputs.backups(run.id) and service.outputs.saves(run.id))
    assert len(journal(service, run, "command_taken")) == 4

    service.command(run.id, Stop())
    run = ended(service, run, wait_until)
    assert run.status is RunStatus.STOPPED
    assert [view.final for view in service.outputs.saves(run.id)] == [True, False]
    assert len(service.outputs.backups(run.id)) == 2


def test_a_stop_without_saving_saves_nothing(service: RunService, begin: Start, wait_until: Wait) -> None:
    run = begin()
    service.command(run.id, Stop(save=False))
    assert ended(service, run, wait_until).status is RunStatus.STOPPED
    assert (service.outputs.saves(run.id), service.outputs.backups(run.id)) == ([], [])


def test_an_error_saves_nothing_and_is_told(service: RunService, begin: Start, wait_until: Wait) -> None:
    run = ended(service, begin("fail=2"), wait_until)
    assert run.status is RunStatus.FAILED
    assert "the stand-in fails as it was told to" in (run.error or "")
    assert "second line" not in (run.error or "")
    assert "Traceback" in service.outputs.log(run.id).text
    assert service.outputs.saves(run.id) == []


def test_a_stop_while_caching_shows_its_deadline_and_is_made_to_work(
    service: RunService, begin: Start, wait_until: Wait
) -> None:
    run = begin("steps=2 cache=600")
    wait_until(lambda: "caching" in (service.get(run.id).message or ""))
    stop = service.command(run.id, Stop(timeout_s=0.5))
    wait_until(lambda: service.get(run.id).status is RunStatus.STOPPING)
    deadline = service.get(run.id).stop_deadline
    assert deadline is not None
    assert (deadline - stop.time).total_seconds() == 0.5
    run = ended(service, run, wait_until)
    assert run.status is RunStatus.STOPPED
    assert [view.progress.global_step for view in service.outputs.saves(run.id)] == [2], "what was learnt is not lost"


def test_a_stop_before_the_first_step_ends_the_trainer(service: RunService, wait_until: Wait) -> None:
    run = create(service, config("load=600"), engine=Engine.ONETRAINER)
    wait_until(lambda: service.get(run.id).message == "loading the model")
    service.command(run.id, Stop())
    assert ended(service, run, wait_until).status is RunStatus.STOPPED


def test_a_signal_stops_with_a_save(service: RunService, begin: Start, wait_until: Wait) -> None:
    run = begin()
    assert run.pid is not None
    os.kill(run.pid, signal.SIGINT)
    assert ended(service, run, wait_until).status is RunStatus.STOPPED
    assert len(service.outputs.saves(run.id)) == 1


def test_a_killed_run_goes_on_from_its_last_whole_backup(
    service: RunService, workspace: Workspace, begin: Start, wait_until: Wait, kill: Callable[[int | None], None]
) -> None:
    run = begin()
    service.command(run.id, Backup())
    wait_until(lambda: service.outputs.backups(run.id))
    backup = service.outputs.backups(run.id)[0]
    kill(run.pid)
    assert ended(service, run, wait_until).status is RunStatus.INTERRUPTED
    # A kill can leave half a backup, which OneTrainer itself would take for the newest.
    (workspace.run_folder(run.id).backups / "9999-half-written").mkdir()

    service.resume(run.id)
    wait_until(lambda: service.get(run.id).status is RunStatus.RUNNING)
    planned = journal(service, run, "planned")[-1]
    assert planned.type == "planned"
    assert (planned.resumed_from, planned.progress) == (backup.path, backup.progress)
    service.command(run.id, Stop(save=False))
    ended(service, run, wait_until)


def test_continue_last_backup_goes_on_from_the_farthest_of_the_workspace_dir(
    service: RunService, workspace: Workspace, begin: Start, wait_until: Wait
) -> None:
    first = ended(service, begin("steps=3", epochs=1, backup_before_save=True), wait_until)
    [backup] = service.outputs.backups(first.id)
    progress = {"epoch": 0, "epoch_step": 1, "epoch_sample": 1, "global_step": 1}
    for name, meta in (("9998-backup-1-0-1", json.dumps({"train_progress": progress})), ("9999-torn", "")):
        other = workspace.run_folder(first.id).backups / name
        other.mkdir()
        (other / "meta.json").write_text(meta)
    pipe = workspace.run_folder(first.id).backups / "9999-pipe"
    pipe.mkdir()
    os.mkfifo(pipe / "meta.json")
    settings = {"workspace_dir": f"runs/{first.id}", "continue_last_backup": True, "epochs": 2}
    second = ended(service, begin("steps=3", **settings), wait_until)
    planned = journal(service, second, "planned")[0]
    assert planned.type == "planned"
    assert planned.progress == backup.progress
    assert planned.resumed_from == str(workspace.run_folder(first.id).path.resolve() / backup.path)
    assert steps(service, second) == [4, 5, 6]


def test_a_backup_that_fails_is_told(service: RunService, begin: Start, wait_until: Wait) -> None:
    run = begin("full=1")
    service.command(run.id, Backup())
    wait_until(lambda: journal(service, run, "warning"))
    assert service.outputs.backups(run.id) == []
    assert service.get(run.id).status is RunStatus.RUNNING


def test_what_onetrainer_does_not_understand_is_told(service: RunService, begin: Start, wait_until: Wait) -> None:
    run = ended(service, begin("steps=1", epochs=1, train_device="unheard-of"), wait_until)
    told = [event.message for event in journal(service, run, "warning") if event.type == "warning"]
    assert told == ["OneTrainer says: Could not set train_device as unheard-of"]


@pytest.mark.parametrize(
    ("file", "word", "sentence"),
    [
        ("callbacks/TrainCallbacks.py", "on_update_status", "TrainCallbacks has no on_update_status"),
        ("commands/TrainCommands.py", "sample_custom", "TrainCommands has no sample_custom"),
        ("create.py", "create_trainer", "modules.util.create has no create_trainer"),
    ],
)
def test_a_missing_seam_is_named(
    workspace: Workspace, tmp_path: Path, wait_until: Wait, file: str, word: str, sentence: str
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(CHECKOUT, checkout)
    path = checkout / "modules" / "util" / file
    path.write_text(path.read_text().replace(word, "renamed"))
    service = RunService(workspace, Launcher(onetrainer=OneTrainer(checkout, Path(sys.executable))))
    service.start()
    run = create(service, config("steps=1", epochs=1), engine=Engine.ONETRAINER)
    run = ended(service, run, wait_until)
    service.close()
    assert run.status is RunStatus.FAILED
    assert f"This checkout's {sentence}" in (run.error or "")


def test_the_engine_is_chosen_by_who_can(workspace: Workspace) -> None:
    both = Launcher(onetrainer=OneTrainer(CHECKOUT, Path(sys.executable)))
    alone = Launcher()
    usual = TrainConfig(train_device="cpu")
    foreign = TrainConfig.model_validate({"model_type": "HI_DREAM_FULL", "training_method": "EMBEDDING"})
    assert both.choose_engine(usual) is Engine.NATIVE
    assert both.choose_engine(usual, Engine.ONETRAINER) is Engine.ONETRAINER
    assert both.choose_engine(foreign) is Engine.ONETRAINER
    assert alone.choose_engine(foreign) is Engine.NATIVE
    assert both.choose_engine(foreign, task=SampleTask) is Engine.NATIVE
    with pytest.raises(EngineCannotSampleError):
        both.choose_engine(usual, Engine.ONETRAINER, SampleTask)
    unanswered = pytest.raises(OneTrainerMissingError, match="--onetrainer DIR")
    with closing(RunService(workspace, alone)) as service, unanswered:
        create(service, usual, engine=Engine.ONETRAINER)


def test_a_checkout_tells_what_it_lacks(tmp_path: Path) -> None:
    assert "no modules/util/create.py" in OneTrainer(tmp_path).info.missing
    checkout = tmp_path / "checkout"
    shutil.copytree(CHECKOUT, checkout)
    assert "has no Python (venv, conda_env, .venv)" in OneTrainer(checkout).info.missing
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert OneTrainer(checkout).python == python
    assert OneTrainer(checkout, Path(sys.executable)).info.python == sys.executable
    assert "lacks" in OneTrainer(checkout, Path(sys.executable)).info.missing, "our Python has no mgds"


def test_run_json_names_the_engine(service: RunService, workspace: Workspace, begin: Start, wait_until: Wait) -> None:
    run = ended(service, begin("steps=1", epochs=1), wait_until)
    assert json.loads(workspace.run_folder(run.id).record.read_bytes())["engine"] == "onetrainer"
