"""Append-only files of JSON lines: a whole line is the unit of truth.

A reader stops at the last newline, so a line that is still being written, or that a power cut tore, is not seen.
A writer that finds a torn last line starts on a fresh one; readers skip what does not parse.
"""

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from onetrainer_web.files.confined import open_file, reading

READ_BYTES = 4 * 1024 * 1024
"""Read at once, so that a journal of any length needs little memory."""

MAX_LINE_BYTES = 16 * READ_BYTES
"""A longer line is none that a writer wrote, but a hole that a power cut left: it is passed over."""


class LineWriter:
    """Appends whole lines to a file, each in one write, so that processes do not mix their lines."""

    def __init__(self, path: Path) -> None:
        self._file = open_file(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._is_torn = False
        if _ends_torn(path):
            self._append(b"\n")

    def write(self, line: str) -> None:
        """Append `line`, which holds no newline.

        Raises:
            OSError: It cannot be written; readers pass over what stands there of it.
        """
        self._append(b"\n" * self._is_torn + line.encode() + b"\n")

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _append(self, data: bytes) -> None:
        self._is_torn = True
        if os.write(self._file, data) < len(data):  # there was room for a part of it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._is_torn = False


class LineReader:
    """Reads the lines that were added since the last call; a file that does not exist yet has none."""

    def __init__(self, path: Path, offset: int = 0, sought: int = 0) -> None:
        """Begin to read.

        Args:
            path: The file.
            offset: Where to begin, in bytes: behind a line.
            sought: What an earlier reader that stood at `offset` says of itself.
        """
        self.path = path
        self.offset = offset
        """Behind the last line that was yielded: where a later reader can go on."""
        self._sought = sought

    @property
    def sought(self) -> int:
        """Between `offset` and here no line ends: a later reader need not look again until the file is longer."""
        return max(self.offset, self._sought)

    def read(self) -> Iterator[bytes]:
        """The whole lines behind `offset`, without blank ones."""
        while whole := self._read_whole_lines():
            for line in whole.split(b"\n")[:-1]:
                self.offset += len(line) + 1
                if line.strip():
                    yield line

    def _read_whole_lines(self) -> bytes:
        try:
            with reading(self.path) as file:
                if file.seek(0, os.SEEK_END) < self.sought:
                    self._sought = self.offset  # it was cut off
                while found := self._find_ends(file):
                    first, last = found
                    if first - self.offset <= MAX_LINE_BYTES:
                        file.seek(self.offset)
                        return file.read(last - self.offset)
                    self.offset = first
        except FileNotFoundError:
            pass
        return b""

    def _find_ends(self, file: BinaryIO) -> tuple[int, int] | None:
        """Behind the first and the last newline of the next stretch that has one."""
        file.seek(self.sought)
        while chunk := file.read(READ_BYTES):
            start = self.sought
            if b"\n" in chunk:
                return start + chunk.index(b"\n") + 1, start + chunk.rindex(b"\n") + 1
            self._sought = start + len(chunk)
        return None


def _ends_torn(path: Path) -> bool:
    with reading(path) as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"
