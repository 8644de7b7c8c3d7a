"""What is told of a OneTrainer installation: the stand-in checkout as a repository, with a Python that has packages."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.server.conftest import WaitUntil, create

from onetrainer_web.api.app import create_app
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.tasks import Engine
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings
from onetrainer_web.system.onetrainer import OneTrainer

CHECKOUT = Path(__file__).parents[2] / "stand_in_checkout"
VERSIONS = {"torch": "2.12.0", "diffusers": "0.39.0", "transformers": "5.5.4", "mgds": "1.2.3"}


def git(folder: Path, *arguments: str) -> str:
    person = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    command = ["git", "-C", str(folder), *person, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one commit and an environment of its own."""
    folder = tmp_path / "OneTrainer"
    shutil.copytree(CHECKOUT, folder)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "all")
    packages = folder / "venv" / "packages"
    for name, version in VERSIONS.items():
        told = packages / f"{name}-{version}.dist-info" / "METADATA"
        told.parent.mkdir(parents=True)
        told.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    python = folder / "venv" / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{packages}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return folder


def test_system_info_and_doctor_tell_what_was_found(checkout: Path, workspace: Workspace) -> None:
    commit = git(checkout, "rev-parse", "--short=12", "HEAD")
    service = RunService(workspace, Launcher(onetrainer=OneTrainer(checkout)))
    service.start()
    with TestClient(create_app(service, workspace, Settings()), base_url="http://localhost:8000") as client:
        info = client.get("/api/system/info").json()["onetrainer"]
        findings = client.get("/api/system/doctor").json()["findings"]
    service.close()
    python = checkout / "venv" / "bin" / "python"
    versions = {"python": sys.version.split()[0], **VERSIONS}
    assert info == {
        "folder": str(checkout),
        "commit": commit,
        "python": str(python),
        "versions": versions,
        "missing": "",
    }
    [finding] = [finding for finding in findings if finding["subject"] == "OneTrainer"]
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    assert finding == {
        "subject": "OneTrainer",
        "is_fine": True,
        "text": f"{checkout} at {commit}; {told} ({python})",
    }


def test_a_run_tells_the_commit_that_trained_it(checkout: Path, workspace: Workspace, wait_until: WaitUntil) -> None:
    service = RunService(workspace, Launcher(onetrainer=OneTrainer(checkout, Path(sys.executable))))
    service.start()
    config = TrainConfig.model_validate({"train_device": "cpu", "base_model_name": "steps=1", "epochs": 1})
    run = create(service, config, engine=Engine.ONETRAINER)
    wait_until(lambda: service.get(run.id).status is RunStatus.COMPLETED)
    [started] = service.outputs.events(run.id, types=["started"])
    service.close()
    assert started.type == "started"
    assert started.versions["onetrainer"] == git(checkout, "rev-parse", "--short=12", "HEAD")


def test_a_checkout_without_history_is_at_no_commit_of_a_repository_around_it(checkout: Path) -> None:
    inner = checkout / "copy"
    shutil.copytree(CHECKOUT, inner)
    found = OneTrainer(inner, checkout / "venv" / "bin" / "python").info
    assert (found.missing, found.commit) == ("", "")
