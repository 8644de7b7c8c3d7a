"""What runs wrote: samples, curves, events, log, backups, models and other files."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from onetrainer_web.files.confined import remove
from onetrainer_web.protocol.backups import BackupDamagedError
from onetrainer_web.protocol.events import BackedUp, Event, Saved, parse_events
from onetrainer_web.protocol.journal import LineReader
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.deletion import set_aside
from onetrainer_web.runs.errors import BackupNotFoundError, OutputNotFoundError, RunActiveError, SampleNotFoundError
from onetrainer_web.runs.event_reader import EventReader
from onetrainer_web.runs.log_file import read_log
from onetrainer_web.runs.run_files import describe_output, find_file, find_folder, find_output, inside, list_files
from onetrainer_web.runs.sample_views import sample_number, sample_view
from onetrainer_web.runs.thinning import epoch_means, smooth, thin
from onetrainer_web.runs.views import (
    DeletedOutput,
    FileView,
    LogPage,
    MetricPoint,
    MetricsView,
    OutputView,
    SamplePage,
    SampleView,
)
from onetrainer_web.storage.curves import Point, StoredCurve
from onetrainer_web.storage.index import RunIndex


class RunOutputs:
    """The outputs of the runs of a workspace; every method raises RunNotFoundError (404) for a run there is not."""

    def __init__(self, workspace: Workspace, reader: EventReader, index: RunIndex) -> None:
        self._workspace = workspace
        self._reader = reader
        self._index = index

    def samples(
        self, *, run_id: str | None = None, offset: int = 0, limit: int = 50, oldest_first: bool = False
    ) -> SamplePage:
        """The samples of the workspace, or of one run, newest first."""
        if run_id is not None:
            self._reader.run(run_id)
        rows = self._index.samples(run_id=run_id, offset=offset, limit=limit, oldest_first=oldest_first)
        return SamplePage(
            samples=[sample_view(self._workspace, row) for row in rows], total=self._index.count_samples(run_id)
        )

    def newest_samples(self, limit: int) -> list[SampleView]:
        """The newest sample of each run that has drawn any, newest first."""
        return [sample_view(self._workspace, row) for row in self._index.newest_samples(limit)]

    def sample(self, sample_id: str) -> SampleView:
        """One sample.

        Raises:
            SampleNotFoundError: There is none with this id, or its file is gone (404).
        """
        return self._find_sample(sample_id)[0]

    def sample_file(self, sample_id: str) -> Path:
        """The picture or video of a sample, never a file where its run does not draw; fails as `sample` does."""
        return self._find_sample(sample_id)[1]

    def _find_sample(self, sample_id: str) -> tuple[SampleView, Path]:
        row = self._index.sample(sample_number(sample_id))
        path = find_output(self._workspace.run_folder(row.run_id), row.event) if row else None
        if row is None or path is None or not path.is_file():
            raise SampleNotFoundError(sample_id)
        return sample_view(self._workspace, row), path

    def metrics(
        self,
        run_id: str,
        names: Sequence[str] = (),
        max_points: int = 1000,
        smoothing: float = 0.0,
        *,
        per_epoch: bool = False,
    ) -> MetricsView:
        """Curves of a run, by epochs or smoothed by a weight, then thinned to `max_points` points (4 or more).

        Empty `names` means all.
        """
        fold = self._reader.run(run_id).fold
        epoch_ends = fold.whole_epochs if per_epoch else None
        return MetricsView(
            run_id=run_id,
            metrics={
                curve.name: [
                    MetricPoint(step=step, value=value)
                    for step, value in self._draw(curve, max_points, smoothing, epoch_ends)
                ]
                for curve in self._index.curves(run_id, names)
            },
        )

    def _draw(
        self, curve: StoredCurve, max_points: int, smoothing: float, epoch_ends: Sequence[int] | None
    ) -> list[Point]:
        if epoch_ends is not None:
            means = epoch_means(self._index.points(curve), epoch_ends)
            return thin(smooth(means, smoothing), len(means), max_points)
        if smoothing:
            return thin(smooth(self._index.points(curve), smoothing), curve.num_points, max_points)
        points = list(self._index.points(curve, at_least=2 * max_points))
        return thin(points, len(points), max_points)

    def events(self, run_id: str, after: int = 0, limit: int = 1000, types: Collection[str] = ()) -> list[Event]:
        """Events with a `seq` beyond `after`, oldest first, straight from the journal; empty `types` means any."""
        journal = self._reader.run(run_id).folder.events
        reader = LineReader(journal, self._index.offset_before(run_id, after))
        found: list[Event] = []
        last_seq = after
        for event in parse_events(reader.read(), types):
            if event.seq <= last_seq:
                continue
            last_seq = event.seq
            found.append(event)
            if len(found) >= limit:
                break
        return found

    def log(self, run_id: str, offset: int = 0, limit: int = 65536) -> LogPage:
        """A stretch of the log, `limit` bytes at most; a negative `offset` counts from its end."""
        return read_log(self._reader.run(run_id).folder.log, offset, limit)

    def files(self, run_id: str) -> list[FileView]:
        """All files of a run folder, by path."""
        return list_files(self._reader.run(run_id).folder)

    def file_path(self, run_id: str, relative: str) -> Path:
        """The absolute path of a file of a run, never one outside its folder.

        Raises:
            RunFileNotFoundError: There is no such file in the run folder (404).
        """
        return find_file(self._reader.run(run_id).folder, relative)

    def folder_files(self, run_id: str, relative: str) -> tuple[Path, list[Path]]:
        """A folder of a run with all files below it, never one outside its folder.

        Raises:
            RunFileNotFoundError: There is no such folder in the run folder, or nothing in it (404).
        """
        return find_folder(self._reader.run(run_id).folder, relative)

    def backups(self, run_id: str) -> list[OutputView]:
        """Backups that are still there, newest first."""
        return self._describe(run_id, self._index.backups(run_id))

    def require_backup(self, run_id: str, name: str) -> None:
        """Refuse what cannot be gone on from.

        Raises:
            BackupNotFoundError: The run has no backup of this name (404).
            BackupDamagedError: It is not whole (400).
        """
        backup = next((known for known in self.backups(run_id) if known.name == name), None)
        if backup is None:
            raise BackupNotFoundError(run_id, name)
        if backup.damage:
            raise BackupDamagedError(Path(backup.path), backup.damage)

    def saves(self, run_id: str) -> list[OutputView]:
        """Model files that are still there, newest first."""
        return self._describe(run_id, self._index.saves(run_id))

    def delete(self, run_id: str, path: str) -> DeletedOutput:
        """Delete one backup or model file of a run, named as `backups` and `saves` do.

        Raises:
            OutputNotFoundError: The run has no such output in its folder (404).
            RunActiveError: It is a backup, and the run's trainer lives (400).
        """
        with self._reader.lock:
            run = self._reader.refresh(run_id)
            backups = {output.path for output in self.backups(run_id)}
            output = inside(run.folder, path)
            # What lies directly in the run folder is the run itself, whatever its journal calls it.
            is_run_itself = output is None or len(output.relative_to(run.folder.path).parts) < 2
            if output is None or is_run_itself or path not in backups | {output.path for output in self.saves(run_id)}:
                raise OutputNotFoundError(run_id, path)
            if path in backups and run.state.status.is_active:
                raise RunActiveError(run_id, "deprived of a backup")
            doomed = set_aside(self._workspace, output)
            self._reader.tell(run_id)
        return DeletedOutput(path=path, freed_bytes=remove(doomed))

    def _describe(self, run_id: str, events: Iterable[BackedUp | Saved]) -> list[OutputView]:
        folder = self._reader.run(run_id).folder
        newest: dict[str, BackedUp | Saved] = {}  # the best model is written again and again
        for event in events:
            newest.setdefault(event.path, event)
        return [view for event in newest.values() if (view := describe_output(folder, event))]
