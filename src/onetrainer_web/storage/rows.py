"""What goes into the index and comes out of it."""

from dataclasses import dataclass, field
from datetime import datetime

from pydantic import BaseModel, ConfigDict

from onetrainer_web.protocol.events import BackedUp, SampleDrawn, Saved
from onetrainer_web.protocol.state import Fold, RunState
from onetrainer_web.protocol.tasks import TASKS, Engine, RunKind, Task


class RunHeader(BaseModel):
    """What a list of runs needs to know of run.json, which is much longer and never changes."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: RunKind
    engine: Engine
    created: datetime
    model_type: str
    training_method: str
    train_device: str
    parent: str | None = None
    resolution: str = ""
    batch_size: str = ""
    learning_rate: float | None = None
    lora_rank: int | None = None
    """Of an adapter; None for what has no rank."""
    spread_over: str | None = None
    """Numbers of the devices that it trains on at once, empty for all; None for a run that keeps to one."""

    @property
    def task(self) -> type[Task]:
        """The facts of its kind."""
        return TASKS[self.kind]

    @property
    def kind_of_work(self) -> tuple[str, ...]:
        """Runs that agree in it take about as long for a step."""
        what = (self.kind, self.engine, self.model_type, self.training_method)
        return (*what, self.train_device, self.spread_over or "", self.resolution, self.batch_size)


@dataclass(frozen=True)
class RunRow:
    """A run as far as its journal has been read."""

    header: RunHeader
    state: RunState
    fold: Fold
    events_offset: int
    commands_size: int


@dataclass
class RunUpdate:
    """What a stretch of a journal adds to the index."""

    run: RunRow
    cut_after: int | None = None
    """A resumed run goes over its steps again: forget what was measured beyond this one."""
    points: list[tuple[str, int, float]] = field(default_factory=list[tuple[str, int, float]])
    """Name, step, value."""
    samples: list[SampleDrawn] = field(default_factory=list[SampleDrawn])
    outputs: list[BackedUp | Saved] = field(default_factory=list[BackedUp | Saved])
    marks: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """seq of an event, and the byte behind it in the journal."""


@dataclass(frozen=True)
class SampleRow:
    """A sample and its number in the workspace."""

    number: int
    run_id: str
    event: SampleDrawn
