"""Logins: how many, how long, and what is left of them in a damaged file."""

import time
from pathlib import Path

import pytest

from onetrainer_web.api import sessions as sessions_module
from onetrainer_web.api.sessions import Sessions

TOKEN = "correct-horse-battery-staple"


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
