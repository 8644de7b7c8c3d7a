"""How long a training will still take: what was measured of it, times what is still to come.

Time is told apart by what the run said it was doing: steps, and the work that recurs between them (samples, backups,
validation, saves). Loading and encoding are no measure of either. What was measured survives a resume.
"""

from datetime import datetime, timedelta

from pydantic import BaseModel, Field

from onetrainer_web.config.enums import SECONDS, TimeUnit
from onetrainer_web.config.recurring import SAMPLING, TRAINING
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.events import Event, Recurring

MEMORY = 0.99
"""Of the weight of a step, what is left with each one after it: about the last hundred count."""


class Average(BaseModel):
    """The mean of some durations."""

    seconds: float = 0.0
    weight: float = 0.0

    def add(self, seconds: float, memory: float = 1.0) -> None:
        """Take one more into account, and the earlier ones only by the share `memory`."""
        self.seconds = self.seconds * memory + seconds
        self.weight = self.weight * memory + 1

    @property
    def mean_s(self) -> float | None:
        """None before the first."""
        return self.seconds / self.weight if self.weight else None


class Counted(BaseModel):
    """Work whose parts are counted, such as pictures to encode."""

    text: str
    first: int
    first_time: datetime
    current: int
    time: datetime
    total: int

    @property
    def end(self) -> datetime | None:
        """When it will be done at the pace since it began; None before its second report."""
        if self.current <= self.first:
            return None
        return self.time + (self.time - self.first_time) / (self.current - self.first) * (self.total - self.current)


class Pace(BaseModel):
    """What was measured of a run; feed it the events as they come."""

    step: Average = Field(default_factory=Average)
    work: dict[str, Average] = Field(default_factory=dict[str, Average])
    """By its activity."""
    recurring: list[Recurring] = Field(default_factory=list[Recurring])
    max_step: int = 0
    max_epoch: int = 0
    done: int = 0
    """Steps behind."""
    is_training: bool = False
    """Whether steps follow each other now."""
    is_warm: bool = False
    """Whether this start has done a step."""
    marked: datetime | None = None
    """Where the step under way began; None while something else goes on, or when it is not worth measuring."""
    begun: tuple[str, datetime] | None = None
    """The recurring work that goes on, and since when."""
    worked: list[str] = Field(default_factory=list[str])
    """Recurring work that was begun since the last step."""
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
            case happened.Planned():
                self.recurring = list(event.recurring)
                self.max_step, self.max_epoch = event.max_step, event.max_epoch
                self.done, self.worked = event.progress.global_step, []
            case happened.Activity():
                self._turn_to(event.text, event.time, is_counted=event.total is not None)
                self._count(event.text, event.current, event.total, event.time)
            case happened.Step():
                self._step(event)
            case happened.SampleProgress():
                self._count(SAMPLING, event.current, event.total, event.time)
            case happened.SamplesDone(kind="custom"):
                self.begun = None  # not the list that recurs
            case _:
                pass

    def _step(self, event: happened.Step) -> None:
        # The first step of a start is not marked: it compiles and allocates.
        if self.marked:
            self.step.add((event.time - self.marked).total_seconds(), MEMORY)
        self._end_work(event.time)  # OneTrainer measures its validation loss within a step
        self.is_training = self.is_warm = True
        self.marked, self.counted = event.time, None
        self.done, self.worked = event.progress.global_step, []

    def _end_work(self, time: datetime) -> None:
        if self.begun:
            text, since = self.begun
            self.work.setdefault(text, Average()).add((time - since).total_seconds())
            self.begun = None

    def _turn_to(self, activity: str, time: datetime, *, is_counted: bool) -> None:
        if self.begun and is_counted:  # part of the work that goes on, such as one of its samples
            return
        if self.begun and self.begun[0] != activity:
            self._end_work(time)
        if self.begun is None and any(one.activity == activity for one in self.recurring):
            self.begun = activity, time
            self.worked.append(activity)
        self.is_training = activity == TRAINING
        self.marked = time if self.is_training and self.is_warm else None

    def _count(self, text: str, current: int | None, total: int | None, time: datetime) -> None:
        known = self.counted
        if current is None or total is None:
            self.counted = None
        elif known and (known.text, known.total) == (text, total):
            self.counted = known.model_copy(update={"current": current, "time": time})
        else:
            self.counted = Counted(text=text, first=current, first_time=time, current=current, time=time, total=total)

    @property
    def work_end(self) -> datetime | None:
        """When the work under way will be done; None where it is not counted."""
        return self.counted.end if self.counted else None

    @property
    def steps_per_s(self) -> float | None:
        """Steps a second while nothing else goes on."""
        mean_s = self.step.mean_s
        return 1 / mean_s if mean_s else None

    @property
    def expected_end(self) -> datetime | None:
        """When the training will be through; None while that cannot be told.

        Work that was never measured, such as the first backup, counts nothing until it was.
        """
        start = self._start_of_rest()
        if start is None or self.step.mean_s is None:
            return None
        rest_s = self.step.mean_s * max(0, self.max_step - self.done)
        shares = 0.0
        for one in self.recurring:
            mean_s = self._mean_of(one)
            rest_s += mean_s * self._times_due(one)
            shares += mean_s / (one.every * SECONDS[one.unit]) if one.unit in SECONDS and one.every else 0
        # What recurs every few minutes takes its share of all the time that is left, its own included.
        return start + timedelta(seconds=rest_s / (1 - shares)) if shares < 1 else None

    def _start_of_rest(self) -> datetime | None:
        """When what goes on now will be done; None while that cannot be told."""
        if self.time is None:
            return None
        if self.begun:
            text, since = self.begun
            mean_s = self.work[text].mean_s if text in self.work else None
            end = since + timedelta(seconds=mean_s) if mean_s else self.work_end
            return max(self.time, end or self.time)
        return self.work_end if self.counted else self.time if self.is_training else None

    def _mean_of(self, one: Recurring) -> float:
        average = self.work.get(one.activity)
        return average.mean_s or 0.0 if average else 0.0

    def _times_due(self, one: Recurring) -> int:
        """How often it will still be done, counted in epochs or steps; epochs are taken to be equally long."""
        was_begun = one.activity in self.worked
        at_end = int(one.at_end and not (was_begun and self.done >= self.max_step))
        every, skip = (1, 0) if one.unit is TimeUnit.ALWAYS else (one.every, one.skip)
        if one.unit not in (TimeUnit.EPOCH, TimeUnit.STEP, TimeUnit.ALWAYS) or not every:
            return at_end
        # Times are numbered from 0; `pitch` lies between two. Whole numbers: a position must equal its boundary.
        scale, pitch = (self.max_epoch, every * self.max_step) if one.unit is TimeUnit.EPOCH else (1, every)
        if not pitch:
            return at_end
        done = self.done * scale
        next_one = done // pitch + 1 if was_begun else -(-done // pitch)
        first = max(next_one, 0 if one.from_start else 1, -(-skip // every))
        return max(0, -(-self.max_step * scale // pitch) - first) + at_end
