"""What differs between operating systems when a trainer is started, found and ended.

Linux and macOS: a trainer is the leader of its own session, inherits its lock, and is ended by SIGINT, SIGTERM and
SIGKILL. Windows: it gets its own process group without a window and takes its lock itself; a process without a common
console cannot be interrupted there, so both SIGTERM and SIGKILL mean TerminateProcess and SIGINT does nothing.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from onetrainer_web.files.confined import open_file
from onetrainer_web.protocol.commands import Killed, append_command
from onetrainer_web.protocol.lock import LOCK_DESCRIPTOR_VARIABLE, is_held
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.runs.executors import Job, Urgency

LOCK_PATIENCE_S = 30.0
"""Windows: how long a new trainer may take to hold its lock."""


def start_detached(job: Job, lock_descriptor: int | None) -> int:
    """Start a trainer as a process; see `Executor.start`."""
    inherited = () if lock_descriptor is None else (lock_descriptor,)
    extra = {} if lock_descriptor is None else {LOCK_DESCRIPTOR_VARIABLE: str(lock_descriptor)}
    with open(open_file(job.folder.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as log:
        process = subprocess.Popen(
            list(job.command),
            cwd=job.working_folder,
            env={**job.environment, **extra},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=inherited,
            creationflags=_creation_flags(),
        )
    held = None if lock_descriptor is None else os.dup(lock_descriptor)
    threading.Thread(
        target=_see_off, args=(process, job.folder, held), name=f"end of {process.pid}", daemon=True
    ).start()
    if lock_descriptor is None:
        _wait_for_lock(process, job.folder)
    return process.pid


def _see_off(process: "subprocess.Popen[bytes]", folder: RunFolder, lock_descriptor: int | None) -> None:
    """Wait for a trainer and write down what signal has ended it, before its lock falls free and its run is judged."""
    code = process.wait()
    if code < 0:
        with suppress(OSError):  # of a disk that cannot be written
            append_command(folder.commands, Killed(signal=signal.Signals(-code).name))
    if lock_descriptor is not None:
        os.close(lock_descriptor)


def find_trainer(folder: RunFolder, pid: int | None, command: Sequence[str]) -> psutil.Process | None:
    """The living trainer of a run, if it can be told with certainty.

    Args:
        folder: The run.
        pid: What the trainer said about itself; None when it has not come so far.
        command: How this server would start it, for trainers that have said nothing yet.
    """
    if not is_held(folder.lock):
        return unlocked_trainer(folder, pid)
    return _said_to_be(folder, pid) or next(
        (process for process in _processes() if _arguments(process)[1:] == list(command[1:])), None
    )


def unlocked_trainer(folder: RunFolder, pid: int | None) -> psutil.Process | None:
    """The living trainer of a run whose lock somebody deleted: it said so, and its output goes into the run's log."""
    process = _said_to_be(folder, pid)
    with suppress(psutil.Error):
        if process and any(Path(file.path) == folder.log for file in process.open_files()):
            return process
    return None


def _said_to_be(folder: RunFolder, pid: int | None) -> psutil.Process | None:
    """The process that said it is the trainer of a run; ids are used again, so it must name the run's folder."""
    if pid is None or not psutil.pid_exists(pid):
        return None
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if _names_folder(process, folder.path):
            return process
    return None


def send(process: psutil.Process, urgency: Urgency) -> None:
    """Tell a trainer to end; one that is gone already is no error."""
    with suppress(psutil.NoSuchProcess):
        if urgency is Urgency.KILL:
            # Its helpers have inherited its files and could hold the lock on.
            for child in process.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            process.kill()
        elif urgency is Urgency.TERMINATE:
            process.terminate()
        elif sys.platform != "win32":
            process.send_signal(signal.SIGINT)


def _creation_flags() -> int:
    if sys.platform != "win32":
        return 0
    return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW


def _wait_for_lock(process: "subprocess.Popen[bytes]", folder: RunFolder) -> None:
    """Until the trainer holds its lock, nobody can tell it from one that is gone."""
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while process.poll() is None and not is_held(folder.lock) and time.monotonic() < deadline:
        time.sleep(0.02)


def _names_folder(process: psutil.Process, folder: Path) -> bool:
    working_folder = Path(process.cwd())
    return any((working_folder / argument).resolve() == folder for argument in process.cmdline()[1:])


def _processes() -> Iterator[psutil.Process]:
    return (process for process in psutil.process_iter() if process.pid != os.getpid())


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
