"""Telling what happens: the journal for the server, TensorBoard files for curves, one line a happening for the log."""

import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from onetrainer_web.config.recurring import WORDS, Doing
from onetrainer_web.files.shortages import reason_of
from onetrainer_web.protocol.events import (
    END_EVENTS,
    Activity,
    DeviceMemory,
    Event,
    EventWriter,
    Metrics,
    Progress,
    Step,
    Warned,
)

if TYPE_CHECKING:
    import torch

    from onetrainer_web.engine.runtime.curves import Curves

MIN_PROGRESS_S = 0.1
"""Between two reports of the same work."""
MIN_MEMORY_S = 5.0
"""Between two reports of the GPU's memory."""

log = logging.getLogger("onetrainer_web.engine")


def held_memory(device: "torch.device") -> DeviceMemory:
    """What torch holds of a GPU."""
    import torch

    index = device.index or 0
    return DeviceMemory(
        device=index,
        allocated_bytes=torch.cuda.memory_allocated(index),
        reserved_bytes=torch.cuda.memory_reserved(index),
    )


class Pen(Protocol):
    """What events go to."""

    @property
    def is_holding(self) -> bool:
        """Whether there is something that could not be written yet."""
        ...

    def write(self, event: Event) -> object:
        """Take one more."""
        ...

    def take(self) -> list[Event]:
        """What was not written but kept for another process since the last time."""
        ...


class Reporter:
    """The pen of a run; the control thread writes through it too, hence its lock. After an end nothing is written."""

    def __init__(self, events: Path, pen: Pen | None = None) -> None:
        """Take up the pen.

        Args:
            events: The journal.
            pen: What writes in place of the journal; None writes there.
        """
        self._writer: Pen = EventWriter(events) if pen is None else pen
        self._events = events
        self._lock = threading.Lock()
        self._is_ended = False
        self._curves: Curves | None = None
        self._said: set[str] = set()
        self._last_doing = Doing.STARTING
        self._last_time = 0.0
        self._last_memory = 0.0

    @property
    def is_holding(self) -> bool:
        """Whether there is something that could not be written to the journal yet."""
        return self._writer.is_holding

    def open_tensorboard(self, folder: Path) -> None:
        """Write curves to a new event file in `folder` from now on."""
        from onetrainer_web.engine.runtime.curves import Curves

        with self._giving_up_curves():
            self._curves = Curves(folder)

    def take_told(self) -> list[Event]:
        """What was told since the last time and is not in the journal: nothing, but in a rank behind the first one."""
        return self._writer.take()

    def write(self, event: Event) -> None:
        """Append `event` to the journal."""
        with self._lock:
            if not self._is_ended:
                self._writer.write(event)
                self._is_ended = isinstance(event, END_EVENTS)

    def activity(self, doing: Doing) -> None:
        """Say what is going on now."""
        self._last_doing = doing
        self.write(Activity(doing=doing))

    def advance(self, doing: Doing, current: int, total: int) -> None:
        """Say how far countable work has come: a few times a second at most, and in the log when it begins."""
        now = time.monotonic()
        is_new = doing != self._last_doing
        if not is_new and now - self._last_time < MIN_PROGRESS_S:
            return
        self._last_doing, self._last_time = doing, now
        self.write(Activity(doing=doing, current=current, total=total))
        if is_new:
            log.info("%s (%d)", WORDS[doing].capitalize(), total)

    def warn(self, message: str) -> None:
        """Say something that a person should know."""
        self.write(Warned(message=message))
        log.warning("%s", message)

    def warn_once(self, message: str) -> None:
        """Say something that a person should know, but not each time that it shows."""
        if message not in self._said:
            self._said.add(message)
            self.warn(message)

    def step(self, progress: Progress, metrics: dict[str, float]) -> None:
        """Report a finished step; `metrics` only behind an optimizer step."""
        self.write(Step(progress=progress, metrics=metrics))
        if metrics:
            self._draw(lambda curves: curves.scalars(metrics, progress.global_step))

    def measured(self, global_step: int, values: dict[str, float]) -> None:
        """Report numbers that belong to no single step."""
        self.write(Metrics(global_step=global_step, values=values))
        self._draw(lambda curves: curves.scalars(values, global_step))

    def is_memory_due(self, device: "torch.device") -> bool:
        """Whether it is time to say what torch holds of a GPU, as every few seconds; asked once each time."""
        now = time.monotonic()
        is_due = device.type == "cuda" and now - self._last_memory >= MIN_MEMORY_S
        if is_due:
            self._last_memory = now
        return is_due

    def picture(self, tag: str, picture: Image.Image, progress: Progress) -> None:
        """Put a sample picture beside the curves."""
        self._draw(lambda curves: curves.picture(tag, picture, progress.global_step))

    def flush(self) -> None:
        """Make what TensorBoard holds back readable."""
        self._draw(lambda curves: curves.flush())

    def close(self) -> None:
        """Close TensorBoard's file."""
        self._draw(lambda curves: curves.close())

    def _draw(self, change: "Callable[[Curves], None]") -> None:
        """Do something to TensorBoard's file, if there is one."""
        if self._curves:
            with self._giving_up_curves():
                change(self._curves)

    @contextmanager
    def _giving_up_curves(self) -> Generator[None]:
        """A file that cannot be written ends here; the training does not, and the journal has its numbers."""
        try:
            yield
        except OSError as error:
            given_up, self._curves = self._curves, None
            reason = reason_of(error, self._events.parent)
            self.warn(f"TensorBoard's file could not be written: {reason}. It ends here; the page shows all curves.")
            if given_up:
                with suppress(OSError):
                    given_up.close()
