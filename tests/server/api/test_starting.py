"""What is asked for is made as a whole, or not at all: also where the disk has no room for it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.conftest import leave

from onetrainer_web.protocol.commands import read_commands
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.service import RunService

ROOM_STEP = 4 * 1024
FULL = {"The server's", "The index"}
"""How the answers begin that say so: first there is no room for the files, then for taking note of them."""


@pytest.fixture
def workspace(small_disk: Path) -> Workspace:
    """A workspace on a disk of 4 MB."""
    workspace = Workspace(small_disk / "workspace")
    workspace.create()
    return workspace


@pytest.fixture
def service(workspace: Workspace) -> Iterator[RunService]:
    """A service whose trainers end at once."""
    service = RunService(workspace, Launcher((sys.executable, "-c", "pass")))
    service.start()
    yield service
    service.close()


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    """Hears what a full disk is answered with, as any client does."""
    return TestClient(app, base_url="http://localhost:8000", raise_server_exceptions=False)


def traces(client: TestClient, workspace: Workspace) -> list[Any]:
    """What is left of what was asked for: on the disk, in memory, in the queue, in the editor."""
    known = client.get("/api/runs").json()
    return [
        sorted(path.name for path in workspace.runs.iterdir()),
        known["runs"] + known["unreadable"],
        client.get("/api/queue").json()["run_ids"],
        client.get("/api/config/current").json()["revision"],
    ]


def ask_with_ever_more_room(client: TestClient, workspace: Workspace, path: str, body: dict[str, Any]) -> set[str]:
    """Ask the same until there is room for it; before, nothing may come of it. Gives how answers began."""
    before = traces(client, workspace)
    said: set[str] = set()
    for room in range(0, 2**21, ROOM_STEP):
        ballast = leave(workspace.folder.parent, room)
        answer = client.post(path, json=body)
        ballast.unlink()
        if answer.status_code == 200:
            return said
        assert answer.status_code == 507, answer.text
        assert traces(client, workspace) == before, answer.text
        said.add(" ".join(answer.json()["detail"].split()[:2]))
    pytest.fail("there was never room")


def test_variants_are_made_all_or_none(
    client: TestClient, workspace: Workspace, training_config: dict[str, Any]
) -> None:
    client.patch("/api/queue", json={"paused": True})
    body = {"config_dict": training_config, "vary": {"learning_rate": [number / 1e5 for number in range(1, 5)]}}
    said = ask_with_ever_more_room(client, workspace, "/api/runs/variants", body)
    assert said == FULL
    files, runs, waiting, _ = traces(client, workspace)
    assert len(files) == len(runs) == len(waiting) == 4


def test_a_training_starts_as_a_whole_or_not_at_all(
    client: TestClient, workspace: Workspace, training_config: dict[str, Any]
) -> None:
    said = ask_with_ever_more_room(client, workspace, "/api/training/start", {"config_dict": training_config})
    assert said == FULL
    assert len(traces(client, workspace)[0]) == 1
    assert client.get("/api/config/current").json()["config"]["resolution"] == "64"


def test_a_sampler_is_made_with_what_it_shall_draw_or_not_at_all(client: TestClient, workspace: Workspace) -> None:
    assert ask_with_ever_more_room(client, workspace, "/api/samples/custom", {"prompt": "a square"}) == FULL
    [folder] = workspace.run_folders()
    assert [command.type for command in read_commands(folder.commands)][0] == "sample"
