"""Starts trainers: `python -m onetrainer_web.engine.worker RUN_FOLDER`, with the run's lock already held."""

import importlib.util
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from onetrainer_web.config.secrets import SecretsConfig
from onetrainer_web.errors import TrainerNotInstalledError
from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol.events import read_events
from onetrainer_web.protocol.lock import CAN_INHERIT, RunBusyError, take_for_child
from onetrainer_web.protocol.run_folder import RunFolder, RunKind, create_run
from onetrainer_web.protocol.state import fold_events, is_launched
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.process import start_detached

LOGGER = logging.getLogger(__name__)
TRAINER = (sys.executable, "-m", "onetrainer_web.engine.worker")


class Launcher:
    """Knows how a trainer is started."""

    def __init__(self, command: Sequence[str] = TRAINER) -> None:
        self._command = tuple(command)

    def check_installed(self) -> None:
        """Make sure that there is a trainer, without importing it.

        Raises:
            TrainerNotInstalledError: torch is missing.
        """
        if self._command == TRAINER and importlib.util.find_spec("torch") is None:
            raise TrainerNotInstalledError

    def command(self, folder: RunFolder) -> list[str]:
        """The command line that trains the run `folder`."""
        return [*self._command, str(folder.path)]

    def launch(self, folder: RunFolder) -> bool:
        """Start the trainer of a waiting run.

        A program that cannot be started leaves the run interrupted, with the reason in its log.

        Returns:
            False when somebody else was faster: the run is being launched, or was launched already.
        """
        try:
            descriptor = take_for_child(folder.lock) if CAN_INHERIT else None
        except RunBusyError:
            return False
        try:
            # Only who holds the lock can be sure that nobody else launches it now.
            if is_launched(fold_events(read_events(folder.events)), asked.read_commands(folder.commands)):
                return False
            self._start(folder, descriptor)
        finally:
            if descriptor is not None:
                os.close(descriptor)
        return True

    def launch_new(self, workspace: Workspace, kind: RunKind, name: str, config: dict[str, Any]) -> RunFolder:
        """Make a run and start its trainer at once, past the queue: for programs that are not the server.

        Raises:
            TrainerNotInstalledError: torch is missing.
        """
        self.check_installed()
        descriptors: list[int] = []

        def claim(folder: RunFolder) -> None:
            # A server on this workspace launches every run that nobody has claimed.
            if CAN_INHERIT:
                descriptors.append(take_for_child(folder.lock))
            asked.append_command(folder.commands, asked.Launch())

        try:
            folder = create_run(workspace.runs, kind, name, config, prepare=claim)
            self._spawn(folder, descriptors[0] if descriptors else None)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return folder

    def _start(self, folder: RunFolder, descriptor: int | None) -> None:
        # Without an inherited lock the trainer must hold it before the launch is on record, or the run would count
        # as interrupted for a moment.
        if descriptor is None:
            self._spawn(folder, None)
        asked.append_command(folder.commands, asked.Launch())
        if descriptor is not None:
            self._spawn(folder, descriptor)

    def _spawn(self, folder: RunFolder, descriptor: int | None) -> None:
        try:
            pid = start_detached(self.command(folder), folder, _environment(folder), descriptor)
        except OSError as error:
            LOGGER.exception("The trainer of %s cannot be started.", folder.run_id)
            with folder.log.open("a") as log:
                log.write(f"The trainer cannot be started: {error}\n")
        else:
            LOGGER.info("The trainer of %s has started as process %d.", folder.run_id, pid)


def _environment(folder: RunFolder) -> dict[str, str]:
    """The server's own environment, with what a trainer needs besides."""
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",  # the log is read while it is written
        "PYTHONSAFEPATH": "1",  # a folder of the workspace, such as datasets/, must not be taken for a Python package
        **_secrets(Workspace(folder.workspace)),
    }


def _secrets(workspace: Workspace) -> Mapping[str, str]:
    """Access data reach the trainer through its environment, never through run.json, which people share."""
    try:
        secrets = SecretsConfig.model_validate(json.loads(workspace.secrets.read_bytes()))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        LOGGER.warning("%s cannot be read and is not used: %s", workspace.secrets, error)
        return {}
    return {"HF_TOKEN": secrets.huggingface_token} if secrets.huggingface_token else {}
