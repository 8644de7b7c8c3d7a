"""Services on temporary workspaces with real trainer processes, all of which are gone when a test ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunRequest
from onetrainer_web.protocol.state import RunStatus, read_state
from onetrainer_web.protocol.tasks import Engine, TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.executors import Urgency
from onetrainer_web.runs.executors.process import find_trainer, send
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import RunView
from onetrainer_web.system.onetrainer import OneTrainer

STAND_IN = Path(__file__).with_name("stand_in.py").resolve()
COMMAND = (sys.executable, str(STAND_IN))
ONETRAINER = OneTrainer(Path(__file__).parents[1] / "stand_in_checkout", Path(sys.executable))
"""A checkout of OneTrainer with nothing behind its seam, on our own Python."""


class WaitUntil(Protocol):
    def __call__(self, condition: Callable[[], object], timeout_s: float = 120.0) -> None: ...


@pytest.fixture
def wait_until() -> WaitUntil:
    """Waits for a condition; the limit only ends a test that would hang."""

    def wait(condition: Callable[[], object], timeout_s: float = 120.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"this did not come true in {timeout_s} s"
            time.sleep(0.01)

    return wait


def create(
    service: RunService,
    config: TrainConfig,
    name: str = "",
    engine: Engine = Engine.NATIVE,
    parent: str | None = None,
) -> RunView:
    """A training at the end of the queue."""
    [run] = service.create([RunRequest(TrainTask.of(config), name, engine, parent)])
    return run


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A fresh workspace; the trainers that are still at work in it when a test ends are killed."""
    workspace = Workspace(tmp_path / "workspace")
    workspace.create()
    yield workspace
    for folder in workspace.run_folders():
        pid = read_state(folder).pid
        commands = ([*COMMAND, str(folder.path)], ONETRAINER.command(folder.path))
        process = next(filter(None, (find_trainer(folder, pid, command) for command in commands)), None)
        if process:
            send(process, Urgency.KILL)
        while is_held(folder.lock):
            time.sleep(0.01)


@pytest.fixture
def open_service(workspace: Workspace) -> Iterator[Callable[[], RunService]]:
    """Starts services whose trainers are the stand-ins; they are closed when the test ends."""
    opened: list[RunService] = []

    def open_one() -> RunService:
        service = RunService(workspace, Launcher(COMMAND, ONETRAINER), "http://this-server")
        service.start()
        opened.append(service)
        return service

    yield open_one
    for service in opened:
        service.close()


@pytest.fixture
def service(open_service: Callable[[], RunService]) -> RunService:
    """A running service whose trainer is the stand-in."""
    return open_service()


@pytest.fixture
def start(service: RunService, wait_until: WaitUntil) -> Callable[[str], RunView]:
    """Starts a training run that behaves as its name says, and waits until it is running."""

    def start_one(name: str) -> RunView:
        run = service.start_training(TrainConfig(train_device="cpu"), name)
        wait_until(lambda: service.get(run.id).status not in (RunStatus.QUEUED, RunStatus.STARTING))
        return service.get(run.id)

    return start_one


class ServerProcess:
    """A server in a process of its own, to be killed."""

    def __init__(self, workspace: Workspace) -> None:
        self.process = subprocess.Popen([*COMMAND, "--serve", str(workspace.folder)])

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_server(workspace: Workspace) -> Iterator[Callable[[], ServerProcess]]:
    """Starts servers in processes of their own; those that live when a test ends are killed."""
    started: list[ServerProcess] = []

    def start_one() -> ServerProcess:
        started.append(ServerProcess(workspace))
        return started[-1]

    yield start_one
    for server in started:
        server.kill()


def kill_pid(pid: int | None) -> None:
    assert pid is not None
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def kill() -> Callable[[int | None], None]:
    """SIGKILL to a process."""
    return kill_pid


@pytest.fixture
def is_gone() -> Callable[[int], bool]:
    """Whether a process is gone, its entry in the process table too."""
    return lambda pid: not psutil.pid_exists(pid)
