"""The one place where single files are replaced so that a reader sees the old one or the new one, never a part.

A writer that is killed leaves what it was writing behind, under a name by which it is found and removed.
"""

import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from onetrainer_web.files.confined import remove

_PREFIX = ".writing."
_SUFFIX = ".writing"


@contextmanager
def replacing_file(path: Path, *, mode: int = 0o666, is_durable: bool = False) -> Generator[BinaryIO]:
    """A binary file to write; it takes the name `path` when the block ends without an error, else it is removed.

    Args:
        path: The file to make or replace; its folder is made when missing.
        mode: Permissions of the file, from which the process's umask takes as usual.
        is_durable: Whether the content must lie on the disk before the file takes its name, to survive a power cut.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{_PREFIX}{secrets.token_hex(8)}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):  # of a disk that is going
            temporary.unlink(missing_ok=True)
        raise


def unfinished(target: Path, writer: str = "") -> Path:
    """Where the one writer of a file or folder writes it before it takes its name; `writer` tells it from others."""
    return target.with_name(f".{target.name}{writer and f'.{writer}'}{_SUFFIX}")


def remove_unfinished(folder: Path, has_ended: Callable[[str], bool] | None = None) -> None:
    """Remove what writers have left in `folder` and below.

    Args:
        folder: Where to look.
        has_ended: Tells it of a writer by its name; None where it is known that all have ended.
    """
    for parent, folders, files in os.walk(folder):
        left = [name for name in [*folders, *files] if _is_left(name, has_ended)]
        for name in left:
            remove(Path(parent, name))
        folders[:] = [name for name in folders if name not in left]


def _is_left(name: str, has_ended: Callable[[str], bool] | None) -> bool:
    is_named = name.startswith(".") and name.endswith(_SUFFIX)
    if has_ended is None:
        return is_named or name.startswith(_PREFIX)
    return is_named and has_ended(name.removesuffix(_SUFFIX).rpartition(".")[2])
