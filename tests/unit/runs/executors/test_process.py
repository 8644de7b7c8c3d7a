"""A signal goes to the trainer of a run or to nobody."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onetrainer_web.protocol.lock import HeldLock
from onetrainer_web.protocol.run_folder import RunFolder, create_run
from onetrainer_web.protocol.tasks import TrainTask
from onetrainer_web.runs.executors import Urgency
from onetrainer_web.runs.executors.process import find_trainer, send

SLEEP = (sys.executable, "-c", "import sys; sys.stdin.read()")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return create_run(tmp_path / "runs", TrainTask(config={}))


@pytest.fixture
def held(folder: RunFolder) -> Iterator[None]:
    lock = HeldLock(folder.lock)
    yield
    lock.release()


def spawn(*arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([*SLEEP, *arguments], stdin=subprocess.PIPE)


@pytest.fixture
def trainer(folder: RunFolder) -> Iterator["subprocess.Popen[bytes]"]:
    process = spawn(str(folder.path))
    yield process
    process.kill()
    process.communicate()


@pytest.fixture
def bystander() -> Iterator["subprocess.Popen[bytes]"]:
    process = spawn("something else")
    yield process
    process.kill()
    process.communicate()


@pytest.mark.usefixtures("held")
def test_a_trainer_is_found_by_what_it_said_or_by_its_command(
    folder: RunFolder, trainer: "subprocess.Popen[bytes]", bystander: "subprocess.Popen[bytes]"
) -> None:
    command = [*SLEEP, str(folder.path)]
    for pid in (trainer.pid, bystander.pid, None, 2**22 + 1):
        found = find_trainer(folder, pid, command)
        assert found
        assert found.pid == trainer.pid


@pytest.mark.usefixtures("held")
def test_another_process_under_the_old_number_is_not_taken_for_the_trainer(
    folder: RunFolder, bystander: "subprocess.Popen[bytes]"
) -> None:
    assert find_trainer(folder, bystander.pid, ["python", "worker", str(folder.path)]) is None


def test_without_the_lock_nobody_is_the_trainer(folder: RunFolder, trainer: "subprocess.Popen[bytes]") -> None:
    assert find_trainer(folder, trainer.pid, [*SLEEP, str(folder.path)]) is None


def test_killing_ends_the_helpers_too(tmp_path: Path) -> None:
    folder = create_run(tmp_path / "runs", TrainTask(config={}))
    lock = HeldLock(folder.lock)
    script = (
        "import subprocess, sys;"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(child.pid, flush=True); child.wait()"
    )
    command = [sys.executable, "-c", script, str(folder.path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert parent.stdout
    parent.stdout.readline()
    found = find_trainer(folder, parent.pid, command)
    assert found
    children = found.children()
    assert len(children) == 1
    send(found, Urgency.KILL)
    parent.communicate()
    children[0].wait(30)
    send(found, Urgency.KILL)  # gone already: no error
    lock.release()
