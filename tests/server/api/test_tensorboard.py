"""TensorBoard behind the server: the real one, seen through it, gone with it."""

import httpx
import psutil
import pytest
from fastapi.testclient import TestClient

from onetrainer_web.app import tensorboard
from onetrainer_web.app.tensorboard import TensorBoard, TensorBoardError
from onetrainer_web.protocol.workspace import Workspace

PAGE = "/api/tensorboard/page/"


def test_before_it_runs_nothing_is_shown(client: TestClient) -> None:
    assert client.get("/api/tensorboard").json() == {"is_running": False, "path": PAGE}
    answer = client.get(PAGE)
    assert answer.status_code == 404
    assert "/api/tensorboard/start" in answer.json()["detail"]
    assert client.post("/api/tensorboard/stop").json()["is_running"] is False


@pytest.mark.slow
def test_it_is_started_shown_and_stopped(client: TestClient, workspace: Workspace) -> None:
    before = set(psutil.Process().children())
    assert client.post("/api/tensorboard/start").json()["is_running"] is True
    assert client.post("/api/tensorboard/start").json()["is_running"] is True  # the same one
    (process,) = set(psutil.Process().children()) - before

    assert "TensorBoard" in client.get(PAGE).text
    shown = client.get(f"{PAGE}data/environment")
    assert shown.json()["data_location"] == str(workspace.runs)
    # Its own port is no way past the server, nor is another address below the page a way past the token.
    board: TensorBoard = client.app.state.tensorboard  # type: ignore[attr-defined]
    assert httpx.get(f"http://127.0.0.1:{board.port}/data/environment").status_code == 403
    assert board.secret not in " ".join(process.cmdline())
    from_nowhere = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}
    assert client.get(shown.url.path, headers=from_nowhere).headers["access-control-allow-origin"] == "null"
    assert client.get(PAGE, headers=from_nowhere).status_code == 403
    assert client.get(f"{PAGE}wrong-secret/data/environment", headers=from_nowhere).status_code == 403
    policy = client.get(PAGE).headers["content-security-policy"]
    assert "sandbox allow-scripts" in policy
    assert "allow-same-origin" not in policy
    assert client.get(f"{PAGE}nowhere").status_code == 404
    assert client.post(PAGE, headers={"Origin": "https://evil.example"}).status_code == 403

    assert client.post("/api/tensorboard/stop").json()["is_running"] is False
    assert not process.is_running()
    assert client.get(PAGE).status_code == 404


def test_what_keeps_it_from_starting_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard, "PROGRAM", "raise SystemExit('no room here')")
    board = TensorBoard(workspace.runs)
    with pytest.raises(TensorBoardError, match="no room here"):
        board.start()
    assert board.port is None
