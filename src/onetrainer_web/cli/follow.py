"""Follows a run in a terminal: a progress bar fed by its events, and Ctrl-C as a way to stop it."""

import math
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from onetrainer_web.config.text import counted
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.commands import Stop, append_command
from onetrainer_web.protocol.events import Event, parse_events
from onetrainer_web.protocol.journal import LineReader
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.state import RunState, RunStatus, read_state
from onetrainer_web.runs.executors import Urgency
from onetrainer_web.runs.launcher import Launcher

POLL_INTERVAL_S = 0.1
AT_ONCE_S = 2.0
"""After the second Ctrl-C the trainer has this long to end by itself."""
MAX_NAMED = 5
"""Pictures that do not train are named up to this many."""


def live_events(folder: RunFolder, at_each_look: Callable[[], None] = lambda: None) -> Iterator[Event]:
    """The events of a run as they come, until its trainer is gone; `at_each_look` is called several times a second."""
    reader = LineReader(folder.events)
    while True:
        is_alive = is_held(folder.lock)  # asked first: what a dead trainer wrote is all read below
        yield from parse_events(reader.read())
        if not is_alive:
            return
        at_each_look()
        time.sleep(POLL_INTERVAL_S)


class RunDisplay:
    """The bar and the lines above it."""

    def __init__(self, folder: RunFolder, launcher: Launcher, console: Console) -> None:
        self._folder = folder
        self._interrupts = _Interrupts(folder, launcher, console)
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("starting", total=None, loss="")
        self._activity = ""

    def follow(self) -> RunState:
        """Show the run until it ends, and give the state it ended in."""
        with self._bar, self._interrupts.counted():
            for event in live_events(self._folder, self._interrupts.obey):
                self._show(event)
        return read_state(self._folder)

    def _show(self, event: Event) -> None:
        match event:
            case happened.Activity():
                words = escape(event.words)
                self._bar.update(self._task, description=words, total=event.total, completed=event.current)
                if words != self._activity and not self._console.is_terminal:
                    self._console.print(words)
                self._activity = words
            case happened.Planned():
                self._bar.update(self._task, total=event.max_step, completed=event.progress.global_step)
                self._console.print(f"{counted(event.max_step, 'step')} in {counted(event.max_epoch, 'epoch')}.")
            case happened.Step():
                self._show_step(event)
            case happened.Skipped():
                told = list(dict.fromkeys(f"{picture.path}: {picture.reason}" for picture in event.pictures))
                more = [f"and {len(told) - MAX_NAMED} more"] * (len(told) > MAX_NAMED)
                for line in told[:MAX_NAMED] + more:
                    self._console.print(f"[yellow]Passed over:[/] {escape(line)}", soft_wrap=True)
            case happened.Warned():
                self._console.print(f"[yellow]{escape(event.message)}[/]")
            case happened.SampleDrawn() | happened.BackedUp() | happened.Saved():
                self._console.print(f"{event.type}: {escape(str(self._folder.path / event.path))}", soft_wrap=True)
            case _:
                pass

    def _show_step(self, event: happened.Step) -> None:
        loss = next((value for tag, value in event.metrics.items() if tag.startswith("loss/")), None)
        if loss is not None:
            self._bar.update(self._task, loss=f"loss {loss:.4f}")
        self._bar.update(self._task, description="training", completed=event.progress.global_step)


class _Interrupts:
    """What Ctrl-C asks for: the first one a stop with a backup and a save, the second one an end at once.

    The signal is only counted; `obey` does the work between two looks at the run, since a signal may arrive while
    the lock that this work needs is held.
    """

    def __init__(self, folder: RunFolder, launcher: Launcher, console: Console) -> None:
        self._folder = folder
        self._launcher = launcher
        self._console = console
        self._num_pressed = 0
        self._num_obeyed = 0
        self._kill_at = math.inf

    @contextmanager
    def counted(self) -> Generator[None]:
        """Count Ctrl-C instead of ending this program."""

        def count(_signal: int, _frame: FrameType | None) -> None:
            self._num_pressed += 1

        before = signal.signal(signal.SIGINT, count)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def obey(self) -> None:
        """Do what was asked for since the last call."""
        if self._num_pressed > self._num_obeyed == 0:
            self._console.print("Stopping with a backup and a save. Press Ctrl-C again to stop at once.")
            append_command(self._folder.commands, Stop())
            self._num_obeyed = 1
        elif self._num_pressed > self._num_obeyed == 1:
            self._console.print("Stopping at once.")
            append_command(self._folder.commands, Stop(save=False, timeout_s=AT_ONCE_S))
            self._num_obeyed = 2
            self._kill_at = time.monotonic() + AT_ONCE_S
        elif time.monotonic() >= self._kill_at:
            pid = read_state(self._folder).pid
            self._launcher.end(self._folder, self._folder.read_record().engine, pid, Urgency.KILL)


def tell_end(state: RunState, folder: RunFolder, console: Console) -> int:
    """Say how a run ended.

    Returns:
        The exit status: 0 when it completed or was stopped, 1 when it failed.
    """
    if state.status in (RunStatus.COMPLETED, RunStatus.STOPPED):
        console.print(f"The run {folder.run_id} is {state.status.value}.")
        if state.model_path:
            console.print(f"Model: {escape(str(folder.path / state.model_path))}", soft_wrap=True)
        return 0
    console.print(f"[red]The run {folder.run_id} is {state.status.value}.[/] {escape(state.error or '')}")
    console.print(f"Log: {escape(str(folder.log))}", soft_wrap=True)
    return 1
