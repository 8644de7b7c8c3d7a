"""Follows the files of all runs: what they say goes into the index and to the listeners.

A run belongs to no server: what a command line, another program or a person does to a run folder is found as well.
Active runs and new folders are looked at every time, all others now and then, when their files have grown.
"""

import hashlib
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from onetrainer_web.errors import OneTrainerWebError, RunNotFoundError
from onetrainer_web.files.confined import readable
from onetrainer_web.protocol.pace import Durations
from onetrainer_web.protocol.run_folder import RunFolderError
from onetrainer_web.protocol.state import Fold, RunStatus
from onetrainer_web.protocol.workspace import Workspace, fits_run_id
from onetrainer_web.runs.announcer import Announcer
from onetrainer_web.runs.errors import WorkspaceGoneError
from onetrainer_web.runs.executors import Executor
from onetrainer_web.runs.on_end import OnEnd
from onetrainer_web.runs.tracked_run import UNREAD, Reading, TrackedRun, discover, read_on, recall
from onetrainer_web.runs.views import UnreadableFolder
from onetrainer_web.storage.index import IndexDamagedError, IndexWriteError, RunIndex
from onetrainer_web.storage.rows import RunHeader, SampleRow

LOGGER = logging.getLogger(__name__)

SCAN_INTERVAL_S = 0.5
"""Between two looks at runs that are not active, or three hundred times as long as one takes."""

SLICE_S = 0.1
"""Reading gives others a turn after this time; what is left is read next."""

LOAD_S = 0.1
"""The same before a server answers for the first time: how the newest runs stand, it then knows."""


class EventReader:
    """All runs of a workspace, as far as their files have been read."""

    def __init__(
        self,
        workspace: Workspace,
        index: RunIndex,
        announcer: Announcer,
        executor: Executor,
        on_end: OnEnd | None = None,
    ) -> None:
        self.lock = threading.RLock()
        """Hold it to keep runs from being read, launched or deleted in between."""
        self._workspace = workspace
        self._index = index
        self._announcer = announcer
        self._executor = executor
        self._on_end = on_end or OnEnd()
        self._runs: dict[str, TrackedRun] = {}
        self._live: set[str] = set()
        self._unreadable: dict[str, str] = {}
        self._next_scan = 0.0
        self._folders_seen = 0
        """When a folder last came or went among those that were noticed, as the disk says it."""
        self._long: set[str] = set()
        self._last_training: list[TrackedRun | None] | None = None
        """The answer to that question, as long as no run that has ended changes."""
        self.has_all = False
        """Whether each run has been read at least once since its files changed, if not to the end."""
        self.version = 0
        """Grows with every change of a run."""

    @property
    def is_behind(self) -> bool:
        """Whether something is left to be read now."""
        return not self.has_all or bool(self._long)

    def runs(self) -> list[TrackedRun]:
        """All runs, oldest first."""
        with self.lock:
            return [self._runs[run_id] for run_id in sorted(self._runs)]

    def live_runs(self) -> list[TrackedRun]:
        """The runs that wait or whose trainer lives, oldest first."""
        with self.lock:
            return [self._runs[run_id] for run_id in sorted(self._live)]

    def last_training(self) -> TrackedRun | None:
        """The training run that was started last among those that have ended, if any."""
        with self.lock:
            if self._last_training is None:
                ended = (run for run in self._runs.values() if run.state.status.is_resumable)
                training = (run for run in ended if run.header.task.is_training)
                self._last_training = [max(training, key=lambda run: run.recency, default=None)]
            return self._last_training[0]

    def run(self, run_id: str) -> TrackedRun:
        """One run.

        Raises:
            RunNotFoundError: There is none with this id.
        """
        try:
            return self._runs[run_id]
        except KeyError:
            raise RunNotFoundError(run_id) from None

    def unreadable(self) -> list[UnreadableFolder]:
        """What lies among the runs and cannot be read as one, by name."""
        with self.lock:
            return [_unreadable(name, reason) for name, reason in sorted(self._unreadable.items())]

    def odd_name(self, run_id: str) -> str | None:
        """The name of the folder that is listed as unreadable under an id and is no run; None when there is none."""
        with self.lock:
            return next((name for name in self._unreadable.keys() - self._runs.keys() if _id(name) == run_id), None)

    def is_read(self, run: TrackedRun) -> bool:
        """Whether the journal of a run was read to its end the last time."""
        return run.id not in self._long

    def can_follow(self, run: TrackedRun) -> bool:
        """Whether the files of a run could be read the last time."""
        return run.id not in self._unreadable

    def load(self) -> None:
        """Take up all runs as the index knows them, and read what has been added since.

        Nobody is told, but of the runs that ended while no server was there.
        """
        with self.lock:
            try:
                known = self._index.runs()
            except IndexDamagedError as error:
                self._rebuild(error)
                known = []
            for row in known:
                self._keep(recall(self._workspace.run_folder(row.header.id), row, self._executor.devices()))
            self._write(self._read(self._due(), LOAD_S))

    def poll(self) -> None:
        """Read what is new in active runs and new folders, and now and then in all others.

        Raises:
            IndexWriteError: How the runs stand is known all the same; what happened in them is read again next time.
            WorkspaceGoneError: There is nothing to be read; what is known of the runs stays known.
        """
        with self.lock:
            try:
                self._poll()
            except IndexDamagedError as error:
                self._rebuild(error)
                self._poll()

    def _poll(self) -> None:
        if not self._workspace.runs.is_dir():  # its runs are not deleted, but nowhere to be seen
            raise WorkspaceGoneError(self._workspace.folder)
        if self._index.is_damaged:
            self._rebuild("somebody asked for what cannot be read")
        active = [run for run in self.live_runs() if run.state.status.is_active]
        started = time.monotonic()
        if started >= self._next_scan or self.is_behind:
            self._follow(self._due())
            self._next_scan = time.monotonic() + max(SCAN_INTERVAL_S, 300 * (time.monotonic() - started))
        else:
            new = self._notice_folders() if self._folders_seen != _changed_ns(self._workspace.runs) else []
            self._follow([*(run.id for run in active if self._has_changed(run)), *new])
        for run in active:  # also of those that have just ended, for their last words
            self._announcer.tell_log(run)

    def refresh(self, run_id: str) -> TrackedRun:
        """Read what is new in one run, now.

        Raises:
            RunNotFoundError: There is no such run.
        """
        with self.lock:
            if run_id not in self._runs and self._workspace.run_names().get(run_id, "") is not None:
                raise RunNotFoundError(run_id)
            self._tell(self._read_each([run_id]))
            return self.run(run_id)

    def take_up(self, run_ids: Sequence[str]) -> list[TrackedRun]:
        """Take note of runs that have just been made, all or none.

        Raises:
            OneTrainerWebError: The index cannot be written; none of them is known.
        """
        with self.lock:
            try:
                self._tell(self._read_each(run_ids))
                return [self.run(run_id) for run_id in run_ids]
            except OneTrainerWebError:
                for run_id in run_ids:
                    self._drop(run_id)
                raise

    def forget(self, run_id: str) -> None:
        """Take a run that is deleted out of the index."""
        with self.lock:
            self._index.delete_run(run_id)
            self._drop(run_id)
            self._announcer.tell_deleted(run_id)

    def forget_odd(self, name: str) -> None:
        """List a folder no longer that was no run and is deleted."""
        with self.lock:
            self._unreadable.pop(name, None)

    def tell(self, run_id: str) -> None:
        """Tell the listeners of a run whose outputs were changed from outside."""
        with self.lock:
            self.version += 1
            self._announcer.tell_run(self.run(run_id))

    def _drop(self, run_id: str) -> None:
        self._runs.pop(run_id, None)
        self._live.discard(run_id)
        self._long.discard(run_id)
        self._last_training = None
        self.version += 1

    def _rebuild(self, reason: object) -> None:
        """Begin a new index: how the runs stand is known, and their files are read from the beginning."""
        LOGGER.warning("The index is damaged (%s); it is rebuilt from the run folders.", reason)
        self._index.rebuild()
        for run in self._runs.values():
            self._keep(replace(run, fold=Fold(), events_offset=0, events_sought=0, commands_size=UNREAD))
        self._long.update(self._runs)

    def _due(self) -> list[str]:
        """What is to be read: active runs, then others, the newest first, and last what takes several turns."""
        names = self._notice_folders()
        due = [run.id for run in self._runs.values() if self._has_changed(run)]
        return sorted([*due, *names], key=self._urgency, reverse=True)

    def _urgency(self, run_id: str) -> tuple[bool, bool, str]:
        run = self._runs.get(run_id)
        return run_id not in self._long, bool(run and run.state.status.is_active), run_id

    def _notice_folders(self) -> list[str]:
        """Forget the runs that are gone; those that are new are given."""
        self._folders_seen = _changed_ns(self._workspace.runs)
        names = self._workspace.run_names()
        for run_id in [run_id for run_id in self._runs if names.get(run_id, "") is not None]:
            self.forget(run_id)
        for name in self._unreadable.keys() - names:
            del self._unreadable[name]
        for name, reason in names.items():
            if reason is not None:
                self._complain(name, reason)
        return [name for name, reason in names.items() if reason is None and name not in self._runs]

    def _follow(self, run_ids: Sequence[str]) -> None:
        self._tell(self._read(run_ids, SLICE_S))

    def _tell(self, readings: Sequence[Reading]) -> None:
        samples = self._write(readings)
        for reading in readings:
            self._announcer.tell_run(reading.run)
            if not reading.is_behind:
                self._announcer.tell_events(reading.run, reading.events)
        self._announcer.tell_samples(self._workspace, samples)

    def _read(self, run_ids: Sequence[str], patience_s: float) -> list[Reading]:
        """Read the next stretches of runs, for so long; the most urgent one in any case."""
        end = time.monotonic() + patience_s
        left = list(run_ids)

        def in_time() -> Iterator[str]:
            while left and (time.monotonic() < end or len(left) == len(run_ids)):
                yield left.pop(0)

        readings = self._read_each(in_time())
        self.has_all = self._long.issuperset(left)
        return readings

    def _read_each(self, run_ids: Iterable[str]) -> list[Reading]:
        readings = [reading for run_id in run_ids if (reading := self._read_one(run_id))]
        for reading in readings:
            (self._long.add if reading.is_behind else self._long.discard)(reading.run.id)
            if reading.before.state.status.is_active and reading.run.state.status.is_resumable:
                self._on_end.tell(reading.run)
        return [reading for reading in readings if reading.run != reading.before]

    def _write(self, readings: Sequence[Reading]) -> list[SampleRow]:
        if not readings:
            return []
        try:
            samples = self._index.apply([reading.update for reading in readings], is_complete=not self.is_behind)
        except IndexWriteError:
            for reading in readings:
                self._keep(replace(reading.before, state=reading.run.state, commands_size=UNREAD))
            raise
        for reading in readings:
            self._keep(reading.run)
        return samples

    def _keep(self, run: TrackedRun) -> None:
        before = self._runs.get(run.id)
        if run.state.status.is_resumable or (before and before.state.status.is_resumable):
            self._last_training = None
        self._runs[run.id] = run
        self.version += 1
        if run.state.status.is_active or run.state.status is RunStatus.QUEUED:
            self._live.add(run.id)
        else:
            self._live.discard(run.id)

    def _read_one(self, run_id: str) -> Reading | None:
        """One folder that cannot be read must not leave all other runs without a supervisor."""
        try:
            run = self._runs.get(run_id) or discover(self._workspace.run_folder(run_id), self._executor.devices())
            reading = read_on(run, self._executor, partial(self._earlier, run))
        except RunFolderError as error:
            self._complain(run_id, error.reason)
            return None
        except OSError as error:
            self._complain(run_id, _why(error))
            return None
        self._unreadable.pop(run_id, None)
        return reading

    def _earlier(self, run: TrackedRun) -> Durations | None:
        """What runs of its kind took."""
        alike = self._took(run, run.header)
        if run.num_devices == 1:
            return alike
        alone = self._took(run, run.header.model_copy(update={"spread_over": None}))
        return Durations.on_several(alike, alone, run.num_devices)

    def _took(self, run: TrackedRun, header: RunHeader) -> Durations | None:
        """What the run that another was made from took, if that was of a kind, or the newest one that was."""
        parent = self._runs.get(run.header.parent or "")
        ended = [other for other in reversed(self.runs()) if other.state.status.is_resumable]
        alike = (other for other in (parent, *ended) if other and other.header.kind_of_work == header.kind_of_work)
        return next(filter(None, (other.fold.pace.durations(other.id) for other in alike)), None)

    def _has_changed(self, run: TrackedRun) -> bool:
        """Whether its files have grown, or a trainer has taken it up or left it, which only its lock tells at first."""
        try:
            return run.has_changed or self._has_come_or_gone(run)
        except OSError as error:
            self._complain(run.id, _why(error))
            return False

    def _has_come_or_gone(self, run: TrackedRun) -> bool:
        status = run.state.status
        may_live = status.is_active or status is RunStatus.QUEUED
        return may_live and self._executor.is_alive(run.folder, run.state.pid) is not status.is_active

    def _complain(self, name: str, reason: str) -> None:
        self._long.discard(name)
        if self._unreadable.get(name) != reason:
            LOGGER.warning("In the folder of runs, %r cannot be read: %s.", readable(name), reason)
            self._unreadable[name] = reason


def _changed_ns(folder: Path) -> int:
    try:
        return folder.stat().st_mtime_ns
    except OSError:  # it is gone, which the next look tells
        return 0


def _unreadable(name: str, reason: str) -> UnreadableFolder:
    return UnreadableFolder(id=_id(name), name=readable(name), reason=f"This folder cannot be read: {reason}.")


def _id(name: str) -> str:
    """A run's own, and something that can stand in an address for a name that cannot."""
    return name if fits_run_id(name) else f"odd-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def _why(error: OSError) -> str:
    return f"{Path(error.filename).name}: {error.strerror}" if error.filename else str(error)
