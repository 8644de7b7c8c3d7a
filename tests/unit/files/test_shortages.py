"""Why something could not be written, in words."""

from pathlib import Path

import pytest

from onetrainer_web.errors import InvalidRequestError
from onetrainer_web.files.shortages import reason_of


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


GONE = FileNotFoundError(2, "No such file or directory", "models/a")
FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("error", "folder", "reason"),
    [
        (_caused(InvalidRequestError("nowhere.png does not exist."), GONE), ".", "nowhere.png does not exist"),
        (GONE, ".", "models/a is missing"),
        (GONE, "gone", "Its folder is gone, with its disk perhaps"),
        (_caused(RuntimeError("I/O error"), FULL), ".", "No space left on device"),
        (RuntimeError('I/O error: No space left on device (os error 28) at path "a"'), ".", "No space left on device"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), ".", "The memory is not enough"),
        (RuntimeError("a\n  b"), ".", "a b"),
        (KeyError(), ".", "KeyError"),
    ],
)
def test_reasons_are_words_that_help(tmp_path: Path, error: Exception, folder: str, reason: str) -> None:
    assert reason_of(error, tmp_path / folder) == reason
