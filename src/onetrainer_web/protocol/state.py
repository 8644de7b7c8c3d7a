"""What state a run is in: derived from its folder, never remembered."""

import math
import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.config.recurring import Doing
from onetrainer_web.files.confined import reading
from onetrainer_web.files.shortages import trouble_of
from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.events import CurrentWork, DeviceMemory, Event, Progress
from onetrainer_web.protocol.journal import LineReader
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.pace import Pace
from onetrainer_web.protocol.run_folder import RunFolder

LOG_TAIL_BYTES = 4096

LOSS = "loss/train_step"
SMOOTH_LOSS = "smooth_loss/train_step"
VALIDATION_LOSS = "loss/validation_step/total_average"

SAVE_PATIENCE_S = 600.0
"""A trainer that has answered a stop may be silent this long while it backs up and saves: models are large."""

END_PATIENCE_S = 60.0
"""A trainer that has written its end has this long to go."""


class RunStatus(StrEnum):
    """The states of a run."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def is_active(self) -> bool:
        """Whether a trainer process lives."""
        return self in (RunStatus.STARTING, RunStatus.RUNNING, RunStatus.STOPPING)

    @property
    def is_resumable(self) -> bool:
        """Whether the run ended and can be queued again."""
        return self in (RunStatus.COMPLETED, RunStatus.STOPPED, RunStatus.FAILED, RunStatus.INTERRUPTED)


class RunState(BaseModel):
    """A run as it stands: the sum of its events, plus what its commands and its lock say."""

    model_config = ConfigDict(frozen=True)

    status: RunStatus = Field(default=RunStatus.QUEUED, description="State of the run.")
    name: str = Field(default="", description="Readable name.")
    progress: Progress | None = Field(default=None, description="Position; null before the first step.")
    max_step: int = Field(default=0, description="Steps of the whole run; 0 until known.")
    max_epoch: int = Field(default=0, description="Epochs of the whole run; 0 until known.")
    error: str | None = Field(default=None, description="Why the run failed or was interrupted, one sentence.")
    activity: CurrentWork | None = Field(default=None, description="What is going on now; null where nothing is.")
    pid: int | None = Field(default=None, description="Process id of the trainer while it lives.")
    launched: datetime | None = Field(default=None, description="When a trainer process was last started for it.")
    started: datetime | None = Field(default=None, description="When a trainer last took it up.")
    ended: datetime | None = Field(default=None, description="End of the last start.")
    stop_deadline: datetime | None = Field(
        default=None, description="When a trainer that is stopping is ended by force, unless it shows signs of life."
    )
    last_seq: int = Field(default=0, description="Number of the newest event.")
    model_path: str | None = Field(
        default=None, description="The run's result, relative to the run folder or absolute."
    )
    expected_end: datetime | None = Field(
        default=None, description="When it will probably be through, as of the newest event; null while unknown."
    )
    expected_from: str | None = Field(
        default=None,
        description="The run of the same kind by whose durations `expected_end` is reckoned until this one has "
        "measured its own; `expected_end` is then only about right.",
    )
    work_end: datetime | None = Field(
        default=None, description="When what it does now will probably be done; null where that cannot be counted."
    )
    steps_per_s: float | None = Field(
        default=None, description="Steps a second, without what is done between them; null while unknown."
    )
    speed_share: float | None = Field(
        default=None,
        description="Steps a second of several devices as a share of as many times those of one, as measured in an "
        "earlier run of the same kind; null where there was none, and on one device.",
    )
    devices: list[str] = Field(
        default_factory=list[str],
        description="Devices that its last start was given; empty while it waits, and where nobody has chosen.",
    )
    memory: list[DeviceMemory] = Field(
        default_factory=list[DeviceMemory], description="What its trainer holds of each GPU while it lives."
    )
    loss: float | None = Field(default=None, description="Its newest loss, smoothed if its trainer does that.")
    validation_loss: float | None = Field(default=None, description="Its newest mean loss of the validation.")
    tags: list[str] = Field(default_factory=list[str], description="Short words that people find it by.")
    note: str = Field(default="", description="What people want to remember of it.")


class Fold(BaseModel):
    """The sum of a run's events so far; feed it events as they come."""

    last_seq: int = 0
    last_time: datetime | None = None
    """When the newest event happened: the last sign of life."""
    resume_id: int = -1
    """Which asking the last start answers; -1 before the first start."""
    planned: bool = False
    """Whether the last start came as far as its plan: from then on the run counts as running."""
    pid: int | None = None
    started: datetime | None = None
    end: happened.Completed | happened.Stopped | happened.Failed | None = None
    progress: Progress | None = None
    max_step: int = 0
    max_epoch: int = 0
    epoch_ends: list[int] = Field(default_factory=list[int])
    """The last step of each epoch, so far of the running one; epochs may differ, as pictures come and go."""
    activity: CurrentWork | None = None
    has_backup: bool = False
    model_path: str | None = None
    memory: list[DeviceMemory] = Field(default_factory=list[DeviceMemory])
    loss: float | None = None
    validation_loss: float | None = None
    commands_taken: set[int] = Field(default_factory=set[int])
    pace: Pace = Field(default_factory=Pace)

    def add(self, event: Event) -> None:
        """Take one more event into account."""
        self.pace.add(event)
        self._measure(event)
        self.last_seq, self.last_time = event.seq, event.time
        match event:
            case happened.Started():
                self.pid, self.started, self.resume_id = event.pid, event.time, event.resume_id
                self.end, self.planned, self.memory = None, False, []
                self.activity = CurrentWork(doing=Doing.STARTING)
            case happened.Activity():
                self.activity = CurrentWork.model_validate(event, from_attributes=True)
            case happened.Planned():
                self.planned = True
                self.max_step, self.max_epoch, self.progress = event.max_step, event.max_epoch, event.progress
            case happened.Step():
                self.progress = event.progress
                self._end_epoch(event.progress)
                self.max_step = max(self.max_step, event.progress.global_step) if self.max_step else 0
            case happened.BackedUp():
                self.has_backup = True
            case happened.Saved(final=True):
                self.model_path = event.path
            case happened.Memory():
                self.memory = event.devices
            case happened.CommandTaken():
                self.commands_taken.add(event.command_id)
            case happened.Completed() | happened.Stopped() | happened.Failed():
                self.end, self.activity = event, None
            case _:
                pass

    def _measure(self, event: Event) -> None:
        if isinstance(event, happened.Step):
            self.loss = _first_finite(event.metrics.get(SMOOTH_LOSS), event.metrics.get(LOSS), self.loss)
        elif isinstance(event, happened.Metrics):
            self.validation_loss = _first_finite(event.values.get(VALIDATION_LOSS), self.validation_loss)

    def _end_epoch(self, progress: Progress) -> None:
        """The running epoch ends here as far as is known; a backup may have led back behind others."""
        del self.epoch_ends[progress.epoch :]
        without_steps = progress.epoch - len(self.epoch_ends)
        self.epoch_ends += [*[progress.global_step - 1] * without_steps, progress.global_step]

    @property
    def whole_epochs(self) -> list[int]:
        """The last step of each epoch that is over."""
        is_through = self.progress is not None and 0 < self.max_step <= self.progress.global_step
        return self.epoch_ends if is_through else self.epoch_ends[:-1]


def _first_finite(*values: float | None) -> float | None:
    return next((value for value in values if value is not None and math.isfinite(value)), None)


def fold_events(events: Iterable[Event]) -> Fold:
    """The sum of `events`, oldest first."""
    fold = Fold()
    for event in events:
        fold.add(event)
    return fold


def is_launched(fold: Fold, commands: Iterable[asked.Command]) -> bool:
    """Whether the last asking (the creation or a `resume`) was answered by a start."""
    commands = list(commands)
    asked_id = asked.last_resume_id(commands)
    launched = any(isinstance(command, asked.Launch) and command.id > asked_id for command in commands)
    return launched or fold.resume_id >= asked_id


def pending_stops(commands: Iterable[asked.Command]) -> list[asked.Stop]:
    """The stops of the current start, oldest first."""
    commands = list(commands)
    asked_id = asked.last_resume_id(commands)
    return [command for command in commands if isinstance(command, asked.Stop) and command.id > asked_id]


def derive_state(
    folder: RunFolder,
    fold: Fold,
    commands: list[asked.Command],
    *,
    is_alive: bool,
    name: str | None = None,
) -> RunState:
    """The state of a run from its parts.

    They must have been gathered in this order: first the commands, then the lock, last the events. Then a launch that
    is seen with a free lock is over, and a free lock without an end event means interrupted for certain.

    Args:
        folder: The run.
        fold: Sum of its events.
        commands: All its commands.
        is_alive: Whether its lock is held.
        name: Its name so far; None reads it from run.json.
    """
    status = _status(fold, commands, is_alive=is_alive)
    is_under_way = status in (RunStatus.STARTING, RunStatus.RUNNING)
    renames = [command.name for command in commands if isinstance(command, asked.Rename)]
    said = [command for command in commands if isinstance(command, asked.Describe)]
    return RunState(
        status=status,
        name=renames[-1] if renames else name or folder.read_record().name,
        progress=fold.progress,
        max_step=fold.max_step,
        max_epoch=fold.max_epoch,
        error=_error(folder, fold, commands, status),
        activity=fold.activity if status.is_active else None,
        pid=fold.pid if status.is_active else None,
        launched=_launched(fold, commands),
        started=fold.started,
        ended=fold.end.time if fold.end and not status.is_active else None,
        stop_deadline=_stop_deadline(fold, commands) if status is RunStatus.STOPPING else None,
        last_seq=fold.last_seq,
        model_path=fold.model_path,
        expected_end=fold.pace.expected_end if is_under_way else None,
        expected_from=fold.pace.expected_from if is_under_way else None,
        work_end=fold.pace.work_end if is_under_way else None,
        steps_per_s=fold.pace.steps_per_s if is_under_way else None,
        speed_share=fold.pace.share_of_ideal if is_under_way else None,
        devices=[] if status is RunStatus.QUEUED else asked.devices_of_launch(commands),
        memory=fold.memory if status.is_active else [],
        loss=fold.loss,
        validation_loss=fold.validation_loss,
        tags=said[-1].tags if said else [],
        note=said[-1].note if said else "",
    )


def read_state(folder: RunFolder) -> RunState:
    """The state of a run, read from its folder alone."""
    commands = asked.read_commands(folder.commands)
    is_alive = is_held(folder.lock)
    fold = fold_events(happened.parse_events(LineReader(folder.events).read()))
    return derive_state(folder, fold, commands, is_alive=is_alive)


def _status(fold: Fold, commands: list[asked.Command], *, is_alive: bool) -> RunStatus:
    asked_id = asked.last_resume_id(commands)
    answers_last_asking = fold.resume_id >= asked_id
    if is_alive:
        if (fold.end and answers_last_asking) or pending_stops(commands):
            return RunStatus.STOPPING
        return RunStatus.RUNNING if answers_last_asking and fold.planned else RunStatus.STARTING
    if not is_launched(fold, commands):
        return RunStatus.STOPPED if pending_stops(commands) else RunStatus.QUEUED
    if fold.end and answers_last_asking:
        return RunStatus(fold.end.type)
    return RunStatus.INTERRUPTED


def _launched(fold: Fold, commands: list[asked.Command]) -> datetime | None:
    """A trainer that was started by hand left no `launch`, only its first event."""
    times = [command.time for command in commands if isinstance(command, asked.Launch)]
    return max([*times, *([fold.started] if fold.started else [])], default=None)


def _stop_deadline(fold: Fold, commands: list[asked.Command]) -> datetime | None:
    """The earliest limit of all stops: a second, shorter one helps where the first hangs."""
    return min((since + patience for since, patience in _limits(fold, commands)), default=None)


def stop_patience_s(fold: Fold, commands: list[asked.Command], now: datetime) -> float:
    """Seconds until the earliest limit of all stops; never more than a stop gives, wherever clocks were set since."""
    left = (min(since + patience - now, patience) for since, patience in _limits(fold, commands))
    return max(0.0, min(left, default=timedelta()).total_seconds())


def _limits(fold: Fold, commands: list[asked.Command]) -> list[tuple[datetime, timedelta]]:
    """From when on, and how long, a trainer may take for each stop, and for the end that it has announced."""
    limits = [_limit(stop, fold) for stop in pending_stops(commands)]
    if fold.end and fold.resume_id >= asked.last_resume_id(commands):
        limits.append((fold.end.time, timedelta(seconds=END_PATIENCE_S)))
    return limits


def _limit(stop: asked.Stop, fold: Fold) -> tuple[datetime, timedelta]:
    """Having seen a stop is not yet obeying it: from then on the trainer must go on to show signs of life."""
    is_answered = stop.id in fold.commands_taken
    since = max(stop.time, fold.last_time) if is_answered and fold.last_time else stop.time
    patience_s = max(stop.timeout_s, SAVE_PATIENCE_S) if is_answered and stop.save else stop.timeout_s
    return since, timedelta(seconds=patience_s)


def _error(folder: RunFolder, fold: Fold, commands: list[asked.Command], status: RunStatus) -> str | None:
    if status is RunStatus.FAILED and isinstance(fold.end, happened.Failed):
        return fold.end.error
    if status is not RunStatus.INTERRUPTED:
        return None
    if fold.progress and fold.planned:
        where = f"The trainer ended without a word at step {fold.progress.global_step} of {fold.max_step}"
    else:
        where = "The trainer ended without a word before its first step"
    from_where = "go on from its last backup" if fold.has_backup else "begin again; it has no backup"
    if (why := _why_killed(commands)) is None and (trouble := trouble_of(folder.events)):
        return f"{where}: {trouble}. Mend that, then resume the run to {from_where}."
    hint = f"Resume the run to {from_where}. Last line of its log: {last_line(folder.log)}"
    return f"{where} ({why or 'killed, crashed, or power lost'}). {hint}"


def _why_killed(commands: list[asked.Command]) -> str | None:
    if pending_stops(commands):
        return "it did not answer a stop and was ended"
    starts_and_ends = [command for command in commands if isinstance(command, asked.Launch | asked.Killed)]
    if starts_and_ends and isinstance(killed := starts_and_ends[-1], asked.Killed):
        hint = ", as the system does when memory runs out" if killed.signal == "SIGKILL" else ""
        return f"ended by {killed.signal}{hint}"
    return None


def last_line(log: Path) -> str:
    """The last line of a log that is not blank; "(empty)" when there is none."""
    try:
        with reading(log) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            lines = file.read().decode(errors="replace").split("\n")
    except FileNotFoundError:
        return "(empty)"
    except OSError as error:
        return f"(it cannot be read: {error.strerror})"
    return next((line.strip() for line in reversed(lines) if line.strip()), "(empty)")
