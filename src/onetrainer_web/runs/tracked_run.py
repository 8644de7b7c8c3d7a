"""One run as the server follows it: how far its files were read, and what they said."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from onetrainer_web.config.devices import CPU, numbers_in
from onetrainer_web.config.recurring import Doing
from onetrainer_web.config.settings.options import label_of_value
from onetrainer_web.files.shortages import trouble_of
from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.events import CurrentWork, Event
from onetrainer_web.protocol.journal import LineReader
from onetrainer_web.protocol.pace import Durations
from onetrainer_web.protocol.run_folder import RunFolder, RunRecord
from onetrainer_web.protocol.state import Fold, RunState, derive_state
from onetrainer_web.runs.devices import Need, need_of
from onetrainer_web.runs.executors import Executor
from onetrainer_web.runs.views import RunView
from onetrainer_web.storage.curves import CLOCK
from onetrainer_web.storage.rows import RunHeader, RunRow, RunUpdate

MARK_EVERY = 1000
"""Events between two places in the journal that the index remembers."""

STRETCH_BYTES = 2**18
"""Read of a journal at once: one of any length needs little memory, and holds nobody up for long."""

TAIL_BYTES = 2**15
"""Looked at behind a stretch that does not reach the end, for how the run stands now."""

UNREAD = -1
"""In place of the size of a run's commands: its files have yet to be read, or read again."""


@dataclass(frozen=True)
class TrackedRun:
    """A run as far as its files have been read; reading on gives a new one."""

    folder: RunFolder
    header: RunHeader
    need: Need
    """The devices that it needs for itself."""
    state: RunState
    fold: Fold
    events_offset: int
    commands_size: int
    events_sought: int = 0
    """See `LineReader.sought`."""

    @property
    def id(self) -> str:
        """Folder name of the run."""
        return self.header.id

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that it has while it is active: those that it was given, or that it took unasked."""
        return tuple(self.state.devices) or self.need.usual

    @property
    def device(self) -> str:
        """The same in a word, or what it waits for; each of several processes on a CPU is named."""
        word = ", ".join(self.state.devices) or str(self.need)
        return ", ".join([CPU] * self.num_devices) if word == CPU else word

    @property
    def num_devices(self) -> int:
        """How many devices it trains on, or how many processes on a CPU."""
        return self.need.count if self.need.usual != (CPU,) else len(numbers_in(self.header.spread_over or "")) or 1

    @property
    def recency(self) -> tuple[float, str]:
        """By it runs are sorted: when it was last launched, or else made."""
        return (self.state.launched or self.header.created).timestamp(), self.id

    @property
    def activity(self) -> CurrentWork | None:
        """What is going on now, as far as the trainer can tell."""
        trouble = trouble_of(self.folder.events) if self.state.status.is_active else None
        return CurrentWork(doing=Doing.UNHEARD, text=trouble) if trouble else self.state.activity

    @property
    def has_changed(self) -> bool:
        """Whether its files have grown since they were read."""
        read = (max(self.events_offset, self.events_sought), self.commands_size)
        return (file_size(self.folder.events), file_size(self.folder.commands)) != read

    def is_found_by(self, search: str) -> bool:
        """Whether each word of `search` stands in its name, kind, tags or note, or its id begins with it all."""
        kinds = (self.header.model_type, self.header.training_method)
        said = (*self.state.tags, self.state.note)
        text = _plain(" ".join([self.state.name, *kinds, *map(label_of_value, kinds), *said]))
        words = _plain(search).split()
        return all(word in text for word in words) or self.id.startswith("".join(words))

    def row(self) -> RunRow:
        """What the index keeps of it."""
        return RunRow(self.header, self.state, self.fold, self.events_offset, self.commands_size)

    def view(self) -> RunView:
        """What callers get to see of it."""
        header = self.header.model_dump(exclude={"train_device", "spread_over"})
        state = {name: getattr(self.state, name) for name in RunState.model_fields}
        state["activity"] = activity = self.activity
        state["message"] = activity and activity.message
        if self.state.model_path and not (self.folder.path / self.state.model_path).exists():
            state["model_path"] = None  # it was deleted
        return RunView.model_validate({**state, **header, "device": self.device})


@dataclass
class Reading:
    """A run before and after reading on, and what was new."""

    before: TrackedRun
    run: TrackedRun
    update: RunUpdate
    is_behind: bool
    """Whether its journal goes on, so that it is to be read again soon."""
    events: list[Event] = field(default_factory=list[Event])


def recall(folder: RunFolder, row: RunRow, devices: Sequence[str]) -> TrackedRun:
    """A run as the index knows it, in a place with these devices."""
    need = _need(row.header, devices)
    return TrackedRun(folder, row.header, need, row.state, row.fold, row.events_offset, row.commands_size)


def discover(folder: RunFolder, devices: Sequence[str]) -> TrackedRun:
    """A run of which nothing but run.json has been read.

    Raises:
        RunFolderError: Its run.json cannot be read.
    """
    record = folder.read_record()
    header = _header(folder, record)
    return TrackedRun(folder, header, _need(header, devices), RunState(name=record.name), Fold(), 0, UNREAD)


def read_on(run: TrackedRun, executor: Executor, find_earlier: Callable[[], Durations | None]) -> Reading:
    """Read the next stretch of what has been added to the files of `run`; see `derive_state` for the order of reading.

    Args:
        run: The run as it was read so far.
        executor: Where it is carried out.
        find_earlier: Asked for what another run of its kind took, at each start of one that has measured no step.
    """
    commands_size = file_size(run.folder.commands)
    commands = asked.read_commands(run.folder.commands)
    is_alive = executor.is_alive(run.folder, run.fold.pid)
    reader = LineReader(run.folder.events, run.events_offset, run.events_sought)
    fold = run.fold.model_copy(deep=True)
    update = RunUpdate(run.row())
    events: list[Event] = []
    for line in reader.read():
        event = happened.parse_event(line)
        if event is not None and event.seq > fold.last_seq:
            fold.add(event)
            events.append(event)
            _collect(event, update)
            if event.seq % MARK_EVERY == 0:
                update.marks.append((event.seq, reader.offset))
        if reader.offset - run.events_offset >= STRETCH_BYTES:
            break
    if is_alive and fold.started != run.fold.started and fold.pace.step.mean_s is None:
        fold.pace.earlier = find_earlier()
    size = file_size(run.folder.events)
    is_behind = size > reader.sought
    whole = _with_tail(fold, run.folder, size) if is_behind else fold
    state = derive_state(run.folder, whole, commands, is_alive=is_alive, name=run.state.name)
    newer = replace(
        run,
        state=state,
        fold=fold,
        events_offset=reader.offset,
        commands_size=commands_size,
        events_sought=reader.sought,
    )
    update.run = newer.row()
    return Reading(run, newer, update, is_behind, events)


def _with_tail(fold: Fold, folder: RunFolder, size: int) -> Fold:
    """What a journal of `size` bytes comes to, as far as its last lines tell."""
    whole = fold.model_copy(deep=True)
    for event in happened.parse_events(LineReader(folder.events, max(0, size - TAIL_BYTES)).read()):
        if event.seq > whole.last_seq:
            whole.add(event)
    return whole


def _collect(event: Event, update: RunUpdate) -> None:
    match event:
        case happened.Planned():
            step = event.progress.global_step
            update.points = [point for point in update.points if point[1] <= step]
            update.cut_after = step if update.cut_after is None else min(step, update.cut_after)
        case happened.Step():
            step = event.progress.global_step
            update.points.extend((name, step, value) for name, value in event.metrics.items())
            update.points.append((CLOCK, step, event.time.timestamp()))
        case happened.Metrics():
            update.points.extend((name, event.global_step, value) for name, value in event.values.items())
        case happened.SampleDrawn():
            update.samples.append(event)
        case happened.BackedUp() | happened.Saved():
            update.outputs.append(event)
        case _:
            pass


def _header(folder: RunFolder, record: RunRecord) -> RunHeader:
    asked = record.task.config
    return RunHeader(
        id=folder.run_id,
        kind=record.task.kind,
        engine=record.engine,
        created=record.created,
        model_type=str(asked.get("model_type", "")),
        training_method=str(asked.get("training_method", "")),
        train_device=str(asked.get("train_device", "cpu")),
        parent=record.parent,
        resolution=str(asked.get("resolution", "")),
        batch_size=str(asked.get("batch_size", "")),
        learning_rate=asked.get("learning_rate"),
        lora_rank=asked.get("lora_rank") if asked.get("training_method") == "LORA" else None,
        spread_over=str(asked.get("device_indexes", "")) if record.task.is_spread else None,
    )


def _need(header: RunHeader, devices: Sequence[str]) -> Need:
    return need_of(header.train_device, devices, header.spread_over)


def _plain(text: str) -> str:
    """For comparing: capitals do not count, and FINE_TUNE is Fine-tune."""
    return text.casefold().replace("_", "-")


def file_size(path: Path) -> int:
    """Length of a file in bytes, of a link its own; 0 when there is none."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
