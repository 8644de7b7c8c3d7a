"""The one place where a path that came out of a file, an event or a request is followed, confined and opened.

Folders of runs, data sets and configurations may come from anywhere. What they name may lead anywhere (`..`, absolute
paths, links), and what lies in them need not be a file: whoever opens a pipe waits for ever.
"""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

MayRead = Callable[[Path], bool]
"""Whether a file or folder, by its resolved path, may be read."""

_CAREFULLY = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)


class NotAFileError(OSError):
    """What has the name of a file is a link, a folder, a pipe or a device."""

    def __init__(self, path: Path) -> None:
        what = "a link" if path.is_symlink() else "no regular file"
        super().__init__(errno.EINVAL, f"it is {what}", str(path))


def readable(path: Path | str) -> str:
    """A path or its last part as text that can be written anywhere.

    A name from another machine may hold bytes that are no UTF-8; Python keeps them as halves of characters, which no
    JSON can hold. They are written as `\\udc` and their digits.
    """
    return str(path).encode(errors="backslashreplace").decode()


def confine(path: Path, *roots: Path) -> Path | None:
    """Where `path` leads, links followed; None outside `roots` and for what is not there or no file can be called.

    Args:
        path: Absolute, whatever it holds.
        roots: Folders, resolved.
    """
    try:
        found = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):  # not there, too long, links in a circle, a null character
        return None
    return found if any(found.is_relative_to(root) for root in roots) else None


def stays(path: Path, may_read: MayRead) -> bool:
    """Whether a path is a file or folder of its own, or a link to one that may be read."""
    try:
        own = path.lstat().st_mode
        if stat.S_ISLNK(own):
            target = path.resolve(strict=True)
            return may_read(target) and (target.is_file() or target.is_dir())
    except (OSError, RuntimeError):  # gone, or links in a circle
        return False
    return stat.S_ISREG(own) or stat.S_ISDIR(own)


def everything(_path: Path) -> bool:
    """Nothing is held back: for what is one's own machine."""
    return True


def open_file(path: Path, flags: int = os.O_RDONLY, mode: int = 0o666, *, follow: bool = False) -> int:
    """A descriptor of a regular file, as `os.open` gives it, without waiting for the other end of a pipe.

    Args:
        path: The file; its folder is trusted.
        flags: As for `os.open`.
        mode: Permissions of a file that is made, less the umask.
        follow: Whether it may be a link: for files that people put there for the server itself.

    Raises:
        NotAFileError: It is a link or no regular file.
        OSError: It cannot be opened.
    """
    if not follow and not _NO_LINK and path.is_symlink():
        raise NotAFileError(path)
    try:
        descriptor = os.open(path, flags | _CAREFULLY | (0 if follow else _NO_LINK), mode)
    except OSError as error:
        # A link, a folder to be written, a pipe that nobody reads, a socket.
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO):
            raise NotAFileError(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFileError(path)
    return descriptor


def reading(path: Path, *, follow: bool = False) -> BinaryIO:
    """A regular file, open for reading.

    Raises:
        NotAFileError: It is a link (unless `follow`) or no regular file.
        OSError: It cannot be opened.
    """
    return os.fdopen(open_file(path, follow=follow), "rb")


def read_file(path: Path, *, follow: bool = False) -> bytes:
    """The content of a regular file; fails as `reading` does."""
    with reading(path, follow=follow) as file:
        return file.read()


def files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """All regular files in a folder and the folders in it; links are passed over, and what vanishes meanwhile."""
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            try:
                facts = path.lstat()
            except FileNotFoundError:
                continue
            if stat.S_ISREG(facts.st_mode):
                yield path, facts


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; what else it may be takes none.

    Raises:
        FileNotFoundError: There is nothing of this name.
    """
    facts = path.lstat()
    if stat.S_ISDIR(facts.st_mode):
        return sum(file.st_size for _, file in files_below(path))
    return facts.st_size if stat.S_ISREG(facts.st_mode) else 0


def remove(path: Path) -> int:
    """Delete what is there: a file, a folder with all that is in it, or a link, whose target stays.

    Returns:
        The bytes that it took.
    """
    if not os.path.lexists(path):
        return 0
    size = size_of(path)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    return size
