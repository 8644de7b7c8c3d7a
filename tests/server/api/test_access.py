"""What the server tells about access to itself, and its token replaced."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from onetrainer_web.api.app import create_app
from onetrainer_web.api.tokens import read_or_make_token
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings


def test_access_is_told_without_secrets(service: RunService, workspace: Workspace, tmp_path: Path) -> None:
    settings = Settings.model_validate({"host": "127.0.0.1", "token": "open-sesame", "allowed_roots": [tmp_path]})
    client = TestClient(create_app(service, workspace, settings), base_url="http://localhost")
    answer = client.get("/api/access", headers={"Authorization": "Bearer open-sesame"})
    assert answer.json() == {
        "host": "127.0.0.1",
        "port": 8000,
        "token": "settings",
        "num_logins": 0,
        "is_open_through_a_proxy": False,
        "allowed_hosts": [],
        "allowed_origins": [],
        "workspace": str(workspace.folder),
        "allowed_roots": [str(tmp_path)],
    }


def test_a_new_token_shuts_out_the_old_one(service: RunService, workspace: Workspace) -> None:
    app = create_app(service, workspace, Settings(host="0.0.0.0"))
    old = {"Authorization": f"Bearer {read_or_make_token(workspace.token)[0]}"}
    client = TestClient(app, base_url="http://localhost")

    client.get(f"/login?token={old['Authorization'].removeprefix('Bearer ')}", follow_redirects=False)
    by_the_old_one = dict(client.cookies)

    answer = client.post("/api/access/token", headers=old)
    made = answer.json()

    assert answer.headers["cache-control"] == "no-store"
    assert client.get("/api/runs").status_code == 200  # by the cookie
    client.cookies.clear()
    client.cookies.update(by_the_old_one)
    assert client.get("/api/runs").status_code == 401
    assert client.get("/api/runs", headers=old).status_code == 401
    assert client.get("/api/runs", headers={"Authorization": f"Bearer {made['token']}"}).status_code == 200
    assert read_or_make_token(workspace.token) == (made["token"], False)
    assert workspace.token.stat().st_mode & 0o777 == 0o600
    client.get(made["login_path"], follow_redirects=False)
    assert client.get("/api/runs").status_code == 200


@pytest.mark.parametrize("settings", [{}, {"token": "open-sesame"}])
def test_a_token_that_is_not_the_workspaces_is_not_replaced(
    service: RunService, workspace: Workspace, settings: dict[str, str]
) -> None:
    app = create_app(service, workspace, Settings.model_validate({"host": "127.0.0.1", **settings}))
    client = TestClient(app, base_url="http://localhost", headers={"Authorization": "Bearer open-sesame"})
    answer = client.post("/api/access/token")
    assert answer.status_code == 400
    assert not workspace.token.exists()
