"""Content hashes of picture files, remembered so that unchanged files are not read again at every start."""

import hashlib
import json
import time
from pathlib import Path

from onetrainer_web.config.json_files import write_text_atomically

# A file may change twice within one tick of the file system's clock, the second time unnoticed. What changed this
# recently is hashed but not remembered.
_SETTLED_AFTER_S = 2.0

_Entry = tuple[int, int, str]  # bytes, time of change in ns, sha256


class Fingerprints:
    """SHA-256 of files by path; a remembered hash counts as long as length and time of change are the same."""

    def __init__(self, memory: Path | None) -> None:
        """Start from the file `memory`, if it exists and is whole; None remembers nothing beyond this object."""
        self._memory = memory
        self._entries = _read_entries(memory) if memory else {}
        self._is_changed = False

    def sha256(self, path: Path) -> str:
        """Hash of the file's bytes, as hexadecimal digits.

        Raises:
            OSError: The file cannot be read.
        """
        facts = path.stat()
        name = str(path)
        known = self._entries.get(name)
        if known and known[:2] == (facts.st_size, facts.st_mtime_ns):
            return known[2]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if time.time() - facts.st_mtime > _SETTLED_AFTER_S:
            self._entries[name] = (facts.st_size, facts.st_mtime_ns, digest)
            self._is_changed = True
        return digest

    def save(self) -> None:
        """Write what was learned. Of several runs that save, the last one wins: the others hash again, no more."""
        if self._memory and self._is_changed:
            write_text_atomically(self._memory, json.dumps(self._entries))
            self._is_changed = False


def _read_entries(path: Path) -> dict[str, _Entry]:
    try:
        loaded = json.loads(path.read_bytes())
        return {str(name): (int(size), int(changed), str(digest)) for name, (size, changed, digest) in loaded.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # missing or damaged: it is only a memory, and everything is hashed again
