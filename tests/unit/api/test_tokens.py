"""The file of the access token, and who is too weak to serve others."""

import stat
from contextlib import suppress
from pathlib import Path

import pytest

from onetrainer_web.api.security import Guard
from onetrainer_web.api.sessions import Sessions
from onetrainer_web.api.tokens import TokenFileError, TokenTooWeakError, read_or_make_token
from onetrainer_web.settings import Settings


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


@pytest.mark.parametrize("token", ["", None, "a", "fifteen-letters", "with blanks in the middle"])
def test_a_guard_with_a_weak_token_serves_nobody_else(token: str | None, tmp_path: Path) -> None:
    with pytest.raises(TokenTooWeakError):
        Guard(Settings(host="0.0.0.0"), token, Sessions(tmp_path / "sessions", token or ""))
