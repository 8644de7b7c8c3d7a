"""A hostile neighbour and other programs of the same host: who gets in, and who is shut out by whom."""

import stat
import threading
from typing import Any

import pytest
from fastapi.testclient import TestClient

from onetrainer_web import settings as given_settings
from onetrainer_web.api.app import create_app
from onetrainer_web.app import doctor
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService

TOKEN = "correct-horse-battery-staple"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def _client(service: RunService, workspace: Workspace, host: str = "0.0.0.0:8000", **settings: Any) -> TestClient:
    given = {"host": "0.0.0.0", "token": TOKEN, **settings}
    app = create_app(service, workspace, given_settings.read_settings(given))
    return TestClient(app, base_url=f"http://{host.replace('0.0.0.0', '127.0.0.1')}", follow_redirects=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("allowed_origins", value) for value in ("*", "https://*.example", "null", "lab.example", "https://a/b", "")),
        *(("allowed_hosts", value) for value in ("*", "*.example", "http://lab.example")),
    ],
)
def test_who_would_let_everybody_in_is_told_so(name: str, value: str) -> None:
    if not value:
        assert given_settings.read_settings({name: value}).allowed_origins == []
        return
    with pytest.raises(OneTrainerWebError, match=rf"ONETRAINER_WEB_{name.upper()}: .*{value[-4:].replace('*', '.')}"):
        given_settings.read_settings({name: value})


def test_a_login_is_no_token_and_outlives_the_server(service: RunService, workspace: Workspace) -> None:
    client = _client(service, workspace)
    login = client.get(f"/login?token={TOKEN}")
    assert login.headers["cache-control"] == "no-store"
    (session,) = client.cookies.values()
    assert TOKEN not in session
    assert session not in workspace.sessions.read_text()
    assert stat.S_IMODE(workspace.sessions.stat().st_mode) == 0o600
    assert client.get("/api/runs", headers={"Authorization": f"Bearer {session}"}).status_code == 401

    again = _client(service, workspace)
    again.cookies = client.cookies
    assert again.get("/api/runs").status_code == 200
    with_another_token = _client(service, workspace, token="another-token-of-some-length")
    with_another_token.cookies = client.cookies
    assert with_another_token.get("/api/runs").status_code == 401


def test_logins_are_ended_one_by_one_and_all_at_once(service: RunService, workspace: Workspace) -> None:
    first = _client(service, workspace)
    second, third = (TestClient(first.app, base_url=str(first.base_url), follow_redirects=False) for _ in range(2))
    for browser in (first, second, third):
        browser.get(f"/login?token={TOKEN}")
        browser.get(f"/login?token={TOKEN}")  # once more is no other login
    assert first.get("/api/access").json()["num_logins"] == 3

    kept = dict(first.cookies)
    assert first.delete("/api/access/login").json()["success"]
    assert not first.cookies
    first.cookies.update(kept)
    assert first.get("/api/runs").status_code == 401
    assert second.get("/api/runs").status_code == 200
    assert second.delete("/api/access/logins").json()["message"] == "2 logged out"
    for browser in (second, third):
        assert browser.get("/api/runs").status_code == 401
    assert _client(service, workspace).get("/api/access", headers=BEARER).json()["num_logins"] == 0


def test_a_token_that_is_typed_logs_in_once(service: RunService, workspace: Workspace) -> None:
    client = _client(service, workspace)
    assert client.post("/api/access/login", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert not client.cookies
    for _ in range(2):
        client.post("/api/access/login", headers=BEARER).raise_for_status()
    assert client.get("/api/access").json()["num_logins"] == 1
    assert client.post("/api/access/login", headers={"Origin": "http://elsewhere"} | BEARER).status_code == 403


def test_an_allowed_page_is_told_that_it_lacks_the_token(service: RunService, workspace: Workspace) -> None:
    client = _client(service, workspace, allowed_origins="https://lab.example")
    for origin, allowed in (("https://lab.example", "https://lab.example"), ("https://evil.example", None)):
        answer = client.get("/api/runs", headers={"Origin": origin})
        assert answer.status_code == (401 if allowed else 403)
        assert answer.headers.get("access-control-allow-origin") == allowed


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("path", ["/api/system/doctor", "/api/training/status", "/openapi.json", "/api/health"])
def test_what_a_foreign_page_embeds_is_refused(site: str, path: str, client: TestClient) -> None:
    embedded = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    answer = client.get(path, headers=embedded)
    assert answer.status_code == 403
    assert "Pages of" in answer.json()["detail"]
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert client.get(path, headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("site", ["none", "same-origin", "cross-site"])
def test_a_link_to_the_page_may_be_followed_from_anywhere(site: str, client: TestClient) -> None:
    navigation = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    assert client.get("/", headers=navigation).status_code == 200
    assert client.get("/login", headers=navigation, follow_redirects=False).status_code == 303


def test_as_many_as_ask_the_doctor_start_one_process(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    num_started = 0

    def look() -> doctor.Finding:
        nonlocal num_started
        num_started += 1
        return doctor.Finding(subject="devices", is_fine=True, text="none")

    monkeypatch.setattr(doctor, "examine_devices", look)
    answers: list[int] = []

    def ask() -> None:
        answers.append(client.get("/api/system/doctor").status_code)

    neighbours = [threading.Thread(target=ask) for _ in range(5)]
    for neighbour in neighbours:
        neighbour.start()
    for neighbour in neighbours:
        neighbour.join()
    assert answers == [200] * 5
    assert num_started == 1


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Via"])
def test_a_proxy_in_front_of_an_open_server_is_told_of_once(
    header: str, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get("/api/access").json()["is_open_through_a_proxy"] is False
    for _ in range(3):
        client.get("/api/health", headers={header: "1.2.3.4"})
    assert client.get("/api/access").json()["is_open_through_a_proxy"] is True
    assert caplog.text.count("ONETRAINER_WEB_TOKEN") == 1


def test_a_proxy_in_front_of_a_server_with_a_token_is_no_news(
    service: RunService, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    client = _client(service, workspace, host="127.0.0.1:8000")
    client.get("/api/health", headers={"X-Forwarded-For": "1.2.3.4"})
    assert client.get("/api/access", headers=BEARER).json()["is_open_through_a_proxy"] is False
    assert "ONETRAINER_WEB_TOKEN" not in caplog.text
