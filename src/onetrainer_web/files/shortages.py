"""What a machine runs short of, in words: room on a disk, the right to write to it, the disk itself, memory."""

import errno
import os
import re
from pathlib import Path

from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.files.confined import open_file

_FEW_INODES = 100
_NO_MEMORY = (
    "out of memory",
    "allocate memory",
    "bad_alloc",
    "failed to map segment",
    "start new thread",
    "could not create a primitive",  # oneDNN's word where it gets none for the code of a layer
)
"""In what libraries and the system say when they get none."""


def trouble_of(file: Path) -> str | None:
    """Why nothing can be added to a file now, such as "its disk is full"; None where nothing is known of."""
    try:
        os.close(open_file(file, os.O_WRONLY | os.O_APPEND))
    except OSError as error:
        return "its disk is read-only" if error.errno == errno.EROFS else None
    if not hasattr(os, "statvfs"):  # Windows
        return None
    disk = os.statvfs(file)
    return "its disk is full" if disk.f_blocks and not disk.f_bavail else None


def reason_of(error: BaseException, folder: Path) -> str:
    """Why something could not be done with files of a folder: our own words, else the system's, else a library's.

    One sentence without its full stop.
    """
    if isinstance(error, OneTrainerWebError):
        return str(error).removesuffix(".")
    if is_out_of_memory(error):
        return "The memory is not enough"
    cause = next(
        (each for each in _chain(error) if isinstance(each, OSError) and each.strerror), _in_words_of_rust(error)
    )
    if cause is None:
        return " ".join(str(error).split()) or type(error).__name__
    if cause.errno == errno.ENOENT:
        return f"{cause.filename} is missing" if folder.exists() else "Its folder is gone, with its disk perhaps"
    lacks_inodes = cause.errno == errno.ENOSPC and _lacks_inodes(folder)
    return f"{cause.strerror}{' (no inodes)' if lacks_inodes else ''}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory, of the machine or of a GPU."""
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.ENOMEM:
        return True
    return any(words in str(error).lower() for words in _NO_MEMORY)


def _chain(error: BaseException | None) -> list[BaseException]:
    return [error, *_chain(error.__cause__ or error.__context__)] if error else []


def _in_words_of_rust(error: BaseException) -> OSError | None:
    """What the system said to a library in Rust, such as safetensors, which passes on no more than the text."""
    code = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(code[1]), os.strerror(int(code[1]))) if code else None


def _lacks_inodes(folder: Path) -> bool:
    """Whether files are too many rather than too large: behind a failure, a few may have been taken away again."""
    if not hasattr(os, "statvfs"):
        return False
    there = next(place for place in (folder, *folder.parents) if place.exists())
    disk = os.statvfs(there)
    return disk.f_files > 0 and disk.f_favail < _FEW_INODES
