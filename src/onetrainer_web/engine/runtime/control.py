"""What is wanted of the run right now: commands from commands.jsonl and signals, watched by one light thread.

The thread lets a stop reach a trainer that is busy importing, loading or drawing. As long as nothing has been trained
that would be lost (`is_disposable`), it ends the process itself, at once.
"""

import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from onetrainer_web.pipeline.watch import StopRequested
from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol.commands import Command
from onetrainer_web.protocol.events import CommandTaken, Event, Stopped
from onetrainer_web.protocol.journal import LineReader
from onetrainer_web.protocol.run_folder import RunFolder

POLL_S = 0.1


def end_process(code: int) -> NoReturn:
    """End at once: tearing torch down takes a second in which the run would still look alive."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # of a log on a full disk
            stream.flush()
    os._exit(code)


class Control:
    """The wishes that wait to be obeyed; all methods are safe from any thread."""

    def __init__(
        self,
        folder: RunFolder,
        resume_id: int,
        report: Callable[[Event], None],
        pass_on: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare.

        Args:
            folder: The run.
            resume_id: Commands up to this one were for earlier starts.
            report: Told what is obeyed.
            pass_on: Called when a stop is asked for.
        """
        self._reader = LineReader(folder.commands)
        self._boundary = resume_id
        self._report = report
        self._pass_on = pass_on
        self._lock = threading.Lock()
        self._stop: asked.Stop | None = None
        self._samples: list[asked.Sample] = []
        self._wishes: set[str] = set()
        self._news = threading.Event()
        self.is_disposable = True
        """Whether a stop may end the process on the spot, because nothing has been trained since the last backup."""

    def watch(self) -> None:
        """Start the thread and catch signals; to be called once, from the main thread."""
        woken, waker = socket.socketpair()
        waker.setblocking(False)
        for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
            if hasattr(signal, name):
                # The number travels through the wakeup socket, which works during a long call into C as well.
                signal.signal(getattr(signal, name), lambda *_: None)
        signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._run, args=(woken, waker), name="control", daemon=True).start()

    @property
    def stop(self) -> asked.Stop | None:
        """The stop that was asked for, if any."""
        return self._stop

    def raise_if_stopped(self) -> None:
        """Leave what is going on when the run was told to stop.

        Raises:
            StopRequested: It was.
        """
        if self.stop:
            raise StopRequested

    def is_stopping(self) -> bool:
        """Whether the run was told to stop."""
        return self.stop is not None

    def take_samples(self) -> list[asked.Sample]:
        """The sample commands that wait; they count as obeyed."""
        with self._lock:
            taken, self._samples = self._samples, []
        return taken

    def take_wishes(self) -> set[str]:
        """What else is asked for, of "backup" and "save"; it counts as obeyed."""
        with self._lock:
            taken, self._wishes = self._wishes, set()
        return taken

    def wait(self, timeout_s: float) -> None:
        """Sleep until something new is asked for, or until `timeout_s` have passed."""
        self._news.wait(timeout_s)
        self._news.clear()

    def check(self) -> None:
        """Take up the commands that were added since the last check."""
        with suppress(OSError):  # of a disk that is away: its commands are read when it is back
            for command in asked.parse_commands(self._reader.read()):
                if command.id > self._boundary:
                    self._take(command)

    def obey_signal(self, number: signal.Signals) -> None:
        """SIGINT is a stop with a save, a second one and any other signal end the process at once."""
        is_second_interrupt = number is signal.SIGINT and self._stop is not None
        if number is not signal.SIGINT or is_second_interrupt:
            self._end_now()
        self._request_stop(asked.Stop(save=True))

    def _take(self, command: Command) -> None:
        if isinstance(command, asked.Untaken):
            return
        self._report(CommandTaken(command_id=command.id, command=command.type))
        with self._lock:
            if isinstance(command, asked.Sample):
                self._samples.append(command)
            elif isinstance(command, asked.Backup | asked.Save):
                self._wishes.add(command.type)
        if isinstance(command, asked.Stop):
            self._request_stop(command)
        self._news.set()

    def _request_stop(self, stop: asked.Stop) -> None:
        self._stop = self._stop or stop
        self._pass_on()
        self._news.set()
        if self.is_disposable:
            self._end_now()

    def _run(self, woken: socket.socket, waker: socket.socket) -> None:
        del waker  # kept alive as long as this thread
        while True:
            self.check()
            if select.select([woken], [], [], POLL_S)[0]:
                for number in woken.recv(64):
                    self.obey_signal(signal.Signals(number))

    def _end_now(self) -> None:
        self._report(Stopped())
        end_process(0)
