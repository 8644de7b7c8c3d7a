"""A server that others can reach, started as people start it: who has no token, and cookies of other programs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

TOKEN = "correct-horse-battery-staple"
COMMAND = (sys.executable, "-m", "onetrainer_web.cli.main", "serve", "--host", "0.0.0.0", "--port", "0")
ODD_COOKIES = (
    'prefs={"a":1}',
    "a/b=1",
    "a@b=1",
    "foo,bar=2",
    "=",
    ";;;",
    '"',
    'x="unclosed',
    "\xff\xfe=\xff",
    "x" * 4000,
)
"""What other programs of the same host may have set."""


@contextmanager
def _served(workspace: Path, **given: str) -> Iterator[tuple[str, str]]:
    """What a server prints until it serves or has ended, and its address; none where it did not start."""
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
        yield printed, f"http://127.0.0.1:{found[1]}" if found else ""
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server that asks for `TOKEN`."""
    with _served(tmp_path_factory.mktemp("workspace"), TOKEN=TOKEN) as (_, address):
        yield address


@pytest.mark.parametrize("given", [{"TOKEN": ""}, {"TOKEN": "\n"}, {}])
def test_an_empty_token_lets_nobody_in(given: dict[str, str], tmp_path: Path) -> None:
    if not given:
        (tmp_path / "token").touch()  # as a full disk has left it
    with _served(tmp_path, **given) as (printed, address):
        assert address, printed
        assert httpx.get(f"{address}/api/training/status").status_code == 401
        bearer = {"Authorization": f"Bearer {(tmp_path / 'token').read_text().strip()}"}
        assert httpx.get(f"{address}/api/training/status", headers=bearer).status_code == 200


@pytest.mark.parametrize(
    ("given", "reason"),
    [({"TOKEN": "fifteen-letters"}, "16 characters"), ({"TOKEN": TOKEN, "ALLOWED_ORIGINS": "*"}, "ALLOWED_ORIGINS")],
)
def test_who_would_let_everybody_in_does_not_start_and_says_why(
    given: dict[str, str], reason: str, tmp_path: Path
) -> None:
    with _served(tmp_path / "workspace", **given) as (printed, address):
        assert not address
        assert reason in printed
        assert "Traceback" not in printed


def test_cookies_of_other_programs_shut_nobody_out(address: str) -> None:
    for odd in (cookies.encode("latin-1") for cookies in ODD_COOKIES):
        login = httpx.get(f"{address}/login?token={TOKEN}", headers={b"Cookie": odd})
        own = login.headers["set-cookie"].partition(";")[0].encode()
        for cookies in (odd + b"; " + own, own + b"; " + odd, odd + b";" + own + b";" + odd):
            assert httpx.get(f"{address}/api/runs", headers={b"Cookie": cookies}).status_code == 200, cookies
        assert httpx.get(f"{address}/api/runs", headers={b"Cookie": odd}).status_code == 401, odd


def test_a_login_is_no_token_and_another_server_of_the_host_does_not_replace_it(address: str, tmp_path: Path) -> None:
    with _served(tmp_path, TOKEN=TOKEN) as (_, second):
        first_login, second_login = (httpx.get(f"{one}/login?token={TOKEN}").cookies for one in (address, second))
    assert not set(first_login) & set(second_login)
    assert TOKEN not in first_login.values()
    assert httpx.get(f"{address}/api/runs", cookies=first_login).status_code == 200
