"""A run from its start to its end, by the service, with a real process."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from tests.server.conftest import COMMAND, create

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import OneTrainerWebError, RunNotFoundError
from onetrainer_web.protocol.commands import Backup, Sample, Save, Stop
from onetrainer_web.protocol.lock import HeldLock
from onetrainer_web.protocol.run_folder import RunFolder, RunRequest, making_runs
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.tasks import RunKind, TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.deletion import remove_leftovers
from onetrainer_web.runs.errors import (
    AlreadyTrainingError,
    BackupNotFoundError,
    NotResumableError,
    NotRunningError,
    OutputNotFoundError,
    RunActiveError,
    RunFileNotFoundError,
    SampleNotFoundError,
    TrainedLongerError,
)
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.listing import RunQuery
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import RunView

CPU = TrainConfig(train_device="cpu")
Start = Callable[[str], RunView]
Wait = Callable[..., None]


def test_a_workspace_without_runs_is_idle(service: RunService) -> None:
    state = service.current()
    assert (state.status, state.is_training, state.progress, state.run_id) == ("idle", False, None, None)


def test_an_accepted_start_is_training_at_once_and_ends_completed(service: RunService, wait_until: Wait) -> None:
    run = service.start_training(CPU, "steps=5")
    accepted = service.current()
    assert (accepted.is_training, accepted.status, accepted.run_id) == (True, "starting", run.id)
    wait_until(lambda: not service.current().is_training)
    ended = service.current()
    assert ended.status == "completed"
    assert ended.progress
    assert (ended.progress.global_step, ended.max_step, ended.error) == (5, 5, None)
    assert service.get(run.id).model_path == "save/step-5.safetensors"
    service.outputs.delete(run.id, "save/step-5.safetensors")
    assert service.get(run.id).model_path is None


def test_a_run_reckons_with_what_one_of_its_kind_took_until_it_has_measured_itself(
    service: RunService, wait_until: Wait, kill: Callable[[int | None], None]
) -> None:
    def encoding(run: RunView) -> RunView:
        wait_until(lambda: service.get(run.id).message == "encoding pictures 0/10")
        found = service.get(run.id)
        kill(found.pid)
        wait_until(lambda: service.get(run.id).status is RunStatus.INTERRUPTED)
        return found

    first = create(service, CPU, name="steps=5 encode=0.1")
    wait_until(lambda: service.get(first.id).status is RunStatus.COMPLETED)
    second = create(service, CPU, name="steps=5 encode=0.1")
    wait_until(lambda: service.get(second.id).status is RunStatus.COMPLETED)

    again = encoding(create(service, CPU, name="steps=1000 encode=600", parent=first.id))
    assert again.expected_from == first.id
    assert again.expected_end
    assert again.started
    # At least a tenth of a second for each picture and a hundredth for each step.
    assert (again.expected_end - again.started).total_seconds() > 10 * 0.1 + 1000 * 0.01
    stranger = encoding(create(service, CPU, name="steps=1000 encode=600"))
    assert stranger.expected_from == second.id, "the newest of its kind that has measured its steps"
    other = CPU.model_copy(update={"batch_size": CPU.batch_size + 1})
    unlike = encoding(create(service, other, name="steps=1000 encode=600", parent=first.id))
    assert (unlike.expected_from, unlike.expected_end) == (None, None)

    own = create(service, CPU, name="steps=100000 pause=0.01", parent=first.id)
    wait_until(lambda: service.get(own.id).steps_per_s)
    assert service.get(own.id).expected_from is None


def test_a_second_start_is_refused(service: RunService) -> None:
    service.start_training(CPU, "")
    with pytest.raises(AlreadyTrainingError):
        service.start_training(CPU, "")


def test_commands_without_a_training_are_refused(service: RunService) -> None:
    for command in (Stop(), Backup(), Save()):
        with pytest.raises(NotRunningError):
            service.command_training(command)


def test_commands_reach_the_trainer(service: RunService, start: Start, wait_until: Wait) -> None:
    run = start("")
    service.command_training(Backup())
    wait_until(lambda: service.outputs.backups(run.id))
    service.command_training(Save())
    wait_until(lambda: service.outputs.saves(run.id))
    service.request_samples([{"prompt": "a fox", "diffusion_steps": 7}], CPU)
    wait_until(lambda: service.outputs.samples().total)
    sample = service.outputs.sample("sample_001")
    assert (sample.metadata["prompt"], sample.metadata["steps"], sample.metadata["kind"]) == ("a fox", 7, "custom")
    assert sample.metadata["run_id"] == run.id
    service.command_training(Stop())
    wait_until(lambda: service.get(run.id).status is RunStatus.STOPPED)
    assert len(service.outputs.backups(run.id)) == len(service.outputs.saves(run.id)) == 2


def test_a_stop_without_saving_saves_nothing(service: RunService, start: Start, wait_until: Wait) -> None:
    run = start("")
    service.command(run.id, Stop(save=False))
    wait_until(lambda: service.get(run.id).status is RunStatus.STOPPED)
    assert service.outputs.saves(run.id) == service.outputs.backups(run.id) == []


def test_a_trainer_that_breaks_down_leaves_a_readable_error(service: RunService, wait_until: Wait) -> None:
    run = create(service, CPU, name="steps=9 crash=3")
    wait_until(lambda: service.get(run.id).status is RunStatus.INTERRUPTED)
    error = service.get(run.id).error or ""
    assert "at step 3 of 9" in error
    assert "RuntimeError: the stand-in breaks down" in error
    assert "RuntimeError" in service.outputs.log(run.id).text


def test_a_failure_is_told_in_the_trainers_words(service: RunService, wait_until: Wait) -> None:
    run = service.start_training(CPU, "fail=2")
    wait_until(lambda: not service.current().is_training)
    assert service.get(run.id).status is RunStatus.FAILED
    assert service.current().error == "The stand-in fails as it was told to."


def test_ended_trainers_leave_no_zombies(
    service: RunService, start: Start, wait_until: Wait, is_gone: Callable[[int], bool]
) -> None:
    pid = start("").pid
    assert pid
    service.command_training(Stop())
    wait_until(lambda: is_gone(pid))


def test_a_killed_trainer_is_interrupted_and_resumes_from_its_backup(
    service: RunService, start: Start, wait_until: Wait, kill: Callable[[int | None], None]
) -> None:
    run = start("steps=60 pause=0.02")
    service.command(run.id, Backup())
    wait_until(lambda: service.outputs.backups(run.id))
    backup = service.outputs.backups(run.id)[0]
    kill(service.get(run.id).pid)
    wait_until(lambda: not service.current().is_training, 2)
    assert service.current().status == "interrupted"
    assert "ended by SIGKILL, as the system does when memory runs out" in (service.current().error or "")

    service.resume(run.id)
    assert service.current().is_training
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)
    planned = [event for event in service.outputs.events(run.id, types={"planned"}) if event.type == "planned"]
    assert planned[-1].resumed_from == backup.path
    assert planned[-1].progress == backup.progress
    loss = service.outputs.metrics(run.id).metrics["loss/train_step"]
    assert [point.step for point in loss] == list(range(1, 61))


def test_only_ended_runs_resume_and_only_from_backups_they_have(
    service: RunService, start: Start, wait_until: Wait
) -> None:
    run = start("")
    with pytest.raises(NotResumableError):
        service.resume(run.id)
    service.command_training(Stop(save=False))
    wait_until(lambda: not service.current().is_training)
    with pytest.raises(BackupNotFoundError):
        service.resume(run.id, "../../secrets")


def test_a_torn_backup_is_shown_as_what_it_is_and_not_gone_on_from(
    service: RunService, start: Start, wait_until: Wait, workspace: Workspace
) -> None:
    run = start("pause=0.01")
    service.command(run.id, Backup())
    wait_until(lambda: service.outputs.backups(run.id))
    service.command_training(Stop())
    wait_until(lambda: not service.current().is_training)
    torn, whole = service.outputs.backups(run.id)
    (workspace.run_folder(run.id).path / torn.path / "meta.json").write_bytes(b"")
    shown = [view.damage for view in service.outputs.backups(run.id)]
    assert shown[0]
    assert shown[0].startswith("meta.json is not valid JSON")
    assert shown[1] is None
    with pytest.raises(OneTrainerWebError, match=rf"The backup {torn.name} is damaged: .*\. Choose another one\."):
        service.resume(run.id, torn.name)
    service.resume(run.id, whole.name)


def test_what_killed_writers_left_goes_at_the_start_and_what_others_still_write_stays(workspace: Workspace) -> None:
    making = [workspace.runs / f".20260101-120000-000{number}" for number in (1, 2)]
    for folder in making:
        folder.mkdir(parents=True)
    left = [workspace.datasets / "cats" / ".writing.ab", workspace.configs / ".writing.cd", making[0] / ".writing.ef"]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    own = workspace.datasets / "cats" / "writing.txt"
    own.write_text("a cat")
    lock = HeldLock(RunFolder(making[1]).lock)  # of a shell whose run begins here
    remove_leftovers(workspace)
    lock.release()
    assert [path for path in (*making, *left, own) if path.exists()] == [making[1], own]


def test_runs_that_are_asked_for_together_are_made_all_or_none(workspace: Workspace) -> None:
    begun: list[RunFolder] = []

    def fail_at_the_third(folder: RunFolder) -> None:
        begun.append(folder)
        if len(begun) == 3:
            raise OSError("No space left on device")

    requests = [RunRequest(TrainTask(config={"epochs": number}), f"run {number}") for number in range(5)]
    with pytest.raises(OSError, match="No space"), making_runs(workspace.runs, requests, fail_at_the_third):
        pytest.fail("the block must not begin")
    assert len(begun) == 3
    assert list(workspace.runs.iterdir()) == []
    with suppress(KeyError), making_runs(workspace.runs, requests) as made:
        assert sorted(workspace.runs.iterdir()) == [folder.path for folder in made]
        raise KeyError
    assert list(workspace.runs.iterdir()) == []
    with making_runs(workspace.runs, requests) as made:
        pass
    assert [folder.read_record().name for folder in made] == [f"run {number}" for number in range(5)]
    assert sorted(workspace.runs.iterdir()) == [folder.path for folder in made]


def test_a_completed_run_trains_longer_when_it_is_resumed_with_more_epochs(
    service: RunService, start: Start, wait_until: Wait
) -> None:
    run = start("steps=3")
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)
    with pytest.raises(TrainedLongerError, match="has trained 1 epoch;"):
        service.resume(run.id, epochs=1)
    for epochs in (7, None):  # the new length stays
        service.resume(run.id, epochs=epochs)
        wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)
        assert service.record(run.id).task.config["epochs"] == 7


def test_backups_and_saves_are_deleted_one_by_one(
    service: RunService, start: Start, wait_until: Wait, workspace: Workspace
) -> None:
    run = start("")
    service.command(run.id, Save())
    wait_until(lambda: service.outputs.saves(run.id))
    service.command(run.id, Backup())
    wait_until(lambda: service.outputs.backups(run.id))
    backup, size = service.outputs.backups(run.id)[0].path, service.outputs.backups(run.id)[0].size
    with pytest.raises(RunActiveError):
        service.outputs.delete(run.id, backup)
    service.command(run.id, Stop())
    wait_until(lambda: service.get(run.id).status is RunStatus.STOPPED)
    result = service.outputs.saves(run.id)[0].path
    assert service.outputs.delete(run.id, backup).freed_bytes == size > 0
    assert service.outputs.delete(run.id, result).freed_bytes == len("a model")
    assert backup not in [output.path for output in service.outputs.backups(run.id)]
    assert len(service.outputs.backups(run.id)) == len(service.outputs.saves(run.id)) == 1
    for path in (result, "run.json", "save", "../../index.sqlite3", "/etc/passwd"):
        with pytest.raises(OutputNotFoundError):
            service.outputs.delete(run.id, path)
    assert [path.name for path in workspace.runs.iterdir()] == [run.id]


def test_an_active_run_cannot_be_deleted_and_an_ended_one_leaves_nothing(
    service: RunService, start: Start, wait_until: Wait, workspace: Workspace
) -> None:
    run = start("")
    with pytest.raises(RunActiveError):
        service.delete(run.id)
    service.request_samples([{}], CPU)
    wait_until(lambda: service.outputs.samples().total)
    service.command_training(Stop())
    wait_until(lambda: not service.current().is_training)
    size = sum(file.size for file in service.outputs.files(run.id))

    assert service.delete(run.id).freed_bytes == size
    assert list(workspace.runs.iterdir()) == []
    assert service.list().total == service.outputs.samples().total == 0
    assert service.current().status == "idle"
    with pytest.raises(RunNotFoundError):
        service.get(run.id)
    with pytest.raises(SampleNotFoundError):
        service.outputs.sample("sample_001")


def test_a_rename_shows_at_once_while_running_and_stays(service: RunService, start: Start) -> None:
    run = start("")
    assert service.describe(run.id, "a better name").name == "a better name"
    assert service.list(RunQuery(search="BETTER")).total == 1
    assert service.record(run.id).name == run.id


def test_files_are_listed_and_confined(
    service: RunService, start: Start, wait_until: Wait, workspace: Workspace
) -> None:
    run = start("steps=1")
    wait_until(lambda: not service.current().is_training)
    folder = workspace.run_folder(run.id)
    (folder.path / "outside").symlink_to(workspace.queue)
    workspace.queue.write_text("secret")
    assert "save/step-1.safetensors" in [file.path for file in service.outputs.files(run.id)]
    assert "outside" not in [file.path for file in service.outputs.files(run.id)]
    assert service.outputs.file_path(run.id, "save/step-1.safetensors").read_text() == "a model"
    for path in ("../../queue.json", "outside", str(workspace.queue), "save", "none", "a\0b", "a" * 5000):
        with pytest.raises(RunFileNotFoundError):
            service.outputs.file_path(run.id, path)


def test_the_log_is_read_in_whole_lines(service: RunService, wait_until: Wait) -> None:
    run = create(service, CPU, name="crash=1")
    wait_until(lambda: service.get(run.id).status is RunStatus.INTERRUPTED)
    whole = service.outputs.log(run.id)
    assert whole.next_offset == whole.size == len(whole.text.encode())
    text, offset = "", 0
    while (page := service.outputs.log(run.id, offset, 100)).text:
        assert page.text.endswith("\n")
        text, offset = text + page.text, page.next_offset
    assert text == whole.text
    assert service.outputs.log(run.id, -20).text == whole.text[-20:]


def test_events_are_paged_by_number_and_filtered_by_type(service: RunService, wait_until: Wait) -> None:
    run = create(service, CPU, name="steps=2500 pause=0")
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)
    seqs, after = [], 0
    while page := service.outputs.events(run.id, after, 700):
        seqs += [event.seq for event in page]
        after = seqs[-1]
    assert seqs == list(range(1, service.get(run.id).last_seq + 1))
    assert [event.type for event in service.outputs.events(run.id, after=2000, types={"save", "completed"})] == [
        "save",
        "completed",
    ]
    thinned = service.outputs.metrics(run.id, ["loss/train_step"], max_points=50).metrics
    points = thinned["loss/train_step"]
    assert list(thinned) == ["loss/train_step"]
    assert len(points) <= 50
    assert (points[0].step, points[-1].step) == (1, 2500)


def test_samples_without_a_training_come_from_a_sampler_that_stays_warm(service: RunService, wait_until: Wait) -> None:
    first = service.request_samples([{"prompt": "one"}], CPU)
    assert first.kind is RunKind.SAMPLE
    wait_until(lambda: service.outputs.samples().total == 1)
    again = service.request_samples([{"prompt": "two"}], CPU)
    wait_until(lambda: service.outputs.samples().total == 2)
    assert again.id == first.id
    assert [sample.metadata["prompt"] for sample in service.outputs.samples().samples] == ["two", "one"]
    assert service.current().is_training is False


def test_a_warm_sampler_gives_its_device_up_to_a_training(service: RunService, wait_until: Wait) -> None:
    sampler = service.request_samples([{}], CPU)
    wait_until(lambda: service.get(sampler.id).status is RunStatus.RUNNING)
    service.start_training(CPU, "steps=3")
    wait_until(lambda: service.current().status == "completed")
    assert service.get(sampler.id).status is RunStatus.STOPPED


def test_a_sampler_draws_from_what_the_last_training_made(
    service: RunService, start: Start, wait_until: Wait, workspace: Workspace
) -> None:
    trained = start("steps=1")
    wait_until(lambda: not service.current().is_training)
    sampler = service.request_samples(None, CPU)
    expected = str(workspace.run_folder(trained.id).path / "save/step-1.safetensors")
    assert service.record(sampler.id).task.config["base_model_name"] == expected
    other = service.request_samples(None, CPU.model_copy(update={"base_model_name": "another"}))
    assert service.record(other.id).task.config["base_model_name"] == "another"


def test_an_ended_run_draws_from_what_it_made_itself(
    service: RunService, start: Start, wait_until: Wait, workspace: Workspace
) -> None:
    first = start("steps=1")
    wait_until(lambda: not service.current().is_training)
    start("steps=2")
    wait_until(lambda: not service.current().is_training)
    sampler_id, _ = service.request_samples_of(first.id, [{"prompt": "one"}])
    expected = str(workspace.run_folder(first.id).path / "save/step-1.safetensors")
    assert service.record(sampler_id).task.config["base_model_name"] == expected
    assert service.get(sampler_id).name == f"Samples of {first.name}"
    wait_until(lambda: service.outputs.samples(run_id=sampler_id).total == 1)


def test_a_run_that_another_program_works_on_is_not_launched(
    service: RunService, workspace: Workspace, wait_until: Wait
) -> None:
    service.set_queue_paused(True)
    run = create(service, CPU, name="steps=1")
    by_hand = HeldLock(workspace.run_folder(run.id).lock)
    service.set_queue_paused(False)
    wait_until(lambda: service.get(run.id).status is RunStatus.STARTING)
    by_hand.release()
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)


def test_nothing_can_be_asked_of_an_ended_run(service: RunService, start: Start, wait_until: Wait) -> None:
    run = start("steps=1")
    wait_until(lambda: not service.current().is_training)
    commands: list[Any] = [Stop(), Sample(), Backup(), Save()]
    for command in commands:
        with pytest.raises(NotRunningError):
            service.command(run.id, command)


@pytest.mark.parametrize("is_new", [False, True])
def test_a_server_starts_on_a_full_disk_to_look_and_delete(small_disk: Path, wait_until: Wait, is_new: bool) -> None:
    workspace = Workspace(small_disk / "workspace")
    workspace.create()
    service = RunService(workspace, Launcher(COMMAND), "http://this-server")
    service.start()
    run = service.start_training(CPU, "steps=5")
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)
    service.close()
    if is_new:
        for path in small_disk.rglob("index.sqlite3*"):
            path.unlink()
    with suppress(OSError):
        (small_disk / "ballast").write_bytes(bytes(2**23))

    service = RunService(workspace, Launcher(COMMAND), "http://the-next")
    service.start()
    try:
        assert service.get(run.id).status is RunStatus.COMPLETED
        assert [point.step for point in service.outputs.metrics(run.id).metrics["loss/train_step"]] == [1, 2, 3, 4, 5]
        assert service.delete(run.id).freed_bytes > 0
        assert not list(workspace.runs.iterdir())
    finally:
        service.close()
