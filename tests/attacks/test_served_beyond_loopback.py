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
def _served(workspace: Path, token: str | None) -> Iterator[tuple[str, str]]:
    """What a server prints until it serves or has ended, and its address; none where it did not start."""
    environment = {name: value for name, value in os.environ.items() if name != "ONETRAINER_WEB_TOKEN"}
    given = {} if token is None else {"ONETRAINER_WEB_TOKEN": token}
    process = subprocess.Popen(
        [*COMMAND, "--workspace", str(workspace)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**environment, **given, "PYTHONUNBUFFERED": "1"},
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
    with _served(tmp_path_factory.mktemp("workspace"), TOKEN) as (_, address):
        yield address


@pytest.mark.parametrize(("token", "in_file"), [("", None), ("\n", None), (None, "")])
def test_an_empty_token_lets_nobody_in(token: str | None, in_file: str | None, tmp_path: Path) -> None:
    if in_file is not None:  # as a full disk has left it
        (tmp_path / "token").write_text(in_file)
    with _served(tmp_path, token) as (printed, address):
        assert address, printed
        assert httpx.get(f"{address}/api/training/status").status_code == 401
        bearer = {"Authorization": f"Bearer {(tmp_path / 'token').read_text().strip()}"}
        assert httpx.get(f"{address}/api/training/status", headers=bearer).status_code == 200


def test_a_server_with_a_weak_token_does_not_start_and_says_why(tmp_path: Path) -> None:
    with _served(tmp_path / "workspace", "fifteen-letters") as (printed, address):
        assert not address
        assert "16 characters" in printed
        assert "Traceback" not in printed


def test_cookies_of_other_programs_shut_nobody_out(address: str) -> None:
    for odd in (cookies.encode("latin-1") for cookies in ODD_COOKIES):
        login = httpx.get(f"{address}/login?token={TOKEN}", headers={b"Cookie": odd})
        own = login.headers["set-cookie"].partition(";")[0].encode()
        for cookies in (odd + b"; " + own, own + b"; " + odd, odd + b";" + own + b";" + odd):
            assert httpx.get(f"{address}/api/runs", headers={b"Cookie": cookies}).status_code == 200, cookies
        assert httpx.get(f"{address}/api/runs", headers={b"Cookie": odd}).status_code == 401, odd


def test_a_login_is_no_token_and_another_server_of_the_host_does_not_replace_it(address: str, tmp_path: Path) -> None:
    with _served(tmp_path, TOKEN) as (_, second):
        first_login, second_login = (httpx.get(f"{one}/login?token={TOKEN}").cookies for one in (address, second))
    assert not set(first_login) & set(second_login)
    assert TOKEN not in first_login.values()
    assert httpx.get(f"{address}/api/runs", cookies=first_login).status_code == 200
