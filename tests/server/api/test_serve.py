"""The command `onetrainer-web serve` as a process: start, refusal, login link, shutdown."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import httpx
import pytest
import websockets

COMMAND = (sys.executable, "-m", "onetrainer_web.cli.main", "serve", "--port", "0")
Serve = Callable[..., tuple["subprocess.Popen[str]", str, list[str]]]


def _read_until_running(output: IO[str]) -> tuple[str, list[str]]:
    lines: list[str] = []
    for line in output:
        lines.append(line.rstrip())
        if found := re.search(r"running on (http://\S+)", line):
            return found[1], lines
    raise AssertionError("the server did not start:\n" + "\n".join(lines))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts servers on free ports; gives process, address, and what it has printed so far."""
    processes: list[subprocess.Popen[str]] = []

    def serve_one(*arguments: str) -> tuple["subprocess.Popen[str]", str, list[str]]:
        process = subprocess.Popen(
            [*COMMAND, "--workspace", str(tmp_path / "workspace"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        processes.append(process)
        assert process.stdout
        address, lines = _read_until_running(process.stdout)
        return process, address.replace("0.0.0.0", "127.0.0.1"), lines

    yield serve_one
    for process in processes:
        process.kill()
        process.communicate()


def test_it_serves_and_ends_promptly_on_ctrl_c_with_streams_open(serve: Serve) -> None:
    process, address, _ = serve()

    async def listen() -> int | None:
        async with websockets.connect(address.replace("http", "ws") + "/ws") as websocket:
            await websocket.recv()
            async with httpx.AsyncClient(timeout=30) as client, client.stream("GET", f"{address}/api/events") as events:
                lines = events.aiter_lines()
                await anext(lines)
                process.send_signal(signal.SIGINT)
                assert [line async for line in lines if line] == []
            await websocket.wait_closed()
            return websocket.close_code

    assert asyncio.run(listen()) in (1012, 1013)
    output, _ = process.communicate(timeout=30)
    assert "Traceback" not in output
    assert "Cancel" not in output


def test_a_second_server_on_the_workspace_refuses_and_says_why(serve: Serve, tmp_path: Path) -> None:
    serve()
    second = subprocess.run(
        [*COMMAND, "--workspace", str(tmp_path / "workspace")], capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert "already served" in second.stderr
    assert "Traceback" not in second.stderr


def test_an_exposed_server_shows_its_login_link_once(serve: Serve) -> None:
    process, address, lines = serve("--host", "0.0.0.0")
    link = next(found[0] for line in lines if (found := re.search(r"http://\S+/login\?token=\S+", line)))
    token = link.partition("token=")[2]
    assert httpx.get(f"{address}/api/training/status").status_code == 401
    assert httpx.get(f"{address}/api/health").status_code == 200
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{address}/api/training/status", headers=bearer).status_code == 200

    refused = httpx.get(f"{address}/login?token=wrong")
    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers
    with httpx.Client(base_url=address) as browser:
        login = browser.get(f"/login?token={token}")
        assert (login.status_code, login.headers["location"]) == (303, "/")
        assert {"HttpOnly", "SameSite=strict"} <= set(login.headers["set-cookie"].split("; "))
        assert browser.get("/api/training/status").status_code == 200
        assert browser.post("/api/training/stop", headers={"Origin": "http://evil.example"}).status_code == 403

    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=30)
    assert token not in printed
    _, _, lines = serve("--host", "0.0.0.0")
    assert not any("token=" in line for line in lines)
