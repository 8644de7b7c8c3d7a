"""Everything that can be asked about runs, in one place: what the API and the command line call.

All methods but `subscribe` may block on files and the index for a moment: call them from a worker thread.
They are safe to call from any thread. Every expected failure is a OneTrainerWebError.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.files.confined import NotAFileError, remove
from onetrainer_web.protocol.commands import (
    Command,
    Describe,
    Rename,
    Resume,
    Sample,
    Stop,
    append_command,
    config_asked_for,
    read_commands,
)
from onetrainer_web.protocol.events import DeviceMemory
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunFolder, RunRecord, RunRequest, making_runs
from onetrainer_web.protocol.state import RunState, RunStatus
from onetrainer_web.protocol.tasks import Engine, SampleTask, TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.announcer import Announcer
from onetrainer_web.runs.broker import Broker, Subscription, Topic
from onetrainer_web.runs.deletion import remove_leftovers, set_aside
from onetrainer_web.runs.errors import (
    AlreadyTrainingError,
    NotResumableError,
    NotRunningError,
    QueueOrderError,
    RunActiveError,
    RunStoppingError,
    TrainedLongerError,
)
from onetrainer_web.runs.event_reader import EventReader
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.runs.listing import ALL_RUNS, RunQuery, find_runs
from onetrainer_web.runs.messages import Published
from onetrainer_web.runs.on_end import OnEnd
from onetrainer_web.runs.outputs import RunOutputs
from onetrainer_web.runs.queue import Queue
from onetrainer_web.runs.sampler import draws_alike, sampler_config, trained_config
from onetrainer_web.runs.server_lock import ServerLock
from onetrainer_web.runs.supervisor import Supervisor
from onetrainer_web.runs.tracked_run import TrackedRun
from onetrainer_web.runs.training import active_training, queue_view, training_state
from onetrainer_web.runs.views import (
    DeletedRun,
    QueueView,
    RunPage,
    RunView,
    TrainingState,
)
from onetrainer_web.storage.index import RunIndex


class RunService:
    """The runs of one workspace: started, followed, ended, remembered and told of."""

    def __init__(
        self,
        workspace: Workspace,
        launcher: Launcher | None = None,
        address: str = "another server",
        on_end: Path | None = None,
    ) -> None:
        """Take the workspace, open (or rebuild) its index, and take note of all runs; none is launched before `start`.

        Args:
            workspace: Where the runs lie.
            launcher: How trainers are started; None starts the project's own.
            address: Where this server can be reached, for a second one to say.
            on_end: A program that is started when a training has ended.

        Raises:
            WorkspaceBusyError: Another server serves this workspace (400).
        """
        self._workspace = workspace
        self.launcher = launcher or Launcher()
        """Who does what is asked of runs."""
        self._broker = Broker()
        self._announcer = Announcer(self._broker)
        self._server_lock = ServerLock(workspace, address)
        try:
            with suppress(OSError):  # of a disk that cannot be written, as the lock has said: the next one tries again
                remove_leftovers(workspace)
            self._index = RunIndex(workspace.index, workspace.retired_samples)
            self._queue = Queue(workspace.queue)
            self._reader = EventReader(workspace, self._index, self._announcer, self.launcher.executor, OnEnd(on_end))
            self._reader.load()
        except BaseException:
            self._server_lock.release()
            raise
        self.outputs = RunOutputs(workspace, self._reader, self._index)
        self._supervisor = Supervisor(self._reader, self._queue, self.launcher, self._broker, self._announcer)

    # --- life

    def start(self) -> None:
        """Begin to follow and launch runs."""
        self._supervisor.start()

    def close(self) -> None:
        """Stop following. Trainers go on by themselves; the next server takes them up again."""
        self._supervisor.close()
        self._index.close()
        self._server_lock.release()

    # --- runs

    def create(self, requests: Sequence[RunRequest]) -> list[RunView]:
        """Make runs, all or none (also on a disk that has no room for all), and put them at the end of the queue.

        Raises:
            IndexWriteError: There is no room to take note of them (507).
            RunNotFoundError: There is no such parent (404).
            TrainerNotInstalledError: The trainer is not installed (501).
            OneTrainerMissingError: There is no OneTrainer (501).
        """
        for engine in {request.engine for request in requests}:
            self.launcher.check_installed(engine)
        with self._reader.lock:
            for parent in {request.parent for request in requests if request.parent is not None}:
                self._reader.run(parent)
            return [run.view() for run in self._make(requests)]

    def get(self, run_id: str) -> RunView:
        """One run.

        Raises:
            RunNotFoundError: There is none with this id (404). So with every method that takes a run id.
        """
        return self._reader.run(run_id).view()

    def record(self, run_id: str) -> RunRecord:
        """What was asked of a run: `record.task.config` is its complete configuration, as it holds today."""
        folder = self._reader.run(run_id).folder
        record = folder.read_record()
        config = config_asked_for(record.task.config, read_commands(folder.commands))
        return record.model_copy(update={"task": record.task.model_copy(update={"config": config})})

    def describe(
        self, run_id: str, name: str | None = None, tags: Sequence[str] | None = None, note: str | None = None
    ) -> RunView:
        """Give a run another readable name (1 to 200 characters), tags or a note; None leaves what it has."""
        with self._reader.lock:
            run = self._reader.run(run_id)
            if name is not None:
                append_command(run.folder.commands, Rename(name=name))
            if tags is not None or note is not None:
                said = Describe(
                    tags=run.state.tags if tags is None else list(dict.fromkeys(tags)),
                    note=run.state.note if note is None else note,
                )
                append_command(run.folder.commands, said)
            return self._changed(run_id).view()

    def delete(self, run_id: str) -> DeletedRun:
        """Delete a run with all its files, or what is listed as unreadable; of a link, what it leads to stays.

        Raises:
            RunActiveError: Its trainer lives (400).
        """
        with self._reader.lock:
            odd = self._reader.odd_name(run_id)
            doomed = self._set_aside(run_id) if odd is None else self._set_aside_odd(run_id, odd)
        freed_bytes = remove(doomed)
        self._supervisor.wake()
        return DeletedRun(run_id=run_id, freed_bytes=freed_bytes)

    def resume(self, run_id: str, backup: str | None = None, epochs: int | None = None) -> RunView:
        """Queue an ended run again, to go on from `backup` (a name in its backup folder) or its newest one.

        With `epochs` its length changes from here on: a completed run trains longer.

        Raises:
            NotResumableError: It waits or is active (400).
            BackupNotFoundError: It has no such backup (404).
            BackupDamagedError: The backup is not whole (400).
            TrainedLongerError: It has trained that many epochs already (400).
            PathRefusedError: Its configuration names what this server may not read (400).
            TrainerNotInstalledError: The trainer is not installed (501).
            OneTrainerMissingError: There is no OneTrainer (501).
        """
        self.launcher.check_installed(self._reader.run(run_id).header.engine)
        with self._reader.lock:
            run = self._reader.refresh(run_id)
            if not run.state.status.is_resumable:
                raise NotResumableError(run_id, run.state.status.value)
            self.launcher.check_paths(run.folder.read_record().task.config)
            if backup is not None:
                self.outputs.require_backup(run_id, backup)
            if epochs is not None and backup is None and epochs <= (done := _epochs_done(run.state)):
                raise TrainedLongerError(run_id, epochs, done)
            append_command(run.folder.commands, Resume(backup=backup, epochs=epochs))
            return self._changed(run_id).view()

    def command(self, run_id: str, command: Command) -> Command:
        """Ask something of a run: Stop, Sample, Backup, Save (also while it starts).

        A Stop for a waiting run takes it out of the queue; all others need an active run.

        Returns:
            The command as written, with its id.

        Raises:
            NotRunningError: The run is not active (400).
            RunStoppingError: It is stopping; only another Stop is taken (400).
        """
        with self._reader.lock:
            run = self._reader.refresh(run_id)
            is_cancelled = run.state.status is RunStatus.QUEUED and isinstance(command, Stop)
            if not run.state.status.is_active and not is_cancelled:
                raise NotRunningError(run_id)
            return self._append(run, command)

    # --- the training of the contract's /api/training/*: the active run, whoever started it

    def current(self) -> TrainingState:
        """The active (or about to start) training run, else the one that ended last, else idle."""
        return training_state(self._reader, self._queue)

    def start_training(self, config: TrainConfig, name: str = "", engine: Engine = Engine.NATIVE) -> RunView:
        """Start a training run now, whether or not the queue is paused; `current()` is active from here on.

        Raises:
            AlreadyTrainingError: One is active or about to start (400).
            TrainerNotInstalledError: The trainer is not installed (501).
            OneTrainerMissingError: There is no OneTrainer (501).
        """
        self.launcher.check_installed(engine)
        with self._reader.lock:
            if active := active_training(self._reader, self._queue):
                raise AlreadyTrainingError(active.id)
            [run] = self._make([RunRequest(TrainTask.of(config), name, engine)], is_immediate=True)
            return run.view()

    def command_training(self, command: Command) -> Command:
        """Ask something of the active training run, also when it is about to start: Stop, Backup, Save.

        Raises:
            NotRunningError: None is active (400).
            RunStoppingError: It is stopping; only another Stop is taken (400).
        """
        with self._reader.lock:
            active = active_training(self._reader, self._queue)
            if active is None:
                raise NotRunningError
            return self._append(active, command)

    # --- samples

    def request_samples(self, samples: list[dict[str, Any]] | None, current_config: TrainConfig) -> RunView:
        """Have samples drawn: by the active training run between two steps, else by a sampler that stays warm.

        The sampler uses the newest save of the last training run if that run was made from the current
        configuration's model, else the current configuration's model.

        Args:
            samples: Settings in the configuration's words (prompt, negative_prompt, seed, diffusion_steps, cfg_scale,
                width, height, ...); missing ones take their defaults. None draws the configuration's own list.
            current_config: The configuration being edited.

        Returns:
            The run that will draw them.

        Raises:
            TrainerNotInstalledError: A sampler would be needed and the trainer is not installed (501).
            RunStoppingError: The training is just stopping (400).
        """
        with self._reader.lock:
            command = Sample(samples=samples)
            if active := active_training(self._reader, self._queue):
                self._append(active, command)
                return self._reader.run(active.id).view()
            wanted = self._sampler_config(config_to_dict(current_config), self._reader.last_training())
            drawing_id, _ = self._draw(wanted, command)
            return self._reader.run(drawing_id).view()

    def request_samples_of(self, run_id: str, samples: list[dict[str, Any]] | None) -> tuple[str, Command]:
        """Have samples drawn from a run's model: while it is active between two steps, else from its newest save.

        Args:
            run_id: The run.
            samples: As for `request_samples`.

        Returns:
            The id of the run that will draw them, and the command as written.

        Raises:
            NotRunningError: It is not active and has no save (400).
            RunStoppingError: It is stopping (400).
            TrainerNotInstalledError: A sampler would be needed and the trainer is not installed (501).
        """
        with self._reader.lock:
            run = self._reader.refresh(run_id)
            if not run.state.status.is_active:
                save = next(iter(self.outputs.saves(run_id)), None)
                if save is None:
                    raise NotRunningError(run_id)
                wanted = trained_config(run.folder.read_record().task.config, run.folder.path / save.path)
                return self._draw(wanted, Sample(samples=samples), f"Samples of {run.state.name}")
            return run.id, self._append(run, Sample(samples=samples))

    # --- the queue

    def queue(self) -> QueueView:
        """The waiting runs in their order."""
        return queue_view(self._reader, self._queue)

    def set_queue_order(self, run_ids: Sequence[str]) -> QueueView:
        """Put these waiting runs first, in this order; others keep theirs behind them.

        Raises:
            QueueOrderError: One of them does not wait (400).
        """
        with self._reader.lock:
            waiting = self.queue().run_ids
            if unknown := [run_id for run_id in run_ids if run_id not in waiting]:
                raise QueueOrderError(unknown)
            first = list(dict.fromkeys(run_ids))
            self._queue.set_order([*first, *(run_id for run_id in waiting if run_id not in first)])
        self._supervisor.announce()
        return self.queue()

    def set_queue_paused(self, paused: bool) -> QueueView:
        """Hold waiting runs back, or let them go on. Runs that are active are left alone."""
        self._queue.set_paused(paused)
        self._supervisor.announce()
        self._supervisor.wake()
        return self.queue()

    # --- the machine and the listeners

    def device_memory(self) -> dict[int, DeviceMemory]:
        """What living trainers hold of each GPU, by its index."""
        total: dict[int, DeviceMemory] = {}
        for held in (memory for run in self._reader.live_runs() for memory in run.state.memory):
            before = total.get(held.device, DeviceMemory(device=held.device, allocated_bytes=0, reserved_bytes=0))
            total[held.device] = DeviceMemory(
                device=held.device,
                allocated_bytes=before.allocated_bytes + held.allocated_bytes,
                reserved_bytes=before.reserved_bytes + held.reserved_bytes,
            )
        return total

    def trainer_pids(self) -> list[int]:
        """Process ids of living trainers, training runs first."""
        active = [run for run in self._reader.live_runs() if run.state.pid is not None]
        active.sort(key=lambda run: not run.header.task.is_training)
        return [run.state.pid for run in active if run.state.pid is not None]

    def subscribe(self, topics: Collection[Topic] = (Topic.TRAINING,), after: int | None = None) -> Subscription:
        """Listen to messages; call it inside a running event loop.

        Args:
            topics: What to listen to.
            after: Id of the last message seen: those since are delivered first, as far as they are remembered.
        """
        return self._broker.subscribe(topics, after)

    def publish(self, topic: Topic, message: Published) -> None:
        """Send a message of the caller's own to the listeners of `topic` (system load, for instance)."""
        self._announcer.tell(topic, message)

    # --- inside

    def _changed(self, run_id: str) -> TrackedRun:
        """Take note of what was just written to a run folder, and act on it at once."""
        run = self._reader.refresh(run_id)
        self._act()
        return run

    def _act(self) -> None:
        self._supervisor.announce()
        self._supervisor.wake()

    def _set_aside(self, run_id: str) -> Path:
        run = self._reader.refresh(run_id)
        if run.state.status.is_active:
            raise RunActiveError(run_id, "deleted")
        doomed = set_aside(self._workspace, run.folder.path)
        self._reader.forget(run_id)
        with suppress(OSError):  # of a full disk: deleting makes room, and a run that is gone harms no order
            self._queue.discard(run_id)
        return doomed

    def _set_aside_odd(self, run_id: str, name: str) -> Path:
        folder = self._workspace.run_folder(name)
        with suppress(NotAFileError):  # then nobody holds it
            if not folder.path.is_symlink() and is_held(folder.lock):
                raise RunActiveError(run_id, "deleted")
        doomed = set_aside(self._workspace, folder.path)
        self._reader.forget_odd(name)
        return doomed

    def _append(self, run: TrackedRun, command: Command) -> Command:
        if run.state.status is RunStatus.STOPPING and not isinstance(command, Stop):
            raise RunStoppingError(run.id)
        written = append_command(run.folder.commands, command)
        self._changed(run.id)
        return written

    def _make(
        self,
        requests: Sequence[RunRequest],
        prepare: Callable[[RunFolder], None] | None = None,
        *,
        is_immediate: bool = False,
    ) -> list[TrackedRun]:
        """Make runs, all or none; hold the reader's lock, so that none begins before all are there."""
        with making_runs(self._workspace.runs, requests, prepare) as folders:
            for folder in folders if is_immediate else ():
                self._queue.add_immediate(folder.run_id)  # of a run that is not made after all, it harms no order
            made = self._reader.take_up([folder.run_id for folder in folders])
        self._act()
        return made

    def _draw(self, wanted: dict[str, Any], command: Sample, name: str = "") -> tuple[str, Command]:
        """Have a warm sampler for the wanted model draw, or a new one, which is made with what it shall draw."""
        for run in self._reader.live_runs():
            if run.header.task is SampleTask and run.state.status is not RunStatus.STOPPING:
                config = run.folder.read_record().task.config
                if draws_alike(config, wanted, own_samples=command.samples is None):
                    return run.id, self._append(run, command)
        self.launcher.check_installed()
        written: list[Command] = []
        [run] = self._make(
            [RunRequest(SampleTask(config=wanted), name)],
            lambda folder: written.append(append_command(folder.commands, command)),
            is_immediate=True,
        )
        return run.id, written[0]

    def _sampler_config(self, current: dict[str, Any], last: TrackedRun | None) -> dict[str, Any]:
        if last is None:
            return current
        save = next(iter(self.outputs.saves(last.id)), None)
        newest_save = last.folder.path / save.path if save else None
        return sampler_config(current, last.folder.read_record().task.config, newest_save)

    def list(self, query: RunQuery = ALL_RUNS) -> RunPage:
        """The runs that `query` asks for."""
        found = find_runs(self._reader.runs(), query)
        runs = [run.view() for run in found[query.offset : query.offset + query.limit]]
        return RunPage(runs=runs, total=len(found), unreadable=self._reader.unreadable())


def _epochs_done(state: RunState) -> int:
    if state.status is RunStatus.COMPLETED:
        return state.max_epoch
    return state.progress.epoch if state.progress else 0
