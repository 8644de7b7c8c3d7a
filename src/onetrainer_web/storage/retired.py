"""Numbers of deleted samples: the one thing about samples that no run folder can say any more.

They are kept beside the index, so that a rebuilt index gives every sample the number it had.
"""

import json
import logging
from collections.abc import Collection
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from onetrainer_web.files.json_files import write_text_atomically

LOGGER = logging.getLogger(__name__)
_NUMBERS = TypeAdapter(set[int])


class RetiredNumbers:
    """The numbers that are never given again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._numbers = _read(path)
        self._is_written = True

    def __contains__(self, number: int) -> bool:
        return number in self._numbers

    def add(self, numbers: Collection[int]) -> None:
        """Retire `numbers`, for good; a disk that is full then is tried again the next time."""
        if self._is_written and self._numbers.issuperset(numbers):
            return
        self._numbers |= set(numbers)
        try:
            write_text_atomically(self._path, json.dumps(sorted(self._numbers)))  # of any size, and read as such
            self._is_written = True
        except OSError as error:  # deleting makes room: it must not fail for want of it
            self._is_written = False
            LOGGER.warning(
                "%s cannot be written (%s); numbers of deleted samples may be given again.", self._path, error
            )


def _read(path: Path) -> set[int]:
    try:
        return _NUMBERS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return set()
    except (OSError, ValidationError) as error:
        LOGGER.warning("%s cannot be read (%s); numbers of deleted samples may be given again.", path, error)
        return set()
