"""Append-only files of JSON lines: a whole line is the unit of truth.

A reader stops at the last newline, so a line that is still being written, or that a power cut tore, is not seen.
A writer that finds a torn last line starts on a fresh one; readers skip what does not parse.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from onetrainer_web.config.confined import open_file, reading

READ_BYTES = 4 * 1024 * 1024
"""Read at once, so that a journal of any length needs little memory; a longer line is read whole nevertheless."""


class LineWriter:
    """Appends whole lines to a file, each in one write, so that processes do not mix their lines."""

    def __init__(self, path: Path) -> None:
        self._file = open_file(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        if _ends_torn(path):
            os.write(self._file, b"\n")

    def write(self, line: str) -> None:
        """Append `line`, which holds no newline."""
        os.write(self._file, line.encode() + b"\n")

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        os.fsync(self._file)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class LineReader:
    """Reads the lines that were added since the last call; a file that does not exist yet has none."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        """Behind the last line that was yielded: where a later reader can go on."""

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
                file.seek(self.offset)
                data = b""
                while chunk := file.read(READ_BYTES):
                    data += chunk
                    if b"\n" in chunk:
                        break
        except FileNotFoundError:
            return b""
        return data[: data.rfind(b"\n") + 1]


def _ends_torn(path: Path) -> bool:
    with reading(path) as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"
