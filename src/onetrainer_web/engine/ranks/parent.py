"""The process that holds a run's lock while several ranks train it: it starts them, and sees to it that none is left.

It imports no torch. Signals reach it, as they reach a trainer on one device; an interrupt it passes on to the first
rank, which decides for all. When one rank ends without the others, it ends them all and writes down why.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from onetrainer_web.engine.ranks.diary import Stand
from onetrainer_web.engine.ranks.seat import Meeting, Seat
from onetrainer_web.protocol.commands import last_resume_id, read_commands
from onetrainer_web.protocol.events import EventWriter, Failed, Stopped, read_events
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.state import Fold, fold_events

POLL_S = 0.05
GRACE_S = 1.5
"""When one rank has ended badly, the others may say better why before they are ended."""
HANG_S = 30.0
"""So long ranks stand at different places, all waiting, before that counts as a hang."""
STACKS_S = 2.0
"""For writing all stacks into the log."""
MEMBER = (sys.executable, "-m", "onetrainer_web.engine.member")

log = logging.getLogger("onetrainer_web.engine")


@dataclass
class _Child:
    """A rank as its parent sees it."""

    seat: Seat
    process: "subprocess.Popen[bytes]"
    code: int | None = None
    ended_at: float = 0.0

    @property
    def name(self) -> str:
        """For sentences."""
        return f"process {self.seat.rank + 1} of {self.seat.size} ({self.seat.device})"

    def has_ended(self) -> bool:
        """Whether it has ended by itself; when that was seen first is remembered."""
        if self.code is None:
            self.code, self.ended_at = self.process.poll(), time.monotonic()
        return self.code is not None


class Parent:
    """Carries out one start of a run by several ranks."""

    def __init__(
        self,
        folder: RunFolder,
        devices: Sequence[str],
        lock_descriptor: int | None,
        *,
        has_started: bool,
        command: Sequence[str] = MEMBER,
        hang_s: float = HANG_S,
    ) -> None:
        """Name what is started.

        Args:
            folder: The run, whose lock this process holds.
            devices: Of each rank.
            lock_descriptor: The open file that holds the lock, for ranks to inherit: the run lives as long as they do.
            has_started: Whether the run had been started before.
            command: The program of a rank, up to its arguments.
            hang_s: As `HANG_S`.
        """
        self._folder = folder
        self._devices = devices
        self._lock_descriptor = lock_descriptor
        self._has_started = has_started
        self._command = command
        self._hang_s = hang_s
        self._children: list[_Child] = []
        self._is_told_to_end = False
        self._hang = ""
        self._stands: list[Stand] = []
        self._stands_since = 0.0

    def run(self) -> int:
        """Train until the end.

        Returns:
            Exit code, as of a trainer on one device.
        """
        with tempfile.TemporaryDirectory(prefix="onetrainer-web-", ignore_cleanup_errors=True) as name:
            meeting = Meeting(Path(name))
            with self._listening():
                try:
                    self._start(meeting)
                    self._wait(meeting)
                finally:
                    self._end_all()
                return self._judge(meeting)

    @contextmanager
    def _listening(self) -> Generator[None]:
        numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
        usual = [signal.signal(number, self._pass_on) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, usual, strict=True):
                signal.signal(number, handler)

    def _pass_on(self, number: int, _frame: object) -> None:
        """The first rank hears of it; it tells the others, or ends, and then this process ends them."""
        self._is_told_to_end = True
        if self._children and not self._children[0].has_ended():
            with suppress(OSError, ValueError):  # gone in this moment; Windows knows fewer signals
                self._children[0].process.send_signal(number)

    def _start(self, meeting: Meeting) -> None:
        size = len(self._devices)
        for rank, device in enumerate(self._devices):
            seat = Seat(rank, size, device, meeting, os.getpid(), self._has_started)
            inherited = () if self._lock_descriptor is None else (self._lock_descriptor,)
            process = subprocess.Popen(
                [*self._command, str(self._folder.path), *seat.arguments()],
                env=_environment(os.environ, device, size),
                stdin=subprocess.PIPE,  # closed by the end of this process, whichever it is, so that no rank is left
                pass_fds=inherited,
                start_new_session=True,  # an interrupt from a keyboard would reach all of them otherwise
            )
            self._children.append(_Child(seat, process))

    def _wait(self, meeting: Meeting) -> None:
        """Return when all are gone, or when those that are left are to be ended."""
        while not self._is_over(meeting):
            time.sleep(POLL_S)
            self._watch(meeting)

    def _is_over(self, meeting: Meeting) -> bool:
        ended = [child for child in self._children if child.has_ended()]
        first = self._children[0]
        if len(ended) == len(self._children) or self._hang:
            return True
        if first in ended and (first.code != 0 or meeting.stop.exists()):
            return True  # nobody waits for the others then
        decisive = [child.ended_at for child in ended if child is first or child.code != 0]
        return bool(decisive) and time.monotonic() > min(decisive) + GRACE_S

    def _watch(self, meeting: Meeting) -> None:
        """Find ranks that wait for each other at different places."""
        stands = [Stand.read(meeting.diary(child.seat.rank)) for child in self._children]
        now = time.monotonic()
        if stands != self._stands:
            self._stands, self._stands_since = stands, now
        differ = len({(stand.count, stand.digest) for stand in stands}) > 1
        is_hanging = differ and all(stand.is_waiting for stand in stands)
        if is_hanging and now > self._stands_since + self._hang_s:
            places = ", ".join(f"{stand.place!r} ({stand.count})" for stand in stands)
            self._hang = f"The processes of the run wait for each other for ever, at {places}"
            self._write_stacks()

    def _write_stacks(self) -> None:
        """Let each rank write its stacks into the log, where the system can do that."""
        if hasattr(signal, "SIGUSR1"):
            for child in self._children:
                child.process.send_signal(signal.SIGUSR1)
            time.sleep(STACKS_S)

    def _end_all(self) -> None:
        """End what is left."""
        left = [child for child in self._children if not child.has_ended()]
        for child in left:
            child.process.kill()
        for child in self._children:
            with child.process:  # waits, and closes its standard input
                pass

    def _judge(self, meeting: Meeting) -> int:
        """Write down the end, if the first rank has not."""
        fold = fold_events(read_events(self._folder.events))
        has_begun = fold.started is not None and fold.resume_id == last_resume_id(read_commands(self._folder.commands))
        if not has_begun:  # nobody has answered yet, so that there is nothing to end; the log says why
            return 1
        if fold.end is not None:
            self._compare(meeting)
            return int(isinstance(fold.end, Failed))
        if self._is_told_to_end:
            EventWriter(self._folder.events).write(Stopped())
            return 0
        sentence = self._hang or self._cause(meeting, fold)
        log.error("%s", sentence)
        EventWriter(self._folder.events).write(Failed(error=sentence))
        return 1

    def _compare(self, meeting: Meeting) -> None:
        """Say whether all ranks did the same things together, which is what keeps them from hanging."""
        if any(child.code != 0 for child in self._children):
            return
        stands = [Stand.read(meeting.diary(child.seat.rank)) for child in self._children]
        if len({(stand.count, stand.digest) for stand in stands}) == 1:
            log.info("The %d processes met %d times", len(stands), stands[0].count)
        else:
            log.error("The processes did not meet at the same places: %s", stands)

    def _cause(self, meeting: Meeting, fold: Fold) -> str:
        """Why the run cannot go on, by the first rank that ended for a reason of its own."""
        where = f"at step {fold.progress.global_step}" if fold.progress else "before the first step"
        remedy = "go on from its last backup" if fold.has_backup else "begin again; it has no backup"
        by_time = sorted(self._children, key=lambda child: child.ended_at)
        for child in by_time:
            failure = meeting.failure(child.seat.rank)
            if child.code == 1 and failure.is_file():
                return failure.read_text(encoding="utf-8")
        for child in by_time:
            if child.code is not None and child.code < 0:
                name = signal.Signals(-child.code).name
                memory = ", as the system does when memory runs out" if name == "SIGKILL" else ""
                return f"{child.name.capitalize()} was ended by {name} {where}{memory}. Resume the run to {remedy}."
        for child in by_time:
            if (failure := meeting.failure(child.seat.rank)).is_file():
                return failure.read_text(encoding="utf-8")
        name = by_time[0].name.capitalize()
        return f"{name} ended without a word {where}. The log may hold more; resume the run to {remedy}."


def _environment(own: Mapping[str, str], device: str, size: int) -> dict[str, str]:
    """What a rank inherits: threads that do not stand in each other's way, and a connection within the machine."""
    local = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    usual = {"OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // size))} if device == "cpu" else {}
    if local:
        usual["GLOO_SOCKET_IFNAME"] = local
    return {**usual, **own}
