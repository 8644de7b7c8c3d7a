"""The one place where single files are replaced so that a reader sees the old one or the new one, never a part."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

UNFINISHED = ".writing."
"""How the names of files begin that are being written; the end of their process leaves them behind."""


@contextmanager
def replacing_file(path: Path, *, mode: int = 0o644, is_durable: bool = False) -> Generator[BinaryIO]:
    """A binary file to write; it takes the name `path` when the block ends without an error, else it is removed.

    Args:
        path: The file to make or replace; its folder is made when missing.
        mode: Permissions of the file.
        is_durable: Whether the content must lie on the disk before the file takes its name, to survive a power cut.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if is_durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
