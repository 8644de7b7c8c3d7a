"""Reads a stretch of a trainer's log."""

from pathlib import Path

from onetrainer_web.files.confined import NotAFileError, reading
from onetrainer_web.runs.views import LogPage


def read_log(path: Path, offset: int, limit: int) -> LogPage:
    """At most `limit` bytes of the log from `offset` on, cut behind the last whole line where there is one.

    A negative `offset` counts from the end; a log that does not exist yet is empty, and what is no log says so.
    """
    try:
        with reading(path) as file:
            size = file.seek(0, 2)
            start = min(offset, size) if offset >= 0 else max(0, size + offset)
            file.seek(start)
            data = file.read(limit)
    except FileNotFoundError:
        return LogPage(text="", offset=0, next_offset=0, size=0)
    except NotAFileError as error:
        return LogPage(text=f"{path.name} cannot be read: {error.strerror}.", offset=0, next_offset=0, size=0)
    if start + len(data) < size:
        data = data[: data.rfind(b"\n") + 1] or data
    return LogPage(text=data.decode(errors="replace"), offset=start, next_offset=start + len(data), size=size)
