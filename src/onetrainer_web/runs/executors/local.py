"""This machine: a run is a process on one or more of its devices, and lives as long as its lock is held."""

import sys
from collections.abc import Sequence

from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.runs.executors import Job, Urgency
from onetrainer_web.runs.executors.process import find_trainer, send, start_detached, unlocked_trainer
from onetrainer_web.system.gpus import visible_gpus


class LocalExecutor:
    """Starts, finds and ends trainers as processes of this machine."""

    def devices(self) -> tuple[str, ...]:
        """The GPUs that a trainer will find; the CPU."""
        return (*visible_gpus(), *(["mps"] if sys.platform == "darwin" else []), "cpu")

    def start(self, job: Job, lock_descriptor: int | None) -> int:
        """As `Executor.start`."""
        return start_detached(job, lock_descriptor)

    def is_alive(self, folder: RunFolder, pid: int | None, *, has_lock: bool = False) -> bool:
        """As `Executor.is_alive`."""
        return (not has_lock and is_held(folder.lock)) or unlocked_trainer(folder, pid) is not None

    def end(self, folder: RunFolder, pid: int | None, command: Sequence[str], urgency: Urgency) -> int | None:
        """As `Executor.end`."""
        process = find_trainer(folder, pid, command)
        if process is None:
            return None
        send(process, urgency)
        return process.pid
