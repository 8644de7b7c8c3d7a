"""The server's heartbeat: follows the runs, launches the next ones, and ends trainers that do not answer.

Nothing is remembered here that the run folders do not say, so a server that is started again goes on where the last
one was.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol.state import RunStatus, stop_patience_s
from onetrainer_web.runs.announcer import Announcer
from onetrainer_web.runs.broker import Broker
from onetrainer_web.runs.devices import claim
from onetrainer_web.runs.errors import WorkspaceGoneError
from onetrainer_web.runs.event_reader import EventReader
from onetrainer_web.runs.ladder import Ladder
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.queue import Queue
from onetrainer_web.runs.tracked_run import TrackedRun
from onetrainer_web.runs.training import queue_view, training_state
from onetrainer_web.storage.index import IndexWriteError

LOGGER = logging.getLogger(__name__)

BEAT_S = 0.03
"""Between two looks while something happens: with the broker's pause for bursts, progress reaches a listener well
within 200 ms."""

IDLE_BEAT_S = 0.2
"""Between two looks while no run is active; what is asked for wakes the supervisor at once."""

CATCH_UP_BEAT_S = 0.01
"""Between two looks while there is more to read: others must get a turn, too."""

RETRY_S = 2.0
"""Until the next look after one that failed, as on a full disk."""

SAMPLER_PATIENCE_S = 10.0
"""A warm sampler that is in the way has this long to go by itself."""


class Supervisor:
    """One thread that keeps the runs of a workspace going."""

    def __init__(
        self, reader: EventReader, queue: Queue, launcher: Launcher, broker: Broker, announcer: Announcer
    ) -> None:
        self._reader = reader
        self._queue = queue
        self._launcher = launcher
        self._broker = broker
        self._announcer = announcer
        self._announced: tuple[int, int] | None = None
        self._ladders: dict[str, Ladder] = {}
        self._failed: dict[str, str] = {}
        self._wake = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; trainers go on by themselves."""
        self._is_closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Look at once: something has been asked for."""
        self._wake.set()

    def beat(self) -> float:
        """Look at everything once.

        Returns:
            Seconds until the next look.
        """
        try:
            self._reader.poll()
        except IndexWriteError:
            self.announce()  # a run that has ended must not look as if it went on
            raise
        with self._reader.lock:
            if self._reader.has_all:  # one that is not known yet may hold a device
                self._launch_waiting()
        runs = self._reader.live_runs()
        for run in runs:
            if self._reader.is_read(run):  # what is left to read may say that its trainer answers
                self._for_itself(run, self._escalate)
        is_held_back = self.announce()
        if self._reader.is_behind:
            return CATCH_UP_BEAT_S
        is_active = any(run.state.status.is_active for run in runs)
        return BEAT_S if is_active or is_held_back else IDLE_BEAT_S

    def announce(self) -> bool:
        """Tell the listeners how training and the queue stand.

        Returns:
            Whether something is held back for a moment, because it comes in a burst.
        """
        with self._reader.lock:  # or an older state could be told after a newer one
            versions = (self._reader.version, self._queue.version)
            if versions != self._announced:
                self._announced = versions
                self._announcer.tell_training(training_state(self._reader, self._queue))
                self._announcer.tell_queue(queue_view(self._reader, self._queue))
        return self._broker.flush()

    def _run(self) -> None:
        trouble = ""
        while not self._is_closing:
            try:
                pause_s, trouble = self.beat(), ""
            except (IndexWriteError, WorkspaceGoneError) as error:
                if str(error) != trouble:
                    LOGGER.error("%s", error)
                pause_s, trouble = RETRY_S, str(error)
            except Exception:  # the edge of the thread: what fails now may work again later
                LOGGER.exception("Supervision failed; it is tried again.")
                pause_s = RETRY_S
            self._wake.wait(pause_s)
            self._wake.clear()

    def _launch_waiting(self) -> None:
        runs = {run.id: run for run in self._reader.live_runs()}
        holders = {device: run for run in runs.values() if run.state.status.is_active for device in run.devices}
        yielding = {device for device, run in holders.items() if _would_give_way(run)}
        queued = [
            run.id for run in runs.values() if run.state.status is RunStatus.QUEUED and self._reader.can_follow(run)
        ]
        waiting = [(run_id, runs[run_id].need) for run_id in self._queue.sort(queued) if self._queue.may_start(run_id)]
        claims = claim(waiting, holders.keys(), yielding)
        for run_id, devices in claims.starts.items():
            self._for_itself(runs[run_id], partial(self._launch, devices))
        for run_id in {holders[device].id for device in claims.in_the_way}:
            self._for_itself(runs[run_id], self._send_away)

    def _launch(self, devices: Sequence[str], run: TrackedRun) -> None:
        if self._launcher.launch(run.folder, devices):
            self._queue.discard(run.id)
        self._reader.refresh(run.id)

    def _send_away(self, run: TrackedRun) -> None:
        asked.append_command(run.folder.commands, asked.Stop(save=False, timeout_s=SAMPLER_PATIENCE_S))
        self._reader.refresh(run.id)

    def _for_itself(self, run: TrackedRun, act: Callable[[TrackedRun], None]) -> None:
        """What is wrong with the files of one run is told once and keeps nothing from the others."""
        try:
            act(run)
        except OSError as error:
            if self._failed.get(run.id) != str(error):
                LOGGER.warning("Nothing can be done for the run %s now; it is tried again: %s", run.id, error)
            self._failed[run.id] = str(error)
        else:
            self._failed.pop(run.id, None)

    def _escalate(self, run: TrackedRun) -> None:
        deadline = run.state.stop_deadline
        if deadline is None:
            self._ladders.pop(run.id, None)
            return
        now = time.monotonic()
        ladder = self._ladders.setdefault(run.id, Ladder())
        if ladder.deadline != deadline:
            commands = asked.read_commands(run.folder.commands)
            ladder.wait_until(deadline, now + stop_patience_s(run.fold, commands, datetime.now(UTC)))
        urgency = ladder.next_rung(now)
        if urgency is None:
            return
        pid = self._launcher.end(run.folder, run.header.engine, run.state.pid, urgency)
        if pid is None:
            if not ladder.is_lost:
                LOGGER.warning("The trainer of %s does not answer a stop and cannot be found to be ended.", run.id)
            ladder.is_lost = True
            return
        LOGGER.warning("The trainer of %s does not answer a stop: %s to process %d.", run.id, urgency.name, pid)
        ladder.climbed(urgency)


def _would_give_way(run: TrackedRun) -> bool:
    return run.header.task.gives_way and run.state.status is not RunStatus.STOPPING
