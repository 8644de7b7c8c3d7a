"""Looking around on the machine: only where the server may read, and only names and counts."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from onetrainer_web.api.app import create_app
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A folder with two folders of pictures, a hidden one, and a link that leads outside."""
    shared, private = tmp_path / "shared", tmp_path / "private"
    for folder in (shared / "Cats", shared / "birds", shared / ".hidden", private):
        folder.mkdir(parents=True)
    for name in ("a.png", "b.JPG", "a.txt"):
        (shared / "birds" / name).touch()
    (shared / "way out").symlink_to(private)
    return shared


@pytest.fixture
def confined(service: RunService, workspace: Workspace, shared: Path) -> TestClient:
    """Asks a server that may read the workspace and `shared`."""
    app = create_app(service, workspace, Settings(host="127.0.0.1", allowed_roots=[shared]))
    return TestClient(app, base_url="http://localhost")


def look(client: TestClient, **query: Any) -> dict[str, Any]:
    answer = client.get("/api/folders", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_looking_begins_at_the_data_sets_and_the_allowed_roots(confined: TestClient, shared: Path) -> None:
    start = look(confined)
    assert start["here"] is None
    assert [folder["path"] for folder in start["folders"]] == ["datasets", str(shared)]


def test_folders_are_listed_by_name_with_their_pictures(confined: TestClient, shared: Path) -> None:
    page = look(confined, path=str(shared))
    assert [(folder["name"], folder["num_pictures"]) for folder in page["folders"]] == [("birds", 2), ("Cats", 0)]
    assert page["here"]["path"] == str(shared)
    assert page["parent"] is None
    assert look(confined, path=str(shared / "birds"))["parent"] == str(shared)
    assert look(confined, path=str(shared), offset=1, limit=1)["folders"][0]["name"] == "Cats"
    assert page["total"] == 2


@pytest.mark.parametrize("path", ["{shared}/..", "{shared}/way out", "/", "~", "../private"])
def test_nothing_outside_the_allowed_roots_is_shown(confined: TestClient, shared: Path, path: str) -> None:
    answer = confined.get("/api/folders", params={"path": path.format(shared=shared)})
    assert answer.status_code == 400
    assert "ONETRAINER_WEB_ALLOWED_ROOTS" in answer.json()["detail"]


def test_what_is_no_folder_is_not_found(confined: TestClient, shared: Path) -> None:
    for path in (shared / "nowhere", shared / "birds" / "a.png", shared / ("x" * 4000)):
        assert confined.get("/api/folders", params={"path": str(path)}).status_code == 404


def test_without_roots_all_of_the_machine_can_be_looked_at(client: TestClient, workspace: Workspace) -> None:
    assert str(Path.home()) in [folder["path"] for folder in look(client)["folders"]]
    assert look(client, path=workspace.folder.anchor)["parent"] is None
    inside = look(client, path="datasets")
    assert inside["here"]["path"] == "datasets"
    assert inside["parent"] == "."
    assert look(client, path=".")["parent"] == str(workspace.folder.parent)
