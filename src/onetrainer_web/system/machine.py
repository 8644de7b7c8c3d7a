"""What the machine is and how busy it is, in the fields of /api/system/info and /api/system/resources.

"GB" means 2^30 bytes throughout, as makers of memory and GPUs count.
"""

import platform
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import psutil
from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.system.gpus import Gpu, list_gpus
from onetrainer_web.system.onetrainer import OneTrainerInfo

_BYTES_PER_GB = 2**30
_MIN_INTERVAL_S = 0.2
"""The kernel counts processor time in ticks of 10 ms; over less than this, a percentage would be mostly chance."""


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True)


class OsInfo(_Facts):
    """The operating system."""

    system: str = Field(description='Such as "Linux".')
    release: str = Field(description="Release of the kernel.")
    version: str = Field(description="Version of the kernel.")
    machine: str = Field(description='Architecture, such as "x86_64".')
    processor: str = Field(description="Name of the processor.")


class CpuInfo(_Facts):
    """The processor."""

    count: int = Field(description="Logical cores.")
    usage_percent: float = Field(description="Busy share of all cores since the last reading, 0 to 100.")


class MemoryInfo(_Facts):
    """Main memory."""

    total_gb: float = Field(description="Installed, in GB of 2^30 bytes.")
    used_gb: float = Field(description="In use.")
    available_gb: float = Field(description="Free for programs without swapping.")
    usage_percent: float = Field(description="Share that is not available, 0 to 100.")


class DiskInfo(_Facts):
    """The disk that holds the workspace."""

    total_gb: float = Field(description="Size, in GB of 2^30 bytes.")
    used_gb: float = Field(description="In use.")
    free_gb: float = Field(description="Free for this user.")
    usage_percent: float = Field(description="Used share, 0 to 100.")


class GpuDevice(_Facts):
    """A GPU."""

    id: int = Field(description="Index, from 0.")
    name: str = Field(description="As its driver calls it.")
    memory_total_gb: float = Field(description="Its memory, in GB of 2^30 bytes.")
    memory_allocated_gb: float = Field(description="In the trainer's tensors; 0 when nothing is trained.")
    memory_reserved_gb: float = Field(description="Held by the trainer, in tensors or not; 0 when nothing is trained.")


class GpuInfo(_Facts):
    """The NVIDIA GPUs."""

    available: bool = Field(description="Whether there is one.")
    count: int = Field(description="How many.")
    devices: list[GpuDevice] = Field(description="One entry each.")


class MachineInfo(_Facts):
    """The answer of /api/system/info."""

    os: OsInfo = Field(description="The operating system.")
    cpu: CpuInfo = Field(description="The processor.")
    memory: MemoryInfo = Field(description="Main memory.")
    disk: DiskInfo = Field(description="The disk that holds the workspace.")
    gpu: GpuInfo = Field(description="The GPUs.")
    onetrainer: OneTrainerInfo | None = Field(
        default=None,
        description="The OneTrainer installation that this server was given; left out when it was given none.",
    )


class GpuMemoryUse(_Facts):
    """How much of a GPU's memory the trainer holds."""

    device: int = Field(description="Index of the GPU.")
    allocated_percent: float = Field(description="In tensors, 0 to 100.")
    reserved_percent: float = Field(description="In tensors or not, 0 to 100.")


class Resources(_Facts):
    """The answer of /api/system/resources."""

    cpu_percent: float = Field(description="Busy share of all cores since the last reading, 0 to 100.")
    memory_percent: float = Field(description="Share of memory that is not available, 0 to 100.")
    disk_percent: float = Field(description="Used share of the workspace's disk, 0 to 100.")
    gpu_memory: list[GpuMemoryUse] = Field(description="One entry a GPU.")


class Reading(_Facts):
    """How busy the machine was at a moment."""

    time: datetime = Field(description="When, UTC.")
    resources: Resources = Field(description="As GET /api/system/resources would have given it.")


class TorchMemory(NamedTuple):
    """What torch says it holds of one GPU, in bytes."""

    allocated_bytes: int
    reserved_bytes: int


TorchMemoryByGpu = Mapping[int, TorchMemory]
_NOTHING_HELD = TorchMemory(0, 0)


class CpuMeter:
    """Measures how busy the processor is between readings, from the first reading on."""

    def __init__(self) -> None:
        """Take the reading that the first answer is measured against: make one when the server starts."""
        self._lock = threading.Lock()
        self._read_at = time.monotonic()
        self._busy_s, self._total_s = _cpu_seconds()
        self._percent: float | None = None

    def percent(self) -> float:
        """Busy share of all cores since the last reading, 0 to 100.

        Readings that follow each other too closely share an answer; the very first one waits a moment instead.
        """
        with self._lock:
            elapsed_s = time.monotonic() - self._read_at
            if elapsed_s < _MIN_INTERVAL_S:
                if self._percent is not None:
                    return self._percent
                time.sleep(_MIN_INTERVAL_S - elapsed_s)
            busy_s, total_s = _cpu_seconds()
            share = (busy_s - self._busy_s) / max(total_s - self._total_s, 1e-9)
            self._busy_s, self._total_s, self._read_at = busy_s, total_s, time.monotonic()
            self._percent = round(100 * min(1.0, max(0.0, share)), 1)
            return self._percent


def machine_info(folder: Path, meter: CpuMeter, held: TorchMemoryByGpu | None = None) -> MachineInfo:
    """What the machine is.

    Args:
        folder: Somewhere on the disk that is reported.
        meter: Kept from the start of the server.
        held: What the trainer's torch holds, by GPU; left out when nothing is trained.
    """
    memory = psutil.virtual_memory()
    disk = psutil.disk_usage(str(folder))
    return MachineInfo(
        os=_os_info(),
        cpu=CpuInfo(count=psutil.cpu_count() or 1, usage_percent=meter.percent()),
        memory=MemoryInfo(
            total_gb=_gb(memory.total),
            used_gb=_gb(memory.used),
            available_gb=_gb(memory.available),
            usage_percent=memory.percent,
        ),
        disk=DiskInfo(
            total_gb=_gb(disk.total), used_gb=_gb(disk.used), free_gb=_gb(disk.free), usage_percent=disk.percent
        ),
        gpu=_gpu_info(list_gpus(), held or {}),
    )


def resources(folder: Path, meter: CpuMeter, held: TorchMemoryByGpu | None = None) -> Resources:
    """How busy the machine is; arguments as for `machine_info`."""
    held = held or {}
    return Resources(
        cpu_percent=meter.percent(),
        memory_percent=psutil.virtual_memory().percent,
        disk_percent=psutil.disk_usage(str(folder)).percent,
        gpu_memory=[_gpu_memory_use(gpu, held.get(gpu.index, _NOTHING_HELD)) for gpu in list_gpus()],
    )


def _gpu_info(gpus: tuple[Gpu, ...], held: TorchMemoryByGpu) -> GpuInfo:
    devices = [
        GpuDevice(
            id=gpu.index,
            name=gpu.name,
            memory_total_gb=_gb(gpu.memory_bytes),
            memory_allocated_gb=_gb(held.get(gpu.index, _NOTHING_HELD).allocated_bytes),
            memory_reserved_gb=_gb(held.get(gpu.index, _NOTHING_HELD).reserved_bytes),
        )
        for gpu in gpus
    ]
    return GpuInfo(available=bool(devices), count=len(devices), devices=devices)


def _gpu_memory_use(gpu: Gpu, held: TorchMemory) -> GpuMemoryUse:
    return GpuMemoryUse(
        device=gpu.index,
        allocated_percent=round(100 * held.allocated_bytes / gpu.memory_bytes, 1),
        reserved_percent=round(100 * held.reserved_bytes / gpu.memory_bytes, 1),
    )


def _os_info() -> OsInfo:
    return OsInfo(
        system=platform.system(),
        release=platform.release(),
        version=platform.version(),
        machine=platform.machine(),
        processor=_processor_name(),
    )


def _processor_name() -> str:
    # On Linux `platform` knows the architecture at best; the kernel knows the name.
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _cpu_seconds() -> tuple[float, float]:
    """Seconds that all cores together were busy, and were there, since the machine started."""
    times = psutil.cpu_times()._asdict()
    # Linux counts a guest's time within user's as well.
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    return total - times["idle"] - times.get("iowait", 0.0), total


def _gb(num_bytes: int) -> float:
    return round(num_bytes / _BYTES_PER_GB, 2)
