"""What was found out about picture files, remembered so that unchanged ones are not read again at every start."""

import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path

from onetrainer_web.files.json_files import write_text_atomically

# A file may change twice within one tick of the file system's clock, the second time unnoticed. What changed this
# recently is hashed but not remembered.
_SETTLED_AFTER_S = 2.0

_Facts = tuple[int, int, int, int]
_Entry = tuple[_Facts, str]


class FileMemory:
    """What was found out about files; it counts as long as a path leads to the same, unchanged file.

    Several threads may use one: each looks and tells at once, and at worst two find out the same.
    """

    def __init__(self, memory: Path | None) -> None:
        """Start from the file `memory`, if it exists and is whole; None remembers nothing beyond this object."""
        self._memory = memory
        self._entries = _read_entries(memory) if memory else {}
        self._is_changed = False

    def recall(self, path: Path) -> str | None:
        """What is known of a file.

        Raises:
            OSError: It is gone.
        """
        known = self._entries.get(str(path))
        return known[1] if known and known[0] == _facts(path.stat()) else None

    def remember(self, path: Path, found: str, status: os.stat_result | None = None) -> None:
        """Keep what was found out, unless the file has changed just now.

        Args:
            path: The file.
            found: What was found out.
            status: Of the file before it was looked into, where that is known.

        Raises:
            OSError: The file is gone.
        """
        status = status or path.stat()
        if time.time() - max(status.st_mtime, status.st_ctime) > _SETTLED_AFTER_S:
            self._entries[str(path)] = (_facts(status), found)
            self._is_changed = True

    def save(self) -> None:
        """Write what was learned. Of several runs that save, the last one wins: the others find out again, no more."""
        if self._memory and self._is_changed:
            with suppress(OSError):  # it is only a memory
                write_text_atomically(self._memory, json.dumps(dict(self._entries)))  # a copy: threads may go on
                self._is_changed = False


class Fingerprints(FileMemory):
    """SHA-256 of files by path."""

    def knows(self, path: Path) -> bool:
        """Whether a file need not be read for its hash; one that is gone is known to be."""
        try:
            return self.recall(path) is not None
        except OSError:
            return True

    def sha256(self, path: Path) -> str:
        """Hash of the file's bytes, as hexadecimal digits.

        Raises:
            OSError: The file cannot be read.
        """
        if known := self.recall(path):
            return known
        status = path.stat()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self.remember(path, digest, status)
        return digest


def _facts(status: os.stat_result) -> _Facts:
    """What changes when a file does, or when another takes its place.

    Two pictures out of one archive often have the same length and time; those who swap them change neither. The
    file's own number, or the time at which its entry was changed (on Windows: made), tells them apart.
    """
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _read_entries(path: Path) -> dict[str, _Entry]:
    try:
        loaded = json.loads(path.read_bytes())
        return {str(name): (_four(facts), str(digest)) for name, (facts, digest) in loaded.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # missing, damaged or of an older version: it is only a memory, and everything is hashed again


def _four(facts: list[int]) -> _Facts:
    size, changed, entry_changed, number = facts
    return int(size), int(changed), int(entry_changed), int(number)
