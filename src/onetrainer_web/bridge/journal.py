"""The run folder's files as this side of the protocol needs them: whole lines of JSON, and the lock."""

import json
import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

LOCK_DESCRIPTOR_VARIABLE = "ONETRAINER_WEB_LOCK_DESCRIPTOR"
LOCK_PATIENCE_S = 2.0
END_EVENTS = ("completed", "stopped", "failed")
DURABLE_EVENTS = (*END_EVENTS, "started", "backup", "save")
"""What others act on after a power cut is flushed to the disk at once."""


class LockHeldError(Exception):
    """Another trainer works on the run."""


class Lines:
    """The whole lines of a file that were added since the last look; those that are no JSON objects are left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def read(self) -> Iterator[dict[str, Any]]:
        """The new lines; a file that does not exist yet has none."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                yield value


class Journal:
    """events.jsonl: numbers events and appends them; safe from any thread, and silent after an end.

    What cannot be written, as on a full disk, is held and comes before the next event that can.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._is_ended = False
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        size = os.fstat(self._file).st_size
        with path.open("rb") as file:
            file.seek(max(0, size - 1))
            if file.read(1) not in (b"", b"\n"):
                os.write(self._file, b"\n")  # ends a line that a power cut tore
        self._held: list[bytes] = []
        self._is_torn = False
        self.history = list(Lines(path).read())
        """The events so far."""
        self._seq = max((int(event.get("seq", 0)) for event in self.history), default=0)

    def write(self, event_type: str, **values: Any) -> None:
        """Append an event."""
        with self._lock:
            if self._is_ended:
                return
            self._seq += 1
            now = datetime.now(timezone.utc).isoformat()
            line = json.dumps({"type": event_type, "seq": self._seq, "time": now, **values}, allow_nan=False)
            self._held.append(line.encode() + b"\n")
            self._is_ended = event_type in END_EVENTS
            with suppress(OSError):
                self._write_held()
                if event_type in DURABLE_EVENTS:
                    os.fsync(self._file)

    def _write_held(self) -> None:
        while self._held:
            data = b"\n" * self._is_torn + self._held[0]
            self._is_torn = True
            if os.write(self._file, data) < len(data):  # there was room for a part of it
                return
            self._is_torn = False
            del self._held[0]

    def warn(self, message: str) -> None:
        """Say something that a person should know, in the log too."""
        self.write("warning", message=message)
        say(message)


def say(text: str) -> None:
    """A line for the log, which a full disk may not take."""
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def finite(value: float) -> float | None:
    """A measured number as JSON can hold it."""
    return value if math.isfinite(value) else None


def hold_lock(path: Path) -> None:
    """Hold the run's lock until this process ends: the one handed over by the launcher, else a new one.

    Raises:
        LockHeldError: Another process holds it.
    """
    inherited = os.environ.pop(LOCK_DESCRIPTOR_VARIABLE, None)
    if inherited is not None:
        os.set_inheritable(int(inherited), False)  # a program that is started from here must not keep the run alive
        return
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + LOCK_PATIENCE_S
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise LockHeldError(f"Another trainer is at work in {path.parent}; stop it first.")
        time.sleep(0.02)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
