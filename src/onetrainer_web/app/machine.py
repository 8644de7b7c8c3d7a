"""The machine as it is shown: the meters that need a memory, and what trainers hold of its GPUs."""

import os
from collections import deque
from datetime import UTC, datetime

from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.system.machine import (
    CpuMeter,
    MachineInfo,
    Reading,
    Resources,
    TorchMemory,
    machine_info,
    resources,
)
from onetrainer_web.system.processes import ProcessInfo, ProcessMeter, ProcessNotFoundError

READINGS_KEPT = 300
"""Ten minutes, at one reading every two seconds."""


class Machine:
    """Answers about the machine; made when the server starts, so that the first answer measures something."""

    def __init__(self, workspace: Workspace, service: RunService) -> None:
        self._folder = workspace.folder
        self._service = service
        self._cpu = CpuMeter()
        self._processes = ProcessMeter()
        self._readings: deque[Reading] = deque(maxlen=READINGS_KEPT)

    def info(self) -> MachineInfo:
        """What the machine is."""
        onetrainer = self._service.launcher.onetrainer
        found = machine_info(self._folder, self._cpu, self._held())
        return found.model_copy(update={"onetrainer": onetrainer.info}) if onetrainer else found

    def resources(self) -> Resources:
        """How busy it is."""
        return resources(self._folder, self._cpu, self._held())

    def read(self) -> Resources:
        """How busy it is, kept as the newest of the last readings."""
        now = self.resources()
        self._readings.append(Reading(time=datetime.now(UTC), resources=now))
        return now

    def readings(self) -> list[Reading]:
        """How busy it was, oldest first."""
        return list(self._readings)

    def process(self) -> ProcessInfo:
        """The trainer's process while one lives, else the server's."""
        for pid in self._service.trainer_pids():
            try:
                return self._processes.process_info(pid)
            except ProcessNotFoundError:
                continue
        return self._processes.process_info(os.getpid())

    def _held(self) -> dict[int, TorchMemory]:
        memory = self._service.device_memory()
        return {gpu: TorchMemory(held.allocated_bytes, held.reserved_bytes) for gpu, held in memory.items()}
