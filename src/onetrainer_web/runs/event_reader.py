"""Follows the files of all runs: what they say goes into the index and to the listeners.

A run belongs to no server: what a command line, another program or a person does to a run folder is found as well.
Active runs are looked at every time, all others when their files have grown.
"""

import logging
import threading
import time
from collections.abc import Iterable

from onetrainer_web.errors import RunNotFoundError
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunFolderError
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.announcer import Announcer
from onetrainer_web.runs.tracked_run import Reading, TrackedRun, discover, read_on, recall
from onetrainer_web.storage.index import RunIndex

LOGGER = logging.getLogger(__name__)

SCAN_INTERVAL_S = 0.5
"""Between two looks at runs that are not active."""


class EventReader:
    """All runs of a workspace, as far as their files have been read."""

    def __init__(self, workspace: Workspace, index: RunIndex, announcer: Announcer) -> None:
        self.lock = threading.RLock()
        """Hold it to keep runs from being read, launched or deleted in between."""
        self._workspace = workspace
        self._index = index
        self._announcer = announcer
        self._runs = {row.header.id: recall(workspace.run_folder(row.header.id), row) for row in index.runs()}
        self._unreadable: set[str] = set()
        self._next_scan = 0.0

    def runs(self) -> list[TrackedRun]:
        """All runs, oldest first."""
        with self.lock:
            return [self._runs[run_id] for run_id in sorted(self._runs)]

    def run(self, run_id: str) -> TrackedRun:
        """One run.

        Raises:
            RunNotFoundError: There is none with this id.
        """
        try:
            return self._runs[run_id]
        except KeyError:
            raise RunNotFoundError(run_id) from None

    def can_follow(self, run: TrackedRun) -> bool:
        """Whether the files of a run could be read the last time."""
        return run.id not in self._unreadable

    def poll(self) -> None:
        """Read what is new in active runs, and every half second in all others."""
        with self.lock:
            is_scan = time.monotonic() >= self._next_scan
            if is_scan:
                self._next_scan = time.monotonic() + SCAN_INTERVAL_S
                self._notice_folders()
            active = [run_id for run_id, run in self._runs.items() if run.state.status.is_active]
            self._read([run for run in self._runs.values() if _is_due(run, is_scan=is_scan)])
            for run_id in active:  # also of those that have just ended, for their last words
                self._announcer.tell_log(self._runs[run_id])

    def refresh(self, run_id: str) -> TrackedRun:
        """Read what is new in one run, now.

        Raises:
            RunNotFoundError: There is no such run.
        """
        with self.lock:
            if run_id not in self._runs:
                self._notice_folders()
            self._read([self.run(run_id)])
            return self._runs[run_id]

    def forget(self, run_id: str) -> None:
        """Take a run that is deleted out of the index."""
        with self.lock:
            self._index.delete_run(run_id)
            del self._runs[run_id]
            self._announcer.tell_deleted(run_id)

    def _notice_folders(self) -> None:
        folders = {folder.run_id: folder for folder in self._workspace.run_folders()}
        for run_id in self._runs.keys() - folders.keys():
            self.forget(run_id)
        for run_id in folders.keys() - self._runs.keys():
            try:
                self._runs[run_id] = discover(folders[run_id])
            except RunFolderError as error:
                self._complain(run_id, error)

    def _read(self, runs: Iterable[TrackedRun]) -> None:
        changed = [reading for run in runs if (reading := self._read_one(run)) and reading.run != run]
        if not changed:
            return
        samples = self._index.apply([reading.update for reading in changed])
        for reading in changed:
            self._runs[reading.run.id] = reading.run
        self._announce(changed)
        self._announcer.tell_samples(self._workspace, samples)

    def _read_one(self, run: TrackedRun) -> Reading | None:
        """One folder that cannot be read must not leave all other runs without a supervisor."""
        try:
            reading = read_on(run)
        except OSError as error:
            self._complain(run.id, error)
            if not run.is_known:
                del self._runs[run.id]
            return None
        self._unreadable.discard(run.id)
        return reading

    def _complain(self, run_id: str, error: Exception) -> None:
        if run_id not in self._unreadable:
            LOGGER.warning("The run %s cannot be followed: %s", run_id, error)
            self._unreadable.add(run_id)

    def _announce(self, readings: list[Reading]) -> None:
        for reading in readings:
            self._announcer.tell_run(reading.run)
            self._announcer.tell_events(reading.run, reading.events)


def _is_due(run: TrackedRun, *, is_scan: bool) -> bool:
    if run.state.status.is_active:
        return run.has_changed or not is_held(run.folder.lock)
    # A waiting run may be taken up by hand, which only its lock tells at first.
    return is_scan and (run.has_changed or (run.state.status is RunStatus.QUEUED and is_held(run.folder.lock)))
