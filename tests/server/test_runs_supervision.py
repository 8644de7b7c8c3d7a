"""Servers and trainers that are killed, do not answer, or meet each other; with real processes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.server.conftest import COMMAND, create

from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.commands import (
    Backup,
    Launch,
    Sample,
    Save,
    Stop,
    append_command,
    config_of_today,
    read_commands,
)
from onetrainer_web.protocol.events import Step, read_events
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunRequest, create_run
from onetrainer_web.protocol.state import RunStatus, read_state
from onetrainer_web.protocol.tasks import Engine, TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.errors import QueueOrderError, RunStoppingError, WorkspaceBusyError
from onetrainer_web.runs.executors.local import LocalExecutor
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.listing import RunQuery
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import RunView

CPU = TrainConfig(train_device="cpu")
Start = Callable[[str], RunView]
Wait = Callable[..., None]
Open = Callable[[], RunService]
Kill = Callable[[int | None], None]


@pytest.mark.parametrize(("deaf", "ends_as"), [(1, RunStatus.STOPPED), (2, "interrupted"), (3, "interrupted")])
@pytest.mark.slow
def test_a_trainer_that_does_not_answer_a_stop_is_ended_step_by_step(
    service: RunService, start: Start, wait_until: Wait, deaf: int, ends_as: str
) -> None:
    run = start(f"deaf={deaf}")
    stop = service.command_training(Stop(timeout_s=0.5))
    state = service.current()
    assert state.status == "stopping"
    assert state.stop_deadline
    assert (state.stop_deadline - stop.time).total_seconds() == 0.5
    wait_until(lambda: not service.current().is_training)
    # Each signal that it ignores takes another five seconds.
    assert (datetime.now(UTC) - state.stop_deadline).total_seconds() >= 5 * (deaf - 1)
    assert service.get(run.id).status == ends_as
    if ends_as == "interrupted":
        assert "did not answer a stop" in (service.get(run.id).error or "")


@pytest.mark.slow
def test_an_escalation_goes_on_with_the_next_server(open_service: Open, wait_until: Wait, workspace: Workspace) -> None:
    first = open_service()
    run = first.start_training(CPU, "deaf=3")
    wait_until(lambda: first.current().status == "running")
    first.command_training(Stop(timeout_s=0.1))
    first.close()
    assert is_held(workspace.run_folder(run.id).lock)
    second = open_service()
    assert second.current().status == "stopping"
    wait_until(lambda: second.current().status == "interrupted")


def test_a_second_shorter_stop_helps_where_the_first_one_hangs(
    service: RunService, start: Start, wait_until: Wait
) -> None:
    run = start("deaf=1")
    service.command_training(Stop(timeout_s=600))
    service.command_training(Stop(save=False, timeout_s=0.1))
    wait_until(lambda: service.get(run.id).status is RunStatus.STOPPED)


def test_a_server_that_is_killed_comes_back_to_a_run_that_went_on(
    open_service: Open, start_server: Callable[[], Any], workspace: Workspace, wait_until: Wait
) -> None:
    server = start_server()
    folder = create_run(workspace.runs, TrainTask(config=config_to_dict(CPU)), "pause=0.002")
    wait_until(lambda: read_state(folder).status is RunStatus.RUNNING)
    pid = read_state(folder).pid
    server.kill()
    step = read_state(folder).last_seq
    wait_until(lambda: read_state(folder).last_seq > step + 100)

    service = open_service()
    assert service.current().status == "running"
    assert service.get(folder.run_id).pid == pid
    service.request_samples([{"prompt": "still here"}], CPU)
    service.command_training(Backup())
    service.command_training(Save())
    wait_until(
        lambda: (
            service.outputs.samples().total
            and service.outputs.backups(folder.run_id)
            and service.outputs.saves(folder.run_id)
        )
    )
    service.command_training(Stop(save=False))
    wait_until(lambda: service.current().status == "stopped")


def test_no_event_is_lost_or_doubled_by_servers_that_are_killed_again_and_again(
    open_service: Open, start_server: Callable[[], Any], workspace: Workspace, wait_until: Wait
) -> None:
    folder = create_run(workspace.runs, TrainTask(config=config_to_dict(CPU)), "pause=0.001")
    for _ in range(4):
        server = start_server()
        wait_until(lambda: read_state(folder).status is RunStatus.RUNNING and workspace.index.exists())
        before = read_state(folder).last_seq
        append_command(folder.commands, Sample(samples=[{"prompt": "one"}, {"prompt": "two"}]))
        wait_until(lambda: read_state(folder).last_seq > before + 150)  # noqa: B023
        server.kill()
    service = open_service()
    service.command_training(Stop())
    wait_until(lambda: service.current().status == "stopped")

    journal = list(read_events(folder.events))
    assert [event.seq for event in journal] == list(range(1, len(journal) + 1))
    seen, after = [], 0
    while page := service.outputs.events(folder.run_id, after, 97):
        seen += page
        after = page[-1].seq
    assert seen == journal
    steps = [event.progress.global_step for event in journal if event.type == "step"]
    loss = service.outputs.metrics(folder.run_id, max_points=10**6).metrics["loss/train_step"]
    assert [point.step for point in loss] == steps
    assert service.outputs.samples().total == sum(event.type == "sample" for event in journal) == 8
    assert service.get(folder.run_id).last_seq == len(journal)


def test_a_deleted_index_is_rebuilt_with_the_same_samples(
    open_service: Open, workspace: Workspace, wait_until: Wait
) -> None:
    first = open_service()
    runs: list[RunView] = []
    for number in range(2):
        run = create(first, CPU, name="pause=0.005")
        runs.append(run)
        wait_until(lambda: first.get(run.id).status is RunStatus.RUNNING)  # noqa: B023
        first.request_samples([{"prompt": f"{number}"}, {"prompt": "again"}], CPU)
        wait_until(lambda: first.outputs.samples(run_id=run.id).total == 2)  # noqa: B023
        first.command_training(Stop())
        wait_until(lambda: not first.current().is_training)
    run = runs[-1]
    first.describe(run.id, "renamed")
    expected = (
        first.list(),
        first.outputs.samples(),
        first.outputs.metrics(run.id),
        first.outputs.backups(run.id),
        first.outputs.saves(run.id),
    )
    first.close()
    for file in workspace.folder.glob("index.sqlite3*"):
        file.unlink()

    second = open_service()
    assert (
        second.list(),
        second.outputs.samples(),
        second.outputs.metrics(run.id),
        second.outputs.backups(run.id),
        second.outputs.saves(run.id),
    ) == expected


def test_three_queued_runs_follow_each_other_in_the_chosen_order(service: RunService, wait_until: Wait) -> None:
    service.set_queue_paused(True)
    runs = [create(service, CPU, name="steps=3").id for _ in range(3)]
    assert service.queue().run_ids == runs
    order = [runs[2], runs[0], runs[1]]
    assert service.set_queue_order(order[:1]).run_ids[0] == order[0]
    assert service.set_queue_order(order).run_ids == order
    with pytest.raises(QueueOrderError):
        service.set_queue_order(["none"])
    assert all(service.get(run_id).status is RunStatus.QUEUED for run_id in runs)
    assert service.current().status == "idle"
    service.set_queue_paused(False)
    wait_until(lambda: all(service.get(run_id).status is RunStatus.COMPLETED for run_id in runs))

    def lifetime(run_id: str) -> tuple[datetime, datetime]:
        state = service.get(run_id)
        assert state.launched
        assert state.ended
        return state.launched, state.ended

    times = [lifetime(run_id) for run_id in order]
    assert all(ended <= launched for (_, ended), (launched, _) in zip(times, times[1:], strict=False))
    assert service.queue().run_ids == []


def test_a_start_passes_a_paused_queue(service: RunService, wait_until: Wait) -> None:
    service.set_queue_paused(True)
    waiting = create(service, CPU, name="steps=3")
    service.start_training(CPU, "steps=3")
    wait_until(lambda: service.current().status == "completed")
    assert service.get(waiting.id).status is RunStatus.QUEUED


def test_a_waiting_run_can_be_stopped_and_queued_again(service: RunService, wait_until: Wait) -> None:
    service.set_queue_paused(True)
    run = create(service, CPU, name="steps=3")
    service.command(run.id, Stop())
    assert service.get(run.id).status is RunStatus.STOPPED
    assert service.queue().run_ids == []
    service.resume(run.id)
    assert service.queue().run_ids == [run.id]
    service.set_queue_paused(False)
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)


def test_a_second_server_refuses_to_start_and_says_who_is_there(service: RunService, workspace: Workspace) -> None:
    with pytest.raises(WorkspaceBusyError) as refused:
        RunService(workspace)
    assert f"http://this-server (process {os.getpid()}" in str(refused.value)
    assert service.current().status == "idle"


def test_a_workspace_is_free_as_soon_as_its_server_is_killed(
    open_service: Open, start_server: Callable[[], Any], workspace: Workspace, wait_until: Wait
) -> None:
    server = start_server()
    wait_until(lambda: workspace.server_info.exists())
    with pytest.raises(WorkspaceBusyError, match="http://the-first-server"):
        open_service()
    server.kill()
    open_service()


def test_a_run_that_a_shell_starts_is_found_and_can_be_stopped(
    service: RunService, workspace: Workspace, wait_until: Wait
) -> None:
    command = (sys.executable, str(Path(__file__).with_name("stand_in.py").resolve()))
    folder = Launcher(command).launch_new(workspace, RunRequest(TrainTask.of(CPU), "from a shell"))
    wait_until(lambda: service.current().status == "running")
    assert service.current().run_id == folder.run_id
    assert sum(isinstance(command, Launch) for command in read_commands(folder.commands)) == 1
    service.command_training(Stop())
    wait_until(lambda: service.get(folder.run_id).status is RunStatus.STOPPED)


def test_a_trainer_started_by_hand_in_a_waiting_run_is_found(
    service: RunService, workspace: Workspace, wait_until: Wait
) -> None:
    service.set_queue_paused(True)
    run = create(service, CPU, name="by hand")
    stand_in = Path(__file__).with_name("stand_in.py").resolve()
    by_hand = subprocess.Popen([sys.executable, stand_in, f"workspace/runs/{run.id}"], cwd=workspace.folder.parent)
    wait_until(lambda: service.get(run.id).status is RunStatus.RUNNING)
    service.command(run.id, Stop())
    assert by_hand.wait() == 0
    wait_until(lambda: service.get(run.id).status is RunStatus.STOPPED)


def test_a_torn_last_line_costs_only_itself(service: RunService, start: Start, wait_until: Wait, kill: Kill) -> None:
    run = start("steps=30 pause=0.01")
    kill(run.pid)
    wait_until(lambda: service.get(run.id).status is RunStatus.INTERRUPTED)
    journal = Path(service.outputs.file_path(run.id, "events.jsonl"))
    with journal.open("ab") as file:
        file.write(b'{"seq":7,"type":"st')
    service.resume(run.id)
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)
    seqs = [event.seq for event in service.outputs.events(run.id)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_a_trainer_lives_in_its_own_session_without_input_and_writes_its_log(
    start: Start, workspace: Workspace
) -> None:
    run = start("")
    assert run.pid
    assert os.getsid(run.pid) == run.pid != os.getsid(0)
    trainer = psutil.Process(run.pid)
    assert trainer.cwd() == str(workspace.folder)
    environment = trainer.environ()
    assert environment["PYTHONUNBUFFERED"] == environment["PYTHONSAFEPATH"] == "1"
    files = {file.fd: file.path for file in trainer.open_files()}
    assert files[1] == files[2] == str(workspace.run_folder(run.id).log)
    assert 0 not in files


def test_the_hub_token_reaches_the_trainer_but_not_its_folder(start: Start, workspace: Workspace) -> None:
    workspace.secrets.write_text('{"huggingface_token": "hf_secret"}')
    run = start("")
    assert psutil.Process(run.pid).environ()["HF_TOKEN"] == "hf_secret"
    folder = workspace.run_folder(run.id).path
    assert not any(b"hf_secret" in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_trainer_that_cannot_be_started_leaves_the_reason(workspace: Workspace, wait_until: Wait) -> None:
    service = RunService(workspace, Launcher(("/no/such/python",)))
    service.start()
    run = create(service, CPU)
    wait_until(lambda: service.get(run.id).status is RunStatus.INTERRUPTED)
    assert "The trainer cannot be started" in (service.get(run.id).error or "")
    service.close()


def test_a_run_that_is_stopping_takes_only_another_stop(service: RunService, start: Start, wait_until: Wait) -> None:
    run = start("deaf=1")
    service.command_training(Stop(timeout_s=600))
    for command in (Backup(), Save(), Sample()):
        with pytest.raises(RunStoppingError):
            service.command_training(command)
    with pytest.raises(RunStoppingError):
        service.request_samples(None, CPU)
    service.command(run.id, Stop(timeout_s=0.01))
    wait_until(lambda: service.get(run.id).status is RunStatus.STOPPED)


def test_one_unreadable_run_does_not_hold_up_the_others(
    service: RunService, workspace: Workspace, wait_until: Wait
) -> None:
    config = config_to_dict(CPU)
    # A folder cannot be read as a file, whoever runs this test.
    broken = create_run(workspace.runs, TrainTask(config=config), prepare=lambda folder: folder.events.mkdir())
    nonsense = workspace.runs / "nonsense"
    nonsense.mkdir()
    (nonsense / "run.json").write_text("{}")
    service.start_training(CPU, "steps=2")
    wait_until(lambda: service.current().status == "completed")
    wait_until(lambda: [odd.name for odd in service.list().unreadable] == [broken.run_id, "nonsense"])
    shutil.rmtree(nonsense)
    broken.events.rmdir()
    wait_until(lambda: [run.id for run in service.list(RunQuery(status=[RunStatus.RUNNING])).runs] == [broken.run_id])


def test_a_program_hears_of_each_training_that_has_ended(
    workspace: Workspace, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("onetrainer_web_Token", "not for children")
    told = workspace.folder / "told.txt"
    program = workspace.folder / "tell"
    program.write_text(f'#!/bin/sh\necho "$RUN_NAME: $RUN_STATUS $RUN_ERROR$onetrainer_web_Token" >> "{told}"\n')
    program.chmod(0o755)

    def open_service() -> RunService:
        opened = RunService(workspace, Launcher(COMMAND), on_end=program)
        opened.start()
        return opened

    def heard() -> list[str]:
        return told.read_text().splitlines() if told.exists() else []

    service = open_service()
    create(service, CPU, name="steps=2")
    create(service, CPU, name="steps=50 fail=1 \0")
    wait_until(lambda: len(heard()) == 2)
    assert heard() == ["steps=2: completed ", "steps=50 fail=1 : failed The stand-in fails as it was told to."]

    last = create(service, CPU, name="steps=40 pause=0.02")
    wait_until(lambda: service.get(last.id).status is RunStatus.RUNNING)
    assert "onetrainer_web_Token" not in psutil.Process(service.get(last.id).pid).environ()
    service.close()
    wait_until(lambda: read_state(workspace.run_folder(last.id)).status is RunStatus.COMPLETED)
    open_service().close()
    wait_until(lambda: len(heard()) == 3)
    assert heard()[-1] == "steps=40 pause=0.02: completed "


def test_a_trainer_that_is_killed_on_a_full_disk_is_not_shown_as_running(
    small_disk: Path, wait_until: Wait, kill: Callable[[int | None], None]
) -> None:
    workspace = Workspace(small_disk / "workspace")
    workspace.create()
    service = RunService(workspace, Launcher(COMMAND), "http://this-server")
    service.start()
    try:
        run = create(service, CPU, name="pause=0.001")
        wait_until(lambda: service.get(run.id).status is RunStatus.RUNNING)
        ballast = small_disk / "ballast"
        with suppress(OSError):  # so that nothing is left, whatever is written beside it
            ballast.write_bytes(bytes(2**23))
        wait_until(lambda: "cannot tell of it: its disk is full" in (service.current().message or ""))
        kill(service.get(run.id).pid)
        wait_until(lambda: service.get(run.id).status is RunStatus.INTERRUPTED)
        assert not service.current().is_training
        assert "(ended by SIGKILL, as the system does when memory runs out)" in (service.get(run.id).error or "")
        ballast.unlink()
        folder = workspace.run_folder(run.id)
        steps = [event.progress.global_step for event in read_events(folder.events) if isinstance(event, Step)]
        curve = "loss/train_step"
        wait_until(
            lambda: [p.step for p in service.outputs.metrics(run.id, [curve], 10**6).metrics.get(curve, [])] == steps
        )
    finally:
        service.close()


def test_runs_that_any_gpu_will_do_for_train_beside_each_other(
    service: RunService, workspace: Workspace, wait_until: Wait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LocalExecutor, "devices", lambda _: ("cuda:0", "cuda:1", "cpu"))
    any_gpu = TrainConfig(train_device="cuda")
    first, second, third = (create(service, any_gpu, name) for name in ("", "", "steps=1"))
    wait_until(lambda: all(service.get(run.id).status is RunStatus.RUNNING for run in (first, second)))
    assert [service.get(run.id).devices for run in (first, second)] == [["cuda:0"], ["cuda:1"]]
    waiting = service.get(third.id)
    assert (waiting.status, waiting.device, waiting.devices) == (RunStatus.QUEUED, "cuda", [])
    service.command(second.id, Stop())
    wait_until(lambda: service.get(third.id).status is RunStatus.COMPLETED)
    assert (service.get(third.id).device, service.get(first.id).status) == ("cuda:1", RunStatus.RUNNING)
    commands = read_commands(workspace.run_folder(third.id).commands)
    assert config_of_today(config_to_dict(any_gpu), commands)["train_device"] == "cuda:1"
    assert service.record(third.id).task.config["train_device"] == "cuda"  # for who makes another run of it


@pytest.mark.parametrize("engine", list(Engine))
def test_a_run_on_all_gpus_waits_for_each_and_nobody_overtakes_it(
    service: RunService, wait_until: Wait, monkeypatch: pytest.MonkeyPatch, engine: Engine
) -> None:
    monkeypatch.setattr(LocalExecutor, "devices", lambda _: ("cuda:0", "cuda:1", "cpu"))
    sampler = service.request_samples([{}], TrainConfig(train_device="cuda:1"))
    single = create(service, TrainConfig(train_device="cuda:0"))
    wait_until(lambda: all(service.get(run.id).status is RunStatus.RUNNING for run in (sampler, single)))
    spread = TrainConfig(train_device="cuda", multi_gpu=True, base_model_name="steps=1", epochs=1)
    several = create(service, spread, "steps=1", engine)
    behind = create(service, TrainConfig(train_device="cuda:0"), "steps=1")
    assert service.get(several.id).device == "cuda:0, cuda:1"
    service.command(single.id, Stop())
    wait_until(lambda: service.get(behind.id).status is RunStatus.COMPLETED)
    assert [service.get(run.id).status for run in (single, sampler)] == [RunStatus.STOPPED, RunStatus.STOPPED]
    several, behind = service.get(several.id), service.get(behind.id)
    assert several.devices == ["cuda:0", "cuda:1"]
    assert several.ended
    assert behind.launched
    assert several.ended <= behind.launched
