"""The index: quick answers about runs, curves, samples and outputs, without reading whole journals.

What a stretch of a journal says and how far the journal was read are written in one transaction, so a server that is
killed at any moment neither loses an event nor counts one twice.
"""

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, column, delete, func, insert, select, table, true
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.protocol.events import BackedUp, SampleDrawn, Saved
from onetrainer_web.protocol.state import Fold, RunState
from onetrainer_web.storage.curves import Point, StoredCurve, cut_points, find_curves, read_points, write_points
from onetrainer_web.storage.retired import RetiredNumbers
from onetrainer_web.storage.rows import RunHeader, RunRow, RunUpdate, SampleRow
from onetrainer_web.storage.schema import open_index, replace_index
from onetrainer_web.storage.tables import marks, outputs, runs, samples, unnumbered

_Output = TypeVar("_Output", BackedUp, Saved)
_sequence = table("sqlite_sequence", column("name"), column("seq"))
"""SQLite's own record of the highest number ever given, deleted ones included."""


class IndexWriteError(OneTrainerWebError):
    """The index cannot be written."""

    status = 507

    def __init__(self, path: Path, error: Exception) -> None:
        super().__init__(
            f"The index {path} cannot be written ({error}). Free space on its disk; what happens meanwhile is read "
            "from the run folders as soon as there is some."
        )
        self.path = path


class IndexDamagedError(OneTrainerWebError):
    """What stands in the index cannot be read."""

    status = 503

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(
            f"The index {path} is damaged ({reason}); it is rebuilt from the run folders. Ask again in a moment."
        )


_DAMAGE = ("no such table", "no such column", "malformed")
"""What SQLite says of a damaged file as of a passing trouble."""


class RunIndex:
    """The open index of a workspace; safe to use from several threads, written by one at a time."""

    def __init__(self, path: Path, retired: Path) -> None:
        """Open the index.

        Args:
            path: Made, migrated or rebuilt as needed.
            retired: Where the numbers of deleted samples stand.
        """
        self._path = path
        self._engine = open_index(path)
        self._retired = RetiredNumbers(retired)
        self._opening = threading.Lock()
        self.is_damaged = False
        """Whether something in it could not be read: it is to be rebuilt."""

    def rebuild(self) -> None:
        """Begin anew with an empty index."""
        with self._opening:
            self._engine.dispose()
            self._engine = replace_index(self._path)
            self.is_damaged = False

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def apply(self, updates: Sequence[RunUpdate], *, is_complete: bool = True) -> list[SampleRow]:
        """Write what was read, all or nothing.

        Args:
            updates: What stretches of journals say.
            is_complete: Whether all journals are read to their ends; before, samples get no number.

        Returns:
            The new samples, numbered in the order in which they were drawn.

        Raises:
            IndexWriteError: The disk is full or cannot be written.
        """
        try:
            with self._connected(writes=True) as connection:
                return self._write(connection, updates, is_complete)
        except OperationalError as error:
            raise IndexWriteError(self._path, error.orig or error) from error

    def delete_run(self, run_id: str) -> None:
        """Forget a run and all that belongs to it."""
        with self._connected(writes=True) as connection:
            self._retired.add(connection.execute(select(samples.c.number).where(_of_run(run_id))).scalars().all())
            connection.execute(delete(runs).where(runs.c.id == run_id))

    def runs(self) -> list[RunRow]:
        """All runs, oldest first."""
        with self._connected() as connection:
            return [_run(row) for row in connection.execute(select(runs).order_by(runs.c.id))]

    def curves(self, run_id: str, names: Sequence[str] = ()) -> list[StoredCurve]:
        """A run's curves by name; all that were measured when `names` is empty."""
        with self._connected() as connection:
            return find_curves(connection, run_id, names)

    def points(self, curve: StoredCurve, at_least: int | None = None) -> Iterator[Point]:
        """Steps and values of a curve by step, read while they are asked for.

        Args:
            curve: The curve.
            at_least: Where it has many more, leave out others than the smallest and the largest of short stretches,
                but never come below this number.
        """
        with self._connected() as connection:
            yield from read_points(connection, curve, at_least)

    def samples(
        self, *, run_id: str | None = None, offset: int = 0, limit: int = 50, oldest_first: bool = False
    ) -> list[SampleRow]:
        """A page of the samples of the workspace, or of one run."""
        order = samples.c.number.asc() if oldest_first else samples.c.number.desc()
        query = select(samples).where(_of_run(run_id)).order_by(order).offset(offset).limit(limit)
        with self._connected() as connection:
            return [_sample(row) for row in connection.execute(query)]

    def newest_samples(self, limit: int) -> list[SampleRow]:
        """The newest sample of each run that has any, newest first."""
        newest = select(func.max(samples.c.number)).group_by(samples.c.run_id)
        query = select(samples).where(samples.c.number.in_(newest)).order_by(samples.c.number.desc()).limit(limit)
        with self._connected() as connection:
            return [_sample(row) for row in connection.execute(query)]

    def count_samples(self, run_id: str | None = None) -> int:
        """How many samples the workspace, or one run, has."""
        query = select(func.count()).select_from(samples).where(_of_run(run_id))
        with self._connected() as connection:
            return connection.execute(query).scalar_one()

    def sample(self, number: int) -> SampleRow | None:
        """The sample with this number, if there is one."""
        with self._connected() as connection:
            row = connection.execute(select(samples).where(samples.c.number == number)).one_or_none()
            return _sample(row) if row else None

    def backups(self, run_id: str) -> list[BackedUp]:
        """The backups that a run has written, newest first; retention may have deleted some."""
        return self._outputs(BackedUp, run_id, is_backup=True)

    def saves(self, run_id: str) -> list[Saved]:
        """The model files that a run has written, newest first."""
        return self._outputs(Saved, run_id, is_backup=False)

    def offset_before(self, run_id: str, seq: int) -> int:
        """A place in the journal, in bytes, behind which all events beyond `seq` stand."""
        query = select(func.max(marks.c.offset)).where(marks.c.run_id == run_id, marks.c.seq <= seq)
        with self._connected() as connection:
            return connection.execute(query).scalar() or 0

    @contextmanager
    def _connected(self, *, writes: bool = False) -> Generator[Connection]:
        """A connection, or a transaction.

        Raises:
            IndexDamagedError: What stands there makes no sense, to SQLite or to us.
            OperationalError: The disk is full or the like.
        """
        engine = None
        try:
            with self._opening:  # nobody opens a file that is being replaced
                engine = self._engine
                opened = engine.connect()
            with opened as connection, connection.begin() if writes else nullcontext():
                yield connection
        except (DatabaseError, ValueError, LookupError, TypeError) as error:
            is_passing = isinstance(error, OperationalError) and not any(word in str(error.orig) for word in _DAMAGE)
            if (is_passing and engine is self._engine) or isinstance(error, IntegrityError):
                raise
            self.is_damaged = self.is_damaged or engine is self._engine
            reason = getattr(error, "orig", None) or type(error).__name__
            raise IndexDamagedError(self._path, reason) from error

    def _write(self, connection: Connection, updates: Sequence[RunUpdate], is_complete: bool) -> list[SampleRow]:
        _write_runs(connection, [update.run for update in updates])
        for update in updates:
            run_id = update.run.header.id
            if update.cut_after is not None:
                cut_points(connection, run_id, update.cut_after)
            write_points(connection, run_id, update.points)
            _write_outputs(connection, run_id, update.outputs)
            if update.marks:
                rows = [{"run_id": run_id, "seq": seq, "offset": offset} for seq, offset in update.marks]
                connection.execute(insert(marks), rows)
        drawn = [(update.run.header.id, sample) for update in updates for sample in update.samples]
        if is_complete:
            return self._write_samples(connection, _take_unnumbered(connection) + drawn)
        if drawn:
            rows = [
                {"run_id": run_id, "seq": event.seq, "event": event.model_dump(mode="json")} for run_id, event in drawn
            ]
            connection.execute(insert(unnumbered), rows)
        return []

    def _write_samples(self, connection: Connection, drawn: Sequence[tuple[str, SampleDrawn]]) -> list[SampleRow]:
        last = connection.execute(select(_sequence.c.seq).where(_sequence.c.name == samples.name)).scalar() or 0
        numbers = (number for number in count(last + 1) if number not in self._retired)
        rows = [SampleRow(next(numbers), *sample) for sample in sorted(drawn, key=lambda sample: sample[1].time)]
        values = [
            {
                "number": row.number,
                "run_id": row.run_id,
                "seq": row.event.seq,
                "event": row.event.model_dump(mode="json"),
            }
            for row in rows
        ]
        if values:
            connection.execute(insert(samples), values)
        return rows

    def _outputs(self, kind: type[_Output], run_id: str, *, is_backup: bool) -> list[_Output]:
        query = (
            select(outputs.c.event)
            .where(outputs.c.run_id == run_id, outputs.c.is_backup == is_backup)
            .order_by(outputs.c.seq.desc())
        )
        with self._connected() as connection:
            return [kind.model_validate(event) for event in connection.execute(query).scalars()]


def _take_unnumbered(connection: Connection) -> list[tuple[str, SampleDrawn]]:
    waiting = connection.execute(select(unnumbered.c.run_id, unnumbered.c.event)).all()
    if waiting:
        connection.execute(delete(unnumbered))
    return [(run_id, SampleDrawn.model_validate(event)) for run_id, event in waiting]


def _of_run(run_id: str | None) -> ColumnElement[bool]:
    return true() if run_id is None else samples.c.run_id == run_id


def _run(row: Row[Any]) -> RunRow:
    return RunRow(
        header=RunHeader.model_validate(row.header),
        state=RunState.model_validate(row.state),
        fold=Fold.model_validate(row.fold),
        events_offset=row.events_offset,
        commands_size=row.commands_size,
    )


def _sample(row: Row[Any]) -> SampleRow:
    return SampleRow(row.number, row.run_id, SampleDrawn.model_validate(row.event))


def _write_runs(connection: Connection, written: Sequence[RunRow]) -> None:
    values = [
        {
            "id": run.header.id,
            "header": run.header.model_dump(mode="json"),
            "state": run.state.model_dump(mode="json"),
            "fold": run.fold.model_dump(mode="json"),
            "events_offset": run.events_offset,
            "commands_size": run.commands_size,
        }
        for run in written
    ]
    statement = upsert(runs)
    new = {column.name: column for column in statement.excluded if column.name != "id"}
    connection.execute(statement.on_conflict_do_update(index_elements=[runs.c.id], set_=new), values)


def _write_outputs(connection: Connection, run_id: str, written: Sequence[BackedUp | Saved]) -> None:
    rows = [
        {
            "run_id": run_id,
            "seq": event.seq,
            "is_backup": isinstance(event, BackedUp),
            "event": event.model_dump(mode="json"),
        }
        for event in written
    ]
    if rows:
        connection.execute(insert(outputs), rows)
