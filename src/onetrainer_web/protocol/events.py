"""What happened in a run: the lines of events.jsonl, appended by the trainer only.

Each line is one event with a `seq` that only grows over the life of the run, restarts included.
"""

import math
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from onetrainer_web.config.enums import TimeUnit
from onetrainer_web.config.recurring import WORDS, Doing
from onetrainer_web.protocol.journal import LineReader, LineWriter


def _nan_for_null(value: Any) -> Any:
    return math.nan if value is None else value


def _null_unless_finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


Scalar = Annotated[
    float,
    BeforeValidator(_nan_for_null),
    PlainSerializer(_null_unless_finite),
    WithJsonSchema({"type": ["number", "null"], "description": "null where it was no finite number"}),
]
"""A measured number; JSON knows no NaN, so that what is not finite is written as null and read as NaN."""


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True)

    seq: int = Field(default=0, ge=0, description="Number of the event in its run, from 1; given when it is written.")
    time: datetime = Field(default_factory=lambda: datetime.now(UTC), description="When it happened, UTC.")


class Progress(BaseModel):
    """Where a training stands, in OneTrainer's terms."""

    model_config = ConfigDict(frozen=True)

    epoch: int = Field(default=0, ge=0, description="Epochs completed.")
    epoch_step: int = Field(default=0, ge=0, description="Steps completed in the current epoch.")
    epoch_sample: int = Field(default=0, ge=0, description="Training samples seen in the current epoch.")
    global_step: int = Field(default=0, ge=0, description="Steps (micro-batches) completed in the run.")


class Started(_Event):
    """A trainer process took the run up, for the first time or again."""

    type: Literal["started"] = "started"
    pid: int = Field(description="Process id on the machine that trains.")
    resume_id: int = Field(default=0, ge=0, description="Id of the `resume` command it answers; 0 on the first start.")
    versions: dict[str, str] = Field(default_factory=dict, description="Versions of the program and its libraries.")
    ranks: int = Field(default=1, ge=1, description="Processes that carry it out together, each on a device.")


class CurrentWork(BaseModel):
    """What is going on now; how it is said belongs to whoever shows it."""

    model_config = ConfigDict(frozen=True)

    doing: Doing = Field(description="What a trainer does.")
    text: str = Field(default="", description="What it says of it itself: OneTrainer's words, a device, a trouble.")
    current: int | None = Field(default=None, ge=0, description="How many are done, where that can be counted.")
    total: int | None = Field(default=None, ge=0, description="Of how many.")

    @model_validator(mode="before")
    @classmethod
    def _words_for_doing(cls, value: Any) -> Any:
        """Journals from before have only the words."""
        if not isinstance(value, dict) or "doing" in value or "text" not in value:
            return value  # pyright: ignore[reportUnknownVariableType]
        line = cast("dict[str, Any]", value)
        known = next((doing for doing, words in WORDS.items() if words == line["text"]), None)
        return line | ({"doing": known, "text": ""} if known else {"doing": Doing.OTHER})

    @property
    def words(self) -> str:
        """In English, without the count."""
        return WORDS[self.doing].format(text=self.text)

    @property
    def message(self) -> str:
        """In English, in one line."""
        return self.words + (f" {self.current}/{self.total}" if self.total is not None else "")


class Activity(_Event, CurrentWork):
    """What is going on now."""

    type: Literal["activity"] = "activity"


class Recurring(BaseModel):
    """Work that a training does again and again besides its steps."""

    model_config = ConfigDict(frozen=True)

    doing: Doing = Field(validation_alias=AliasChoices("doing", "activity"), description="What it does then.")
    every: int = Field(default=0, ge=0, description="How many of the unit lie between two times; 0 means never.")
    unit: TimeUnit = Field(default=TimeUnit.NEVER, description="What is counted.")
    from_start: bool = Field(default=False, description="Whether it is done in front of the first step, too.")
    skip: int = Field(default=0, ge=0, description="Up to so many of the unit it is left out.")
    at_end: bool = Field(default=False, description="Whether it is done once more behind the last step.")


class BucketCount(BaseModel):
    """How many pictures of one size train."""

    model_config = ConfigDict(frozen=True)

    width: int = Field(description="Width in pixels.")
    height: int = Field(description="Height in pixels.")
    kept: int = Field(description="Training samples an epoch.")
    left_over: int = Field(description="Samples that fill no batch and do not train in the first epoch.")
    is_video: bool = Field(default=False, description="Whether these are clips of videos.")
    repeated: int = Field(default=0, description="Samples of the first epoch whose picture had its turn before.")
    cropped: int = Field(default=0, description="Samples of the first epoch of which something is cut off.")


class Planned(_Event):
    """How long the run is and how the pictures fall into buckets."""

    type: Literal["planned"] = "planned"
    max_step: int = Field(ge=0, description="Steps of the whole run.")
    max_epoch: int = Field(ge=0, description="Epochs of the whole run.")
    buckets: list[BucketCount] = Field(default_factory=list[BucketCount], description="Picture sizes in use.")
    resumed_from: str | None = Field(
        default=None, description="Backup the run goes on from, relative to the run folder."
    )
    progress: Progress = Field(default_factory=Progress, description="Where it starts; beyond 0 after a resume.")
    recurring: list[Recurring] = Field(default_factory=list[Recurring], description="What it does besides steps.")


class Estimated(_Event):
    """How long the run will be, as far as that can be told before its pictures are encoded; `planned` is certain."""

    type: Literal["estimated"] = "estimated"
    max_step: int = Field(ge=0, description="Steps of the whole run, unless pictures turn out to be broken.")
    max_epoch: int = Field(ge=0, description="Epochs of the whole run.")
    progress: Progress = Field(default_factory=Progress, description="Where it starts; beyond 0 after a resume.")
    recurring: list[Recurring] = Field(default_factory=list[Recurring], description="What it does besides steps.")


class SkippedPicture(BaseModel):
    """A picture that does not train."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="The picture file.")
    reason: str = Field(description="Why it does not train, one sentence.")


class Skipped(_Event):
    """Pictures that do not train, by name: broken ones, and those left over when batches are filled."""

    type: Literal["skipped"] = "skipped"
    pictures: list[SkippedPicture] = Field(description="The pictures.")


class Step(_Event):
    """A step is done."""

    type: Literal["step"] = "step"
    progress: Progress = Field(description="Position behind this step.")
    metrics: dict[str, Scalar] = Field(
        default_factory=dict, description="Scalars under OneTrainer's TensorBoard tags; none on accumulating steps."
    )


class Metrics(_Event):
    """Scalars that do not belong to a training step, such as validation losses."""

    type: Literal["metrics"] = "metrics"
    global_step: int = Field(ge=0, description="Step they were measured at.")
    values: dict[str, Scalar] = Field(description="Scalars under OneTrainer's TensorBoard tags.")


SampleKind = Literal["default", "custom"]


class SampleProgress(_Event):
    """Sampling goes on."""

    type: Literal["sample_progress"] = "sample_progress"
    kind: SampleKind = Field(description="default: the configuration's list. custom: asked for.")
    current: int = Field(ge=0, description="Pictures done.")
    total: int = Field(ge=0, description="Pictures asked for.")


class SampleDrawn(_Event):
    """A sample picture was written."""

    type: Literal["sample"] = "sample"
    kind: SampleKind = Field(description="default: the configuration's list. custom: asked for.")
    path: str = Field(description="The file, relative to the run folder.")
    index: int = Field(ge=0, description="Position in the list of samples.")
    progress: Progress = Field(description="Where the training stood.")
    settings: dict[str, Any] = Field(description="Prompt, negative_prompt, seed, diffusion_steps and so on, as used.")


class SamplesDone(_Event):
    """A round of sampling ended."""

    type: Literal["samples_done"] = "samples_done"
    kind: SampleKind = Field(description="default: the configuration's list. custom: asked for.")
    sample_count: int = Field(ge=0, description="Pictures written in this round.")


class BackedUp(_Event):
    """A complete state was written."""

    type: Literal["backup"] = "backup"
    path: str = Field(description="The folder, relative to the run folder.")
    progress: Progress = Field(description="Where the training stood.")


class Saved(_Event):
    """A model file was written."""

    type: Literal["save"] = "save"
    path: str = Field(description="File or folder: relative to the run folder, or absolute outside it.")
    progress: Progress = Field(description="Where the training stood.")
    final: bool = Field(default=False, description="Whether this is the run's result.")


class DeviceMemory(BaseModel):
    """What torch holds of one device."""

    model_config = ConfigDict(frozen=True)

    device: int = Field(ge=0, description="Index of the GPU.")
    allocated_bytes: int = Field(ge=0, description="In tensors.")
    reserved_bytes: int = Field(ge=0, description="Held by torch, in tensors or not.")


class Memory(_Event):
    """What the trainer holds of its GPUs; written every few seconds on machines that have them."""

    type: Literal["memory"] = "memory"
    devices: list[DeviceMemory] = Field(description="The GPUs in use.")


class Warned(_Event):
    """Something a person should know, but that does not end the run."""

    type: Literal["warning"] = "warning"
    message: str = Field(description="One sentence.")


class CommandTaken(_Event):
    """The trainer has seen a command and obeys it now or at the next boundary between steps."""

    type: Literal["command_taken"] = "command_taken"
    command_id: int = Field(ge=1, description="Id in commands.jsonl.")
    command: str = Field(description="Its type.")


class Completed(_Event):
    """The run reached its end."""

    type: Literal["completed"] = "completed"


class Stopped(_Event):
    """The run ended early because it was told to."""

    type: Literal["stopped"] = "stopped"


class Failed(_Event):
    """The run ended because of an error."""

    type: Literal["failed"] = "failed"
    error: str = Field(description="One readable sentence; the trace stands in the log.")


Event = Annotated[
    Started
    | Activity
    | Estimated
    | Planned
    | Skipped
    | Step
    | Metrics
    | SampleProgress
    | SampleDrawn
    | SamplesDone
    | BackedUp
    | Saved
    | Memory
    | Warned
    | CommandTaken
    | Completed
    | Stopped
    | Failed,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)
END_EVENTS = (Completed, Stopped, Failed)


def parse_event(line: bytes) -> Event | None:
    """The event that `line` holds; None for a torn line or one of a newer version."""
    try:
        return EVENT.validate_json(line)
    except ValidationError:
        return None


def parse_events(lines: Iterable[bytes], types: Collection[str] = ()) -> Iterator[Event]:
    """The events among `lines`; torn lines and those of a newer version are passed over.

    Args:
        lines: Lines of a journal.
        types: Which ones to give; empty means any. Most lines are steps: where others are wanted, those are not parsed.
    """
    if types:
        named = re.compile(rb'"type"\s*:\s*"(%s)"' % b"|".join(re.escape(name).encode() for name in types))
        lines = (line for line in lines if named.search(line))
    return (event for line in lines if (event := parse_event(line)) and (not types or event.type in types))


def read_events(path: Path) -> Iterator[Event]:
    """All events of a run so far, oldest first."""
    return parse_events(LineReader(path).read())


class EventWriter:
    """The trainer's pen: numbers events and appends them. Not thread-safe: one thread reports.

    What cannot be written, as on a full disk, is held and comes before the next event that can.
    """

    def __init__(self, path: Path) -> None:
        self._writer = LineWriter(path)  # first: it ends a torn last line, which may hold a whole event
        self._seq = max((event.seq for event in read_events(path)), default=0)
        self._held = deque[str]()

    @property
    def is_holding(self) -> bool:
        """Whether there are events that could not be written yet."""
        return bool(self._held)

    def write(self, event: Event) -> Event:
        """Append `event` under the next number and return it as written.

        Events that others act on after a power cut (ends, backups, saves) are flushed to the disk at once.
        """
        self._seq += 1
        numbered = event.model_copy(update={"seq": self._seq})
        self._held.append(numbered.model_dump_json())
        with suppress(OSError):
            while self._held:
                self._writer.write(self._held[0])
                self._held.popleft()
            if isinstance(numbered, (*END_EVENTS, BackedUp, Saved, Started)):
                self._writer.sync()
        return numbered

    def take(self) -> list[Event]:
        """What is kept for another process to write: nothing."""
        return []

    def close(self) -> None:
        """Close the journal."""
        self._writer.close()
