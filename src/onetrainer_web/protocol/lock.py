"""The lock that a trainer holds as long as it lives: locked means alive, free means not.

On Linux and macOS the lock belongs to an open file, not to a process. A launcher takes it, hands the open file to the
trainer it starts and closes its own, so that there is no moment in which a launched run looks dead. Windows has no
such inheritance: there the trainer takes the lock as its first act.
"""

import os
import sys
import time
from pathlib import Path

from filelock import FileLock, Timeout

from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.files.confined import open_file

CAN_INHERIT = sys.platform != "win32"
LOCK_DESCRIPTOR_VARIABLE = "ONETRAINER_WEB_LOCK_DESCRIPTOR"
"""Environment variable by which a launcher tells the trainer the number of the inherited open file."""

PROBE_PATIENCE_S = 2.0
"""How long to wait for a lock that may be held for a moment by somebody who only asks whether it is held."""


class RunBusyError(OneTrainerWebError):
    """Another trainer process works in this run folder."""

    status = 400

    def __init__(self, path: Path) -> None:
        super().__init__(f"Another trainer is at work in {path.parent}; stop it first.")


def is_held(path: Path) -> bool:
    """Whether a process holds the lock `path`."""
    return _is_flocked(path) if sys.platform != "win32" else path.exists() and _is_locked(path)


def _is_flocked(path: Path) -> bool:
    """POSIX: ask for a shared lock, so that two who ask at the same time do not take each other for the holder."""
    import fcntl

    try:
        descriptor = open_file(path)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _is_locked(path: Path) -> bool:
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        return True
    lock.release()
    return False


class HeldLock:
    """A lock held by this process until it ends, or until `release`."""

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Raises:
            RunBusyError: Another process holds it.
        """
        self.descriptor: int | None = None
        """The open file that the lock belongs to, where a child can inherit it."""
        self._lock: FileLock | None = None
        if CAN_INHERIT:
            inherited = _inherited_descriptor()
            self.descriptor = take_for_child(path) if inherited is None else inherited
            return
        self._lock = FileLock(path)
        try:
            self._lock.acquire(timeout=PROBE_PATIENCE_S)
        except Timeout as error:
            raise RunBusyError(path) from error

    def release(self) -> None:
        """Give the lock up."""
        if self._lock:
            self._lock.release()
        elif self.descriptor is not None:
            os.close(self.descriptor)


def _inherited_descriptor() -> int | None:
    value = os.environ.pop(LOCK_DESCRIPTOR_VARIABLE, None)
    if value is None:
        return None
    descriptor = int(value)
    os.set_inheritable(descriptor, False)  # a program the trainer starts must not keep the run alive
    return descriptor


def take_for_child(path: Path) -> int:
    """Take the lock on an open file to be handed to a child process; POSIX only.

    Returns:
        The descriptor: pass it on with `pass_fds` and LOCK_DESCRIPTOR_VARIABLE, then close it here.

    Raises:
        RunBusyError: Another process holds it.
    """
    import fcntl

    descriptor = open_file(path, os.O_RDWR | os.O_CREAT)
    deadline = time.monotonic() + PROBE_PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise RunBusyError(path) from error
            time.sleep(0.02)
