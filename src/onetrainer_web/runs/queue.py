"""The order of the waiting runs, and whether they are held back; kept in queue.json.

Which runs wait, their folders say; this file only says in which order, so that it can be lost without losing a run.
"""

import logging
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from onetrainer_web.files.confined import read_file
from onetrainer_web.files.json_files import write_json_atomically

LOGGER = logging.getLogger(__name__)


class QueueFile(BaseModel):
    """The content of queue.json."""

    paused: bool = False
    """Whether waiting runs are held back."""
    order: list[str] = Field(default_factory=list[str])
    """Runs that were put in order by hand; all others follow by creation."""
    immediate: list[str] = Field(default_factory=list[str])
    """Runs that start before all others, even while the queue is paused: somebody waits for them."""


class Queue:
    """The queue of a workspace; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._file = _read(path)
        self.version = 0
        """Grows with every change."""

    @property
    def paused(self) -> bool:
        """Whether waiting runs are held back."""
        return self._file.paused

    def sort(self, waiting: Collection[str]) -> list[str]:
        """The ids of waiting runs in their order, next one first. Run ids sort by creation."""
        ranks = {run_id: rank for rank, run_id in enumerate([*self._file.immediate, *self._file.order])}
        return sorted(waiting, key=lambda run_id: (ranks.get(run_id, len(ranks)), run_id))

    def may_start(self, run_id: str) -> bool:
        """Whether a waiting run is not held back by a pause."""
        return not self._file.paused or run_id in self._file.immediate

    def set_paused(self, paused: bool) -> None:
        """Hold waiting runs back, or let them go on."""
        with self._lock:
            self._write(paused=paused)

    def set_order(self, run_ids: Sequence[str]) -> None:
        """Put these runs first, in this order."""
        with self._lock:
            self._write(order=list(run_ids))

    def add_immediate(self, run_id: str) -> None:
        """Let this run start before all others, even while the queue is paused."""
        with self._lock:
            self._write(immediate=[*self._file.immediate, run_id])

    def discard(self, run_id: str) -> None:
        """Forget a run that waits no more."""
        with self._lock:
            if run_id in self._file.immediate or run_id in self._file.order:
                self._write(
                    immediate=[known for known in self._file.immediate if known != run_id],
                    order=[known for known in self._file.order if known != run_id],
                )

    def _write(self, **changes: object) -> None:
        self._file = self._file.model_copy(update=changes)
        self.version += 1
        write_json_atomically(self._path, self._file.model_dump())


def _read(path: Path) -> QueueFile:
    try:
        return QueueFile.model_validate_json(read_file(path, follow=True))
    except FileNotFoundError:
        return QueueFile()
    except (OSError, ValidationError):
        LOGGER.warning("%s cannot be read, so the queue is paused; let it go on, and it is written anew.", path)
        return QueueFile(paused=True)  # as it may have been: nothing starts that somebody held back
