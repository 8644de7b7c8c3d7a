"""A hostile neighbour and other programs of the same host: who gets in, and who is shut out by whom."""

import stat
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from onetrainer_web.api import sessions as sessions_module
from onetrainer_web.api.app import create_app
from onetrainer_web.api.security import Guard
from onetrainer_web.api.sessions import Sessions
from onetrainer_web.api.tokens import TokenFileError, TokenTooWeakError, read_or_make_token
from onetrainer_web.cli.main import app as command
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs import doctor
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings, SettingsError, read_settings

TOKEN = "correct-horse-battery-staple"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def _client(service: RunService, workspace: Workspace, host: str = "0.0.0.0:8000", **settings: Any) -> TestClient:
    given = {"host": "0.0.0.0", "token": TOKEN, **settings}
    app = create_app(service, workspace, read_settings(given))
    return TestClient(app, base_url=f"http://{host.replace('0.0.0.0', '127.0.0.1')}", follow_redirects=False)


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_token_is_not_given(blank: str, service: RunService, workspace: Workspace) -> None:
    client = _client(service, workspace, token=blank)
    assert client.get("/api/training/status").status_code == 401
    assert client.get("/api/training/status", headers={"Authorization": "Bearer "}).status_code == 401
    token, is_new = read_or_make_token(workspace.token)
    assert not is_new
    assert client.get("/api/training/status", headers={"Authorization": f"Bearer {token}"}).status_code == 200


@pytest.mark.parametrize(
    "content", ["", "\n", "   ", "short\n", "has a blank in the middle of it", "ö" * 40, "\0" * 40]
)
def test_a_damaged_token_file_is_made_anew(content: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(content)
    token, is_new = read_or_make_token(path)
    assert is_new
    assert len(token) >= 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_or_make_token(path) == (token, False)
    assert list(tmp_path.iterdir()) == [path]


def test_a_token_that_cannot_be_kept_is_told_of_in_a_sentence(small_disk: Path) -> None:
    (small_disk / "token").mkdir()
    with pytest.raises(TokenFileError, match="does not start without one"):
        read_or_make_token(small_disk / "token")
    ballast = small_disk / "ballast"
    with suppress(OSError):
        ballast.write_bytes(bytes(2**23))
    with pytest.raises(TokenFileError, match="No space"):
        read_or_make_token(small_disk / "other")
    assert not (small_disk / "other").exists()
    ballast.unlink()
    assert read_or_make_token(small_disk / "other")[1]


@pytest.mark.parametrize("token", ["a", "fifteen-letters", "with blanks in the middle"])
def test_a_weak_token_serves_nobody_else(token: str, tmp_path: Path) -> None:
    asked = ["serve", "--host", "0.0.0.0", "--workspace", str(tmp_path / "workspace")]
    ended = CliRunner().invoke(command, asked, env={"ONETRAINER_WEB_TOKEN": token})
    assert isinstance(ended.exception, TokenTooWeakError)
    assert not (tmp_path / "workspace").exists()
    with pytest.raises(TokenTooWeakError):
        Guard(Settings(host="0.0.0.0"), token, Sessions(tmp_path / "sessions", token))


@pytest.mark.parametrize("token", ["", None])
def test_a_guard_without_a_token_serves_nobody_else(token: str | None, tmp_path: Path) -> None:
    with pytest.raises(TokenTooWeakError):
        Guard(Settings(host="0.0.0.0"), token, Sessions(tmp_path / "sessions", ""))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("allowed_origins", value) for value in ("*", "https://*.example", "null", "lab.example", "https://a/b", "")),
        *(("allowed_hosts", value) for value in ("*", "*.example", "http://lab.example")),
    ],
)
def test_who_would_let_everybody_in_is_told_so(name: str, value: str) -> None:
    if not value:
        assert read_settings({name: value}).allowed_origins == []
        return
    with pytest.raises(SettingsError, match=rf"ONETRAINER_WEB_{name.upper()}: .*{value[-4:].replace('*', '.')}"):
        read_settings({name: value})


@pytest.mark.parametrize(
    "odd", ['prefs={"a":1}', "a/b=1", "a@b=1", "foo,bar=2", "=", ";;;", '"', 'x="unclosed', "\xff\xfe=\xff", "x" * 4000]
)
def test_cookies_of_other_programs_shut_nobody_out(odd: str, service: RunService, workspace: Workspace) -> None:
    client = _client(service, workspace)
    login = client.get(f"/login?token={TOKEN}", headers={b"Cookie": odd.encode("latin-1")})
    own = login.headers["set-cookie"].partition(";")[0]
    for cookies in (f"{odd}; {own}", f"{own}; {odd}", f"{odd};{own};{odd}"):
        asked = {b"Cookie": cookies.encode("latin-1")}
        assert client.get("/api/runs", headers=asked).status_code == 200, cookies
    assert client.get("/api/runs", headers={b"Cookie": odd.encode("latin-1")}).status_code == 401


def test_two_servers_of_one_host_keep_their_logins_apart(service: RunService, workspace: Workspace) -> None:
    names = set[str]()
    for port in (8202, 8227):
        login = _client(service, workspace, f"127.0.0.1:{port}").get(f"/login?token={TOKEN}")
        names.add(login.headers["set-cookie"].partition("=")[0])
    assert len(names) == 2
    assert all(name.endswith(("8202", "8227")) for name in names)


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


def test_logins_are_few_and_run_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "MAX_SESSIONS", 3)
    sessions = Sessions(tmp_path / "sessions.json", TOKEN)
    opened = [sessions.open() for _ in range(5)]
    assert [sessions.holds(one) for one in opened] == [False, False, True, True, True]
    assert len(sessions) == 3
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + sessions_module.LIFETIME_S + 1)
    assert not sessions.holds(opened[-1])
    assert len(sessions) == 0


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"key": 5}', b"\xff"])
def test_a_damaged_file_of_logins_only_asks_for_new_ones(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    path.write_bytes(content)
    sessions = Sessions(path, TOKEN)
    assert sessions.holds(sessions.open())
    assert len(Sessions(path, TOKEN)) == 1


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

    monkeypatch.setattr(doctor, "_devices", look)
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
