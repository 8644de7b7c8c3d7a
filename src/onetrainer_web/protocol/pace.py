"""How long a training will still take: what was measured of it, times what is still to come.

Time is told apart by what the run said it was doing: steps, the work that recurs between them (samples, backups,
validation, saves), and what else comes in between, such as encoding. What was measured survives a resume. What was not
measured yet is reckoned by what a run of the same kind took, if there was one.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from pydantic import BaseModel, Field

from onetrainer_web.config.enums import SECONDS, TimeUnit
from onetrainer_web.config.recurring import Doing
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.events import Event, Progress, Recurring

MEMORY = 0.99
"""Of the weight of a step, what is left with each one after it: about the last hundred count."""

NEGLIGIBLE = 0.1
"""Share of what is left that may be reckoned by another run without a word."""


class Average(BaseModel):
    """The mean of some durations."""

    seconds: float = 0.0
    weight: float = 0.0

    def add(self, seconds: float, memory: float = 1.0, count: int = 1) -> None:
        """Take `count` more into account that took `seconds` together, and the earlier ones only by `memory`."""
        self.seconds = self.seconds * memory + seconds
        self.weight = self.weight * memory + count

    @property
    def mean_s(self) -> float | None:
        """None before the first."""
        return self.seconds / self.weight if self.weight else None


class Counted(BaseModel):
    """Work whose parts are counted, such as pictures to encode."""

    doing: Doing
    first: int
    first_time: datetime
    current: int
    time: datetime
    total: int

    @property
    def num_done(self) -> int:
        """Since its first report."""
        return self.current - self.first

    @property
    def done_s(self) -> float:
        """What these took."""
        return (self.time - self.first_time).total_seconds()

    @property
    def num_left(self) -> int:
        """Parts that are still to do."""
        return max(0, self.total - self.current)


class Durations(BaseModel):
    """What a run took, for another one of its kind to reckon with until it has measured itself."""

    run_id: str
    step_s: float
    work_s: dict[Doing, float]
    """Of work that is not counted, or recurs."""
    part_s: dict[Doing, float]
    """Of a part of counted work."""
    ideal_step_s: float | None = None
    """Of a step on several devices, were each as fast as one alone; None where that is not known."""

    @classmethod
    def on_several(cls, alike: "Durations | None", alone: "Durations | None", num_devices: int) -> "Durations | None":
        """What a run on several devices reckons with.

        Args:
            alike: What one of its kind took on as many devices.
            alone: What one took on a single device; where there is no other, they are taken to share its steps evenly.
            num_devices: How many there are.
        """
        if alone is None:
            return alike
        ideal_s = alone.step_s / num_devices
        known = alike or alone.model_copy(update={"step_s": ideal_s})
        return known.model_copy(update={"ideal_step_s": ideal_s})


@dataclass(frozen=True)
class Seconds:
    """A length of time, and how much of it is reckoned by what another run took."""

    total: float = 0.0
    borrowed: float = 0.0

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.total + other.total, self.borrowed + other.borrowed)

    def __mul__(self, factor: float) -> "Seconds":
        return Seconds(self.total * factor, self.borrowed * factor)


class Pace(BaseModel):
    """What was measured of a run; feed it the events as they come."""

    step: Average = Field(default_factory=Average)
    work: dict[Doing, Average] = Field(default_factory=dict[Doing, Average])
    parts: dict[Doing, Average] = Field(default_factory=dict[Doing, Average])
    """Of counted work."""
    earlier: Durations | None = None
    """What another run took."""
    recurring: list[Recurring] = Field(default_factory=list[Recurring])
    max_step: int = 0
    """0 until this start has told it."""
    max_epoch: int = 0
    planned_from: Progress = Field(default_factory=Progress)
    """Where the steps and epochs to come were counted from."""
    done: int = 0
    """Steps behind."""
    is_training: bool = False
    """Whether steps follow each other now."""
    is_warm: bool = False
    """Whether this start has done a step."""
    marked: datetime | None = None
    """Where the step under way began; None while something else goes on, or when it is not worth measuring."""
    begun: tuple[Doing, datetime] | None = None
    """What goes on instead of steps and is not counted, or recurs; and since when."""
    worked: list[Doing] = Field(default_factory=list[Doing])
    """What was begun since the last step."""
    counted: Counted | None = None
    time: datetime | None = None
    """Of the newest event."""

    def add(self, event: Event) -> None:
        """Take one more event into account."""
        self.time = event.time
        match event:
            case happened.Started():
                self.is_training = self.is_warm = False
                self.marked = self.begun = self.counted = None
                self.max_step = 0  # a run that is resumed may be told to train longer
            case happened.Planned() | happened.Estimated():
                self.recurring = list(event.recurring)
                self.max_step, self.max_epoch = event.max_step, event.max_epoch
                self.planned_from = event.progress
                self.done, self.worked = event.progress.global_step, []
            case happened.Activity():
                self._turn_to(event.doing, event.time, is_counted=event.total is not None)
                self._count(event.doing, event.current, event.total, event.time)
            case happened.Step():
                self._step(event)
            case happened.SampleProgress():
                self._count(Doing.SAMPLING, event.current, event.total, event.time)
            case happened.SamplesDone(kind="custom"):
                self.begun = None  # not the list that recurs
            case _:
                pass

    def _step(self, event: happened.Step) -> None:
        # The first step of a start is not marked: it compiles and allocates.
        if self.marked:
            num_steps = max(1, event.progress.global_step - self.done)  # several devices do several at once
            self.step.add((event.time - self.marked).total_seconds() / num_steps, MEMORY)
        self._end_work(event.time)  # OneTrainer measures its validation loss within a step
        self._end_count()
        self.is_training = self.is_warm = True
        self.marked = event.time
        self.done, self.worked = event.progress.global_step, []

    def _end_work(self, time: datetime) -> None:
        if self.begun:
            doing, since = self.begun
            self.work.setdefault(doing, Average()).add((time - since).total_seconds())
            self.begun = None

    def _turn_to(self, doing: Doing, time: datetime, *, is_counted: bool) -> None:
        if self.begun and is_counted and self._recurs(self.begun[0]):  # a part of it, such as one of the samples
            return
        if self.begun and self.begun[0] != doing:
            self._end_work(time)
        if self.begun is None and doing != Doing.TRAINING and (self._recurs(doing) or not is_counted):
            self.begun = doing, time
            self.worked.append(doing)
        self.is_training = doing == Doing.TRAINING
        self.marked = time if self.is_training and self.is_warm else None

    def _recurs(self, doing: Doing) -> bool:
        return any(one.doing == doing for one in self.recurring)

    def _count(self, doing: Doing, current: int | None, total: int | None, time: datetime) -> None:
        known = self.counted
        if current is None or total is None:
            self._end_count()
        elif known and (known.doing, known.total) == (doing, total):
            self.counted = known.model_copy(update={"current": current, "time": time})
        else:
            self._end_count()
            self.counted = Counted(doing=doing, first=current, first_time=time, current=current, time=time, total=total)

    def _end_count(self) -> None:
        if self.counted and self.counted.num_done > 0:
            average = self.parts.setdefault(self.counted.doing, Average())
            average.add(self.counted.done_s, count=self.counted.num_done)
        self.counted = None

    @property
    def work_end(self) -> datetime | None:
        """When the work under way will be done at the pace since it began; None where that cannot be told."""
        counted = self.counted
        if counted is None or counted.num_done <= 0:
            return None
        return counted.time + timedelta(seconds=counted.done_s / counted.num_done * counted.num_left)

    @property
    def steps_per_s(self) -> float | None:
        """Steps a second while nothing else goes on."""
        mean_s = self.step.mean_s
        return 1 / mean_s if mean_s else None

    @property
    def share_of_ideal(self) -> float | None:
        """How fast several devices are, as a share of as many times one alone; None where that is not known."""
        ideal_s = self.earlier and self.earlier.ideal_step_s
        return ideal_s / self.step.mean_s if ideal_s and self.step.mean_s else None

    def durations(self, run_id: str) -> Durations | None:
        """What was measured of this run, `run_id`, for another one; None while no step was."""
        if self.step.mean_s is None:
            return None
        work_s, part_s = (
            {doing: average.mean_s for doing, average in averages.items() if average.mean_s is not None}
            for averages in (self.work, self.parts)
        )
        return Durations(run_id=run_id, step_s=self.step.mean_s, work_s=work_s, part_s=part_s)

    @property
    def expected_end(self) -> datetime | None:
        """When the training will be through; None while that cannot be told.

        Work that was never measured, such as the first backup, counts nothing until it was.
        """
        left = self._left()
        return self.time + timedelta(seconds=left.total) if left and self.time else None

    @property
    def expected_from(self) -> str | None:
        """The run by whose durations much of what is left is reckoned; None where they are this run's own."""
        left = self._left()
        is_borrowed = left is not None and left.borrowed > NEGLIGIBLE * left.total
        return self.earlier.run_id if self.earlier and is_borrowed else None

    def _left(self) -> Seconds | None:
        """What is left of the training, as of the newest event."""
        start, step = self._until_rest(), self._known(self.step, self.earlier and self.earlier.step_s)
        if start is None or step is None or not self.max_step:
            return None
        rest, shares = step * max(0, self.max_step - self.done), Seconds()
        for one in self.recurring:
            mean = self._of_work(one.doing) or Seconds()
            rest += mean * self._times_due(one)
            if one.unit in SECONDS and one.every:
                shares += mean * (1 / (one.every * SECONDS[one.unit]))
        # What recurs every few minutes takes its share of all the time that is left, its own included.
        return start + rest + shares * (rest.total / (1 - shares.total)) if shares.total < 1 else None

    def _until_rest(self) -> Seconds | None:
        """What is left of that which goes on now; None while that cannot be told."""
        if self.begun and self.time:
            doing, since = self.begun
            gone_s = (self.time - since).total_seconds()
            mean = self._of_work(doing)
            if mean and mean.total:
                return mean * (max(0.0, mean.total - gone_s) / mean.total)
            return self._of_count() or (Seconds() if self._recurs(doing) else None)
        if self.counted:
            return self._of_count()
        return Seconds() if self.is_training else None

    def _of_count(self) -> Seconds | None:
        counted = self.counted
        if counted is None:
            return None
        if counted.num_done > 0:
            return Seconds(counted.done_s / counted.num_done) * counted.num_left
        part = self._known(self.parts.get(counted.doing), self.earlier and self.earlier.part_s.get(counted.doing))
        return part * counted.num_left if part else None

    def _of_work(self, doing: Doing) -> Seconds | None:
        return self._known(self.work.get(doing), self.earlier and self.earlier.work_s.get(doing))

    @staticmethod
    def _known(own: Average | None, earlier_s: float | None) -> Seconds | None:
        """What something takes: as measured here, else as in the earlier run."""
        if own and own.mean_s is not None:
            return Seconds(own.mean_s)
        return Seconds(earlier_s, earlier_s) if earlier_s is not None else None

    def _times_due(self, one: Recurring) -> int:
        """How often it will still be done, counted in epochs or steps."""
        was_begun = one.doing in self.worked
        at_end = int(one.at_end and not (was_begun and self.done >= self.max_step))
        every, skip = (1, 0) if one.unit is TimeUnit.ALWAYS else (one.every, one.skip)
        if one.unit not in (TimeUnit.EPOCH, TimeUnit.STEP, TimeUnit.ALWAYS) or not every:
            return at_end
        # Times are numbered from 0. Fractions: a position must equal its boundary.
        here, end = self._epochs() if one.unit is TimeUnit.EPOCH else (Fraction(self.done), self.max_step)
        next_one = here // every + 1 if was_begun else math.ceil(here / every)
        first = max(next_one, 0 if one.from_start else 1, -(-skip // every))
        return max(0, -(-end // every) - first) + at_end

    def _epochs(self) -> tuple[Fraction, int]:
        """Epochs behind, and of the whole run; all those to come are taken to be equally long."""
        origin = self.planned_from.global_step - self.planned_from.epoch_step
        num_steps, num_epochs = self.max_step - origin, self.max_epoch - self.planned_from.epoch
        if num_steps <= 0 or num_epochs <= 0:
            return Fraction(self.max_epoch), self.max_epoch
        return self.planned_from.epoch + Fraction((self.done - origin) * num_epochs, num_steps), self.max_epoch
