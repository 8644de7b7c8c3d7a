"""Where each rank stands, for its parent to read: ranks that wait for each other at different places wait for ever.

A diary is a small file in memory, written before and behind each thing that ranks do together.
"""

import mmap
import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_FORMAT = struct.Struct("<QI?63p")


@dataclass(frozen=True)
class Stand:
    """Where a rank is."""

    count: int = 0
    """Things that it has done together with others, or begun to."""
    digest: int = 0
    """Of all their names, in their order."""
    is_waiting: bool = False
    """Whether it waits for others."""
    place: str = ""
    """Name of the last one."""

    @classmethod
    def read(cls, path: Path) -> "Stand":
        """Where a rank stands; nowhere yet without a diary."""
        try:
            count, digest, is_waiting, place = _FORMAT.unpack(path.read_bytes()[: _FORMAT.size])
        except (FileNotFoundError, struct.error):
            return cls()
        return cls(count, digest, is_waiting, place.decode("ascii", "replace"))


class Diary:
    """The pen of one rank."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(_FORMAT.size))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _FORMAT.size)
        self._count = 0
        self.digest = 0
        """Of the names of all places so far."""
        self.place = ""
        """The last one."""

    def enter(self, place: str) -> None:
        """Begin something together with the others."""
        self._count += 1
        self.digest = zlib.crc32(place.encode(), self.digest)
        self.place = place
        self._write(is_waiting=False)

    @contextmanager
    def waiting(self) -> Generator[None]:
        """While the others are waited for."""
        self._write(is_waiting=True)
        yield  # an error leaves it so: this rank has no more to do than to end
        self._write(is_waiting=False)

    def _write(self, *, is_waiting: bool) -> None:
        _FORMAT.pack_into(self._memory, 0, self._count, self.digest, is_waiting, self.place.encode()[:62])
