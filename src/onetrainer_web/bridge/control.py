"""What is wanted of the run: commands.jsonl and signals, watched by one thread and passed on to OneTrainer."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from onetrainer_web.bridge.journal import Journal, Lines

POLL_S = 0.1
FOR_THE_TRAINER = ("stop", "sample", "backup", "save")


class Control:
    """Passes wishes on; all methods are safe from any thread."""

    def __init__(self, commands: Path, boundary: int, journal: Journal) -> None:
        """Prepare; nothing is read before `watch`.

        Args:
            commands: commands.jsonl.
            boundary: Id of the last `resume`: what stands before it is history.
            journal: Where obeying is told.
        """
        self._lines = Lines(commands)
        self._boundary = boundary
        self._journal = journal
        self._lock = threading.RLock()
        self._waiting: list[dict[str, Any]] = []
        self._commands: Any = None
        self._make_sample: Callable[[dict[str, Any]], Any] | None = None
        self._unanswered: list[dict[str, Any]] = []
        self._is_deaf = False
        self._was_interrupted = False
        self.stop: dict[str, Any] | None = None
        """The stop that was asked for, if any."""
        self.custom_samples: list[int] = []
        """How many pictures each request asked for that OneTrainer has not begun to draw."""
        self.is_disposable = True
        """Whether a stop may end the process on the spot, because this start has trained nothing yet."""

    def watch(self) -> None:
        """Start the thread and catch SIGINT; to be called once, from the main thread."""
        signal.signal(signal.SIGINT, self._interrupt)
        threading.Thread(target=self._run, name="control", daemon=True).start()

    def attach(self, commands: Any, make_sample: Callable[[dict[str, Any]], Any]) -> None:
        """Pass everything on to OneTrainer's command object from now on, and what has waited for it."""
        with self._lock:
            self._commands, self._make_sample = commands, make_sample
            waiting, self._waiting = self._waiting, []
            for command in waiting:
                self._pass_on(command)

    def set_deaf(self, is_deaf: bool) -> None:
        """Tell whether OneTrainer is at something during which it ignores a stop.

        A stop counts as answered only when it will be obeyed: until then its deadline stands, and then come signals.
        """
        with self._lock:
            self._is_deaf = is_deaf
            if not is_deaf:
                self.answer_stop()

    def answer_stop(self) -> None:
        """Report the stops that are being obeyed now."""
        with self._lock:
            unanswered, self._unanswered = self._unanswered, []
        for command in unanswered:
            self._report(command)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """SIGINT asks for a stop with a save; while a stop waits already, it breaks off what OneTrainer is doing."""
        if self.stop is not None:
            raise KeyboardInterrupt
        self._was_interrupted = True  # the thread does the rest: this one may hold a lock that it needs

    def _run(self) -> None:
        while True:
            if self._was_interrupted and self.stop is None:
                self._ask_stop({"save": True})
            for command in self._lines.read():
                if command.get("type") in FOR_THE_TRAINER and int(command.get("id", 0)) > self._boundary:
                    self._take(command)
            time.sleep(POLL_S)

    def _take(self, command: dict[str, Any]) -> None:
        if command["type"] == "stop":
            with self._lock:
                self._unanswered.append(command)
            self._ask_stop(command)
            return
        with self._lock:
            if self._commands is None:
                self._waiting.append(command)
            else:
                self._pass_on(command)
        self._report(command)

    def _ask_stop(self, command: dict[str, Any]) -> None:
        with self._lock:
            self.stop = self.stop or command
            if self.is_disposable:
                self._end_now()
            if self._commands is not None:
                self._commands.stop()
            if not self._is_deaf:
                self.answer_stop()

    def _pass_on(self, command: dict[str, Any]) -> None:
        if command["type"] == "backup":
            self._commands.backup()
        elif command["type"] == "save":
            self._commands.save()
        elif command.get("samples") is None:
            self._commands.sample_default()
        elif self._make_sample is not None:
            self.custom_samples.append(len(command["samples"]))
            for settings in command["samples"]:
                self._commands.sample_custom(self._make_sample(settings))

    def _report(self, command: dict[str, Any]) -> None:
        self._journal.write("command_taken", command_id=command["id"], command=command["type"])

    def _end_now(self) -> None:
        self.answer_stop()
        self._journal.write("stopped")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
