"""This machine: a run is a process on one or more of its devices, and lives as long as its lock is held."""

import os
import sys
from collections.abc import Sequence
from itertools import takewhile

from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.runs.executors import Job, Urgency
from onetrainer_web.runs.executors.process import find_trainer, send, start_detached, unlocked_trainer
from onetrainer_web.system.gpus import list_gpus


class LocalExecutor:
    """Starts, finds and ends trainers as processes of this machine."""

    def devices(self) -> tuple[str, ...]:
        """The GPUs that a trainer will find, all of the driver's or as many as CUDA_VISIBLE_DEVICES names; the CPU."""
        count = len(list_gpus())
        if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
            named = takewhile(lambda name: name.strip() not in ("", "-1"), visible.split(","))
            count = min(count, len(list(named)))
        gpus = [f"cuda:{number}" for number in range(count)]
        return (*gpus, *(["mps"] if sys.platform == "darwin" else []), "cpu")

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
