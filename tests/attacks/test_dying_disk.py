"""Disks that fill, go away or are read-only, and memory that runs out, while real trainers and servers are at work.

The whole matrix is `python scripts/bad_days.py`; here are the cells that ask most.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.server.conftest import COMMAND

from onetrainer_web.api.app import create_app
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings

SCRIPT = Path(__file__).parents[2] / "scripts" / "bad_days.py"

Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def may_mount(tmp_path: Path) -> None:
    """Skips where no namespace can be had in which disks are mounted."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", *user, "--mount", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    try:
        tried = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no command to make a namespace")
    if tried.returncode:
        pytest.skip(f"no disk can be mounted here: {tried.stderr.strip()}")


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.usefixtures("may_mount")
def test_runs_live_through_their_bad_days() -> None:
    chosen = {
        "disk full/encoding": ("cannot be written: No space left on device. Make room", []),
        "unmounted/backup": ("is gone", [3]),
        "out of memory/save": ("SIGKILL, as the system does when memory runs out", [3]),
    }
    command = [sys.executable, str(SCRIPT), "--json", "--cells", *chosen]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cells = {f"{cell['cause']}/{cell['phase']}": cell for cell in map(json.loads, done.stdout.splitlines())}
    for name, (told, backups) in chosen.items():
        cell = cells[name]
        assert cell["is_equal"], (name, cell)
        assert cell["damaged"] == cell["left"] == []
        assert cell["backups"][: len(backups)] == backups, (name, cell)
        assert told in " ".join(cell["told"]), (name, cell)


def test_a_server_on_a_disk_that_became_read_only_shows_and_says_why_it_does_no_more(
    small_disk: Path, wait_until: Wait
) -> None:
    workspace = Workspace(small_disk / "workspace")
    workspace.create()
    service = RunService(workspace, Launcher(COMMAND), "http://this-server")
    service.start()
    run = service.start_training(TrainConfig(train_device="cpu"), "steps=5")
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)
    service.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    service = RunService(workspace, Launcher(COMMAND), "http://the-next")
    service.start()
    try:
        app = create_app(service, workspace, Settings(host="127.0.0.1"))
        with TestClient(app, base_url="http://localhost:8000", raise_server_exceptions=False) as client:
            assert client.get(f"/api/runs/{run.id}").json()["status"] == "completed"
            curves = client.get(f"/api/runs/{run.id}/metrics").json()["metrics"]
            assert [point["step"] for point in curves["loss/train_step"]] == [1, 2, 3, 4, 5]
            refused = client.delete(f"/api/runs/{run.id}")
            assert (refused.status_code, refused.json()["detail"]) == (
                507,
                "The server's disk is read-only. Make it writable, then try again.",
            )
            subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
            assert client.delete(f"/api/runs/{run.id}").status_code == 200
    finally:
        service.close()


def test_a_workspace_that_went_away_keeps_its_runs(
    service: RunService, workspace: Workspace, wait_until: Wait, caplog: pytest.LogCaptureFixture
) -> None:
    run = service.start_training(TrainConfig(train_device="cpu"), "steps=5")
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)
    away = workspace.folder.rename(workspace.folder.with_name("away"))
    wait_until(lambda: f"The workspace {workspace.folder} is gone. Mount its disk again" in caplog.text)
    assert service.get(run.id).status is RunStatus.COMPLETED
    away.rename(workspace.folder)
    after = service.start_training(TrainConfig(train_device="cpu"), "steps=5")
    wait_until(lambda: service.get(after.id).status is RunStatus.COMPLETED)
    assert caplog.text.count("is gone. Mount") == 1
