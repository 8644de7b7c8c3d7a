"""`onetrainer-web train` as a process in a shell, beside a server on the same workspace."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from onetrainer_web.protocol.state import RunStatus, read_state
from onetrainer_web.protocol.workspace import Workspace

STAND_IN = Path(__file__).parents[1] / "stand_in.py"
PROGRAM = f"""
import sys
from pathlib import Path
from onetrainer_web.cli.train import train_in_foreground
from onetrainer_web.runs.launcher import Launcher
launcher = Launcher((sys.executable, {str(STAND_IN.resolve())!r}))
sys.exit(train_in_foreground(Path(sys.argv[1]), sys.argv[2], ["epochs=2"], sys.argv[3], launcher))
"""
Train = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def train(workspace: Workspace, training_config: dict[str, Any], tmp_path: Path) -> Iterator[Train]:
    """Trains in the foreground with a stand-in that behaves as the run's name says."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps(training_config))
    processes: list[subprocess.Popen[str]] = []

    def train_one(name: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(workspace.folder), str(config), name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        processes.append(process)
        return process

    yield train_one
    for process in processes:
        process.kill()
        process.communicate()


def _status(workspace: Workspace) -> RunStatus | None:
    folders = workspace.run_folders()
    return read_state(folders[0]).status if folders else None


def test_a_run_in_a_shell_ends_with_its_model(workspace: Workspace, train: Train) -> None:
    output, _ = (process := train("steps=20")).communicate(timeout=60)
    assert process.returncode == 0, output
    assert "completed" in output
    assert "step-20.safetensors" in output
    assert workspace.run_folders()[0].read_record().task.config["epochs"] == 2


def test_a_run_that_fails_ends_with_status_1_and_its_error(train: Train) -> None:
    output, _ = (process := train("fail=3")).communicate(timeout=60)
    assert process.returncode == 1
    assert "fails as it was told to" in output


def test_ctrl_c_stops_with_a_backup_and_a_save(
    workspace: Workspace, train: Train, wait_until: Callable[..., None]
) -> None:
    process = train("endless")
    wait_until(lambda: _status(workspace) is RunStatus.RUNNING)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert _status(workspace) is RunStatus.STOPPED
    assert list(workspace.run_folders()[0].backups.iterdir())
    assert list(workspace.run_folders()[0].saves.iterdir())


def test_a_second_ctrl_c_ends_a_trainer_that_does_not_answer(
    workspace: Workspace, train: Train, wait_until: Callable[..., None]
) -> None:
    process = train("deaf=3")
    wait_until(lambda: _status(workspace) is RunStatus.RUNNING)
    process.send_signal(signal.SIGINT)
    wait_until(lambda: _status(workspace) is RunStatus.STOPPING)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "interrupted" in output


def test_a_server_on_the_workspace_shows_the_run_and_can_stop_it(
    client: TestClient, train: Train, wait_until: Callable[..., None]
) -> None:
    process = train("endless")
    wait_until(lambda: client.get("/api/training/status").json()["status"] == "running")
    assert client.post("/api/training/stop").status_code == 200
    output, _ = process.communicate(timeout=60)
    assert "stopped" in output
    assert client.get("/api/training/status").json()["status"] == "stopped"
