"""The NVIDIA GPUs of the machine, asked of their driver, and who made the others."""

import functools
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pynvml


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU; its memory in use is asked of torch, not of the driver, which counts all programs."""

    index: int
    name: str
    memory_bytes: int
    compute_capability: tuple[int, int]
    """Which code it runs, as NVIDIA counts: (8, 6) for an RTX 3090."""


@functools.cache
def list_gpus() -> tuple[Gpu, ...]:
    """The GPUs in the driver's order; none without an NVIDIA driver. Asked once: they do not change while we run."""
    with _driver() as is_there:
        return tuple(_describe(index) for index in range(pynvml.nvmlDeviceGetCount())) if is_there else ()


def nvidia_driver() -> int | None:
    """The major version of NVIDIA's driver, as 580; None without one."""
    with _driver() as is_there:
        if not is_there:
            return None
        version = pynvml.nvmlSystemGetDriverVersion()
    return int((version.decode() if isinstance(version, bytes) else version).partition(".")[0])


def graphics_vendors() -> set[str]:
    """PCI vendors of what draws or computes here, as `0x1002` for AMD; only Linux lists them."""
    files = Path("/sys/class/drm").glob("render*/device/vendor")
    return {file.read_text(encoding="ascii").strip() for file in files}


def visible_gpus() -> tuple[str, ...]:
    """The GPUs that a trainer will find, by torch's names: all of the driver's, or those of CUDA_VISIBLE_DEVICES."""
    count = len(list_gpus())
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        named = takewhile(lambda name: name.strip() not in ("", "-1"), visible.split(","))
        count = min(count, len(list(named)))
    return tuple(f"cuda:{number}" for number in range(count))


@contextmanager
def _driver() -> Generator[bool]:
    """Whether NVIDIA's driver is there, which can be asked within; not so without a GPU."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        yield False
        return
    try:
        yield True
    finally:
        pynvml.nvmlShutdown()


def _describe(index: int) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    name = pynvml.nvmlDeviceGetName(handle)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    name = name.decode() if isinstance(name, bytes) else str(name)
    return Gpu(index, name, int(memory.total), (int(major), int(minor)))
