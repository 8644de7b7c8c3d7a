"""Saved views of the runs."""

from fastapi.testclient import TestClient

from onetrainer_web.app.saved_views import MAX_VIEWS
from onetrainer_web.protocol.workspace import Workspace

FACES = {"search": "face lora", "status": "completed", "run_ids": []}


def test_a_view_is_saved_replaced_and_deleted(client: TestClient) -> None:
    assert client.get("/api/views").json() == {"views": []}
    assert client.put("/api/views/my faces", json=FACES).json()["success"]
    compared = {"run_ids": ["20260101-120000-1a2b", "20260101-120000-1a2c"]}
    assert client.put("/api/views/best two", json=compared).json()["success"]
    assert client.get("/api/views").json()["views"] == [
        {"name": "best two", "search": "", "status": "all", **compared},
        {"name": "my faces", **FACES},
    ]
    client.put("/api/views/best two", json={"search": "two"})
    assert client.get("/api/views").json()["views"][0]["run_ids"] == []
    assert client.delete("/api/views/best two").status_code == 200
    again = client.delete("/api/views/best two")
    assert (again.status_code, "'best two'" in again.json()["detail"]) == (404, True)
    assert [view["name"] for view in client.get("/api/views").json()["views"]] == ["my faces"]


def test_a_file_that_holds_something_else_is_named_and_left(client: TestClient, workspace: Workspace) -> None:
    workspace.views.write_text("[1]")
    for answer in (client.get("/api/views"), client.put("/api/views/faces", json=FACES)):
        assert (answer.status_code, "views.json" in answer.json()["detail"]) == (400, True)
    assert workspace.views.read_text() == "[1]"


def test_there_is_room_for_so_many(client: TestClient) -> None:
    for number in range(MAX_VIEWS):
        assert client.put(f"/api/views/{number}", json=FACES).status_code == 200
    assert client.put("/api/views/another", json=FACES).status_code == 400
    assert client.put("/api/views/0", json=FACES).status_code == 200
