"""Attacks use the fixtures of the server's tests: real services, real trainers' stand-ins, and the application."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.server.api.conftest import address, app, client, serve_app, training_config
from tests.server.conftest import is_gone, kill, open_service, service, start, start_server, wait_until, workspace

__all__ = [
    "address",
    "app",
    "client",
    "is_gone",
    "kill",
    "open_service",
    "serve_app",
    "served",
    "service",
    "start",
    "start_server",
    "training_config",
    "wait_until",
    "workspace",
]

COMMAND = (sys.executable, "-m", "onetrainer_web.cli.main", "serve", "--host", "0.0.0.0", "--port", "0")


@contextmanager
def served(workspace: Path, **given: str) -> Iterator[tuple[str, str, int]]:
    """A server that others can reach, started as people start it.

    Args:
        workspace: Its folder.
        given: Settings by environment variables, without their common beginning.

    Yields:
        What it prints until it serves or has ended, its address (none where it did not start), and its process.
    """
    variables = {f"ONETRAINER_WEB_{name}": value for name, value in given.items()}
    process = subprocess.Popen(
        [*COMMAND, "--workspace", str(workspace)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **variables, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout
    printed, found = "", None
    while not found and (line := process.stdout.readline()):
        printed += line
        found = re.search(r"running on http://0\.0\.0\.0:(\d+)", line)
    try:
        yield printed, f"http://127.0.0.1:{found[1]}" if found else "", process.pid
    finally:
        process.kill()
        process.communicate()
