"""Starts trainers: `python -m onetrainer_web.engine.worker RUN_FOLDER`, with the run's lock already held."""

import importlib.util
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from onetrainer_web.config.families import facts
from onetrainer_web.config.secrets import SecretsConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import OneTrainerWebError, TrainerNotInstalledError
from onetrainer_web.files.confined import open_file, read_file
from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol.events import read_events
from onetrainer_web.protocol.lock import CAN_INHERIT, RunBusyError, take_for_child
from onetrainer_web.protocol.run_folder import RunFolder, RunRequest, making_runs
from onetrainer_web.protocol.state import fold_events, is_launched
from onetrainer_web.protocol.tasks import Engine, Task, TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.errors import EngineCannotSampleError, OneTrainerMissingError
from onetrainer_web.runs.executors import Executor, Job, Urgency
from onetrainer_web.runs.executors.local import LocalExecutor
from onetrainer_web.system.environment import environment_of_children
from onetrainer_web.system.onetrainer import OneTrainer, own_environment

LOGGER = logging.getLogger(__name__)
TRAINER = (sys.executable, "-m", "onetrainer_web.engine.worker")


class Launcher:
    """Knows how a trainer of either engine is started."""

    def __init__(
        self,
        command: Sequence[str] = TRAINER,
        onetrainer: OneTrainer | None = None,
        check_paths: Callable[[dict[str, Any]], None] = lambda _config: None,
        default_engine: Engine = Engine.NATIVE,
        executor: Executor | None = None,
    ) -> None:
        """Name the trainers.

        Args:
            command: The native one, up to its argument, the run folder.
            onetrainer: The other one, if there is one on this machine.
            check_paths: Raises when the configuration of a run, which may come from elsewhere, names what no run may.
            default_engine: Who trains when nobody says.
            executor: Where trainers run; None means this machine.
        """
        self._command = tuple(command)
        self.onetrainer = onetrainer
        self.check_paths = check_paths
        self._default_engine = default_engine
        self.executor = executor or LocalExecutor()

    def check_installed(self, engine: Engine = Engine.NATIVE) -> None:
        """Make sure that there is a trainer, without importing it.

        Raises:
            TrainerNotInstalledError: torch is missing.
            OneTrainerMissingError: There is no OneTrainer, or none that can be started.
        """
        if engine is Engine.ONETRAINER:
            if self.onetrainer is None or self.onetrainer.missing:
                raise OneTrainerMissingError(self.onetrainer.missing if self.onetrainer else "")
        elif self._command == TRAINER and importlib.util.find_spec("torch") is None:
            raise TrainerNotInstalledError

    def choose_engine(self, config: TrainConfig, asked: Engine | None = None, task: type[Task] = TrainTask) -> Engine:
        """Who will do a task: who was asked for, else OneTrainer for what only it can train, else the usual one.

        Raises:
            EngineCannotSampleError: OneTrainer is asked to draw only (400).
        """
        if asked is not None and asked not in task.engines:
            raise EngineCannotSampleError
        if Engine.ONETRAINER not in task.engines:
            return Engine.NATIVE
        if asked is not None:
            return asked
        can_onetrainer = self.onetrainer is not None and not self.onetrainer.missing
        can_native = config.training_method in facts(config.model_type).trained_here
        return Engine.ONETRAINER if can_onetrainer and not can_native else self._default_engine

    def command(self, folder: RunFolder, engine: Engine = Engine.NATIVE) -> list[str]:
        """The command line that trains the run `folder`."""
        if engine is Engine.ONETRAINER and self.onetrainer:
            return self.onetrainer.command(folder.path)
        return [*self._command, str(folder.path)]

    def launch(self, folder: RunFolder, devices: Sequence[str] = ()) -> bool:
        """Start the trainer of a waiting run.

        A program that cannot be started leaves the run interrupted, with the reason in its log.

        Args:
            folder: The run.
            devices: What it has for itself, for its trainer to read; empty leaves the choice to the trainer.

        Returns:
            False when somebody else was faster: the run is being launched, or was launched already.
        """
        try:
            descriptor = take_for_child(folder.lock) if CAN_INHERIT else None
        except RunBusyError:
            return False
        try:
            # Only who holds the lock can be sure that nobody else launches it now.
            fold = fold_events(read_events(folder.events))
            was_launched = is_launched(fold, asked.read_commands(folder.commands))
            if was_launched or self.executor.is_alive(folder, fold.pid, has_lock=True):
                return False
            asked.append_command(folder.commands, asked.Launch(devices=list(devices)))
            self._spawn(folder, descriptor)
        finally:
            if descriptor is not None:
                os.close(descriptor)
        return True

    def end(self, folder: RunFolder, engine: Engine, pid: int | None, urgency: Urgency) -> int | None:
        """Tell the trainer of a run to end; see `Executor.end`."""
        return self.executor.end(folder, pid, self.command(folder, engine), urgency)

    def launch_new(self, workspace: Workspace, request: RunRequest) -> RunFolder:
        """Make a run and start its trainer at once, past the queue: for programs that are not the server.

        Raises:
            TrainerNotInstalledError: torch is missing.
            OneTrainerMissingError: There is no OneTrainer.
        """
        self.check_installed(request.engine)
        descriptors: list[int] = []

        def claim(folder: RunFolder) -> None:
            # A server on this workspace launches every run that nobody has claimed.
            if CAN_INHERIT:
                descriptors.append(take_for_child(folder.lock))
            asked.append_command(folder.commands, asked.Launch())

        try:
            with making_runs(workspace.runs, [request], claim) as [folder]:
                pass  # from here on it stays, whatever becomes of its trainer
            self._spawn(folder, descriptors[0] if descriptors else None)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return folder

    def _spawn(self, folder: RunFolder, descriptor: int | None) -> None:
        try:
            pid = self.executor.start(self._job(folder), descriptor)
        except (OSError, ValueError, OneTrainerWebError) as error:  # ValueError: what no environment can hold
            LOGGER.exception("The trainer of %s cannot be started.", folder.run_id)
            with open(open_file(folder.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "a") as log:
                log.write(f"The trainer cannot be started: {error}\n")
        else:
            LOGGER.info("The trainer of %s has started as process %d.", folder.run_id, pid)

    def _job(self, folder: RunFolder) -> Job:
        record = folder.read_record()
        self.check_paths(record.task.config)
        command = self.command(folder, record.engine)
        if record.engine is Engine.NATIVE:
            return Job(folder, command, _environment(folder, environment_of_children()), folder.workspace)
        self.check_installed(record.engine)
        home = self.onetrainer.folder if self.onetrainer else folder.workspace
        return Job(folder, command, _environment(folder, own_environment()), home)


def _environment(folder: RunFolder, inherited: Mapping[str, str]) -> dict[str, str]:
    """What a trainer inherits, with what it needs besides."""
    return {
        **inherited,
        "PYTHONUNBUFFERED": "1",  # the log is read while it is written
        "PYTHONSAFEPATH": "1",  # a folder of the workspace, such as datasets/, must not be taken for a Python package
        **_secrets(Workspace(folder.workspace)),
    }


def _secrets(workspace: Workspace) -> Mapping[str, str]:
    """Access data reach the trainer through its environment, never through run.json, which people share."""
    try:
        secrets = SecretsConfig.model_validate(json.loads(read_file(workspace.secrets, follow=True)))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        LOGGER.warning("%s cannot be read and is not used: %s", workspace.secrets, error)
        return {}
    return {"HF_TOKEN": secrets.huggingface_token} if secrets.huggingface_token else {}
