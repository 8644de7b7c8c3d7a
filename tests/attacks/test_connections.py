"""Connections that say nothing, and requests that only fill the log."""

import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from tests.server.conftest import WaitUntil
from websockets.sync.client import connect

resource = pytest.importorskip("resource", reason="this system bounds no open files")
NUM_HALF_OPEN = 1100
USUAL_FILES = 1024
HALF_A_REQUEST = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: "


def _half_open(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    half = socket.create_connection((host, int(port)), timeout=30)
    half.sendall(HALF_A_REQUEST)
    return half


def _is_closed(half: socket.socket) -> bool:
    half.settimeout(0.01)
    try:
        return half.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.fixture
def many_files() -> Iterator[None]:
    """This process may hold as many connections as the attack needs."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * NUM_HALF_OPEN:
        pytest.skip("this process may not open so many files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * NUM_HALF_OPEN, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_files")
def test_half_open_connections_stop_neither_answers_nor_supervision(tmp_path: Path, wait_until: WaitUntil) -> None:
    limits = (USUAL_FILES, USUAL_FILES)  # it cannot be raised
    log = tmp_path / "log"
    command = [sys.executable, "-m", "onetrainer_web.cli.main", "serve", "--port", "0"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--workspace", str(tmp_path / "workspace")],
            stdout=output,
            stderr=output,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits),
        )
    with ExitStack() as stack:
        stack.callback(server.wait)
        stack.callback(server.kill)
        wait_until(lambda: "running on" in log.read_text(), timeout_s=120)
        address = log.read_text().partition("running on ")[2].split()[0]
        for _ in range(NUM_HALF_OPEN):
            stack.enter_context(_half_open(address))
        assert httpx.get(f"{address}/api/training/status", timeout=30).status_code == 200
        name = httpx.post(f"{address}/api/datasets", json={"name": "cats"}, timeout=30)
        assert name.status_code == 200
        wait_until(lambda: httpx.get(f"{address}/api/system/history", timeout=30).json()["readings"])
    assert "Supervision failed" not in log.read_text()
    assert "Too many open files" not in log.read_text()
    assert log.stat().st_size < 10_000


def test_who_says_nothing_is_not_waited_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onetrainer_web.api.connections.HEAD_PATIENCE_S", 0.3)
    with _half_open(address) as half, connect(address.replace("http", "ws") + "/ws") as listener:
        listener.recv()
        dripping = time.monotonic()
        while not _is_closed(half):
            assert time.monotonic() - dripping < 30
            try:
                half.sendall(b"x")
            except ConnectionError:
                break
        listener.send("ping")
        assert "pong" in listener.recv(timeout=30, decode=True)  # a WebSocket may be silent for as long as it likes


def test_there_is_always_room_for_one_more(
    address: str, monkeypatch: pytest.MonkeyPatch, wait_until: WaitUntil
) -> None:
    monkeypatch.setattr("onetrainer_web.api.connections.MAX_CONNECTIONS", 5)
    with ExitStack() as stack, connect(address.replace("http", "ws") + "/ws") as listener:
        silent = [stack.enter_context(_half_open(address)) for _ in range(8)]
        wait_until(lambda: sum(map(_is_closed, silent)) >= 4)
        assert not _is_closed(silent[-1])
        assert httpx.get(f"{address}/api/health", timeout=30).status_code == 200
        listener.recv()
        listener.send("ping")
        assert "pong" in listener.recv(timeout=30, decode=True)


def test_what_a_listener_asks_for_is_not_logged(address: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with connect(address.replace("http", "ws") + "/ws?topics=log,metrics") as listener:
        listener.recv()
    assert "topics" not in caplog.text
