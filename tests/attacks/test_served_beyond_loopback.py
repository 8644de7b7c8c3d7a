"""A server that others can reach, started as people start it: who has no token, and cookies of other programs."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.attacks.conftest import served

TOKEN = "correct-horse-battery-staple"
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


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a server that asks for `TOKEN`."""
    with served(tmp_path_factory.mktemp("workspace"), TOKEN=TOKEN) as (_, address, _):
        yield address


@pytest.mark.parametrize("given", [{"TOKEN": ""}, {"TOKEN": "\n"}, {}])
def test_an_empty_token_lets_nobody_in(given: dict[str, str], tmp_path: Path) -> None:
    if not given:
        (tmp_path / "token").touch()  # as a full disk has left it
    with served(tmp_path, **given) as (printed, address, _):
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
    with served(tmp_path / "workspace", **given) as (printed, address, _):
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
    with served(tmp_path, TOKEN=TOKEN) as (_, second, _):
        first_login, second_login = (httpx.get(f"{one}/login?token={TOKEN}").cookies for one in (address, second))
    assert not set(first_login) & set(second_login)
    assert TOKEN not in first_login.values()
    assert httpx.get(f"{address}/api/runs", cookies=first_login).status_code == 200
