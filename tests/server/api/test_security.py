"""Who may speak to the server, asked of the guard and of the whole application."""

import stat
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.types import Scope

from onetrainer_web.api.app import create_app
from onetrainer_web.api.security import Guard, HostRefusedError, OriginRefusedError, TokenMissingError
from onetrainer_web.api.sessions import Sessions
from onetrainer_web.api.tokens import read_or_make_token
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.settings import Settings

TOKEN = "correct-horse-battery-staple"
SESSIONS = Sessions(Path("/nowhere/sessions.json"), TOKEN)


def _scope(method: str = "GET", path: str = "/api/runs", kind: str = "http", **headers: str) -> Scope:
    given = {"host": "localhost:8000"} | headers
    raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items() if value]
    return {"type": kind, "method": method, "path": path, "headers": raw}


def _loopback(**settings: object) -> Guard:
    return Guard(Settings.model_validate({"host": "127.0.0.1", **settings}), None, SESSIONS)


def _exposed(**settings: object) -> Guard:
    return Guard(Settings.model_validate({"host": "0.0.0.0", **settings}), TOKEN, SESSIONS)


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST:1", "127.0.0.1:8000", "127.9.9.9", "[::1]:80"]
)
def test_loopback_goes_by_its_own_names(host: str) -> None:
    _loopback().check(_scope(host=host))


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "192.168.1.7:8000", "", "[::1", "localhost@evil"]
)
def test_loopback_refuses_foreign_names(host: str) -> None:
    with pytest.raises(HostRefusedError):
        _loopback().check(_scope(host=host))


def test_an_allowed_host_is_known() -> None:
    _loopback(allowed_hosts="lab.example, other.example").check(_scope(host="other.example:8000"))


@pytest.mark.parametrize("host", ["192.168.1.7:8000", "[fe80::1]:8000", "localhost"])
def test_an_exposed_server_goes_by_any_address(host: str) -> None:
    _exposed().check(_scope(host=host, authorization=f"Bearer {TOKEN}"))


def test_an_exposed_server_refuses_foreign_names() -> None:
    with pytest.raises(HostRefusedError):
        _exposed().check(_scope(host="evil.example", authorization=f"Bearer {TOKEN}"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9999", "file://localhost:8000"])
def test_a_foreign_page_may_not_act(method: str, origin: str) -> None:
    with pytest.raises(OriginRefusedError):
        _loopback().check(_scope(method, origin=origin))


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_foreign_page_may_not_open_a_websocket(origin: str) -> None:
    with pytest.raises(OriginRefusedError):
        _loopback().check(_scope(path="/ws", kind="websocket", origin=origin))


def test_the_own_page_and_programs_may_act() -> None:
    _loopback().check(_scope("POST", origin="http://localhost:8000"))
    _loopback().check(_scope("POST"))


def test_an_allowed_origin_may_act() -> None:
    _loopback(allowed_origins="https://lab.example").check(_scope("POST", origin="https://lab.example"))


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer", "Bearer \xff"])
def test_an_exposed_server_asks_for_the_token(authorization: str) -> None:
    with pytest.raises(TokenMissingError):
        _exposed().check(_scope(authorization=authorization))


@pytest.mark.parametrize("path", ["/ws", "/anything"])
def test_every_websocket_needs_the_token(path: str) -> None:
    with pytest.raises(TokenMissingError):
        _exposed().check(_scope(path=path, kind="websocket"))


@pytest.mark.parametrize("path", ["/", "/runs/1", "/assets/index.js", "/api/health", "/login"])
def test_the_page_and_the_sign_of_life_need_no_token(path: str) -> None:
    _exposed().check(_scope(path=path))


def test_a_token_that_is_set_is_asked_for_on_loopback_too() -> None:
    with pytest.raises(TokenMissingError):
        Guard(Settings(host="127.0.0.1"), TOKEN, SESSIONS).check(_scope())


def test_the_token_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    token, is_new = read_or_make_token(tmp_path / "token")
    again, is_new_again = read_or_make_token(tmp_path / "token")
    assert is_new
    assert not is_new_again
    assert token == again
    assert len(token) >= 40
    assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600


def test_an_allowed_origin_may_read_the_answers_in_a_browser(service: RunService, workspace: Workspace) -> None:
    app = create_app(service, workspace, Settings(host="127.0.0.1", allowed_origins=["https://lab.example"]))
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    with TestClient(app, base_url="http://localhost:8000") as client:
        for origin, allowed in (("https://lab.example", "https://lab.example"), ("https://evil.example", None)):
            asked = client.options("/api/training/start", headers={"Origin": origin, **preflight})
            assert asked.headers.get("Access-Control-Allow-Origin") == allowed
            answer = client.get("/api/health", headers={"Origin": origin})
            assert answer.headers.get("Access-Control-Allow-Origin") == allowed
