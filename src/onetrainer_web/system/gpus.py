"""The NVIDIA GPUs of the machine, asked of their driver."""

import functools
from dataclasses import dataclass

import pynvml


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU; its memory in use is asked of torch, not of the driver, which counts all programs."""

    index: int
    name: str
    memory_bytes: int


@functools.cache
def list_gpus() -> tuple[Gpu, ...]:
    """The GPUs in the driver's order; none without an NVIDIA driver. Asked once: they do not change while we run."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver, or one without a GPU
        return ()
    try:
        return tuple(_describe(index) for index in range(pynvml.nvmlDeviceGetCount()))
    finally:
        pynvml.nvmlShutdown()


def _describe(index: int) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    name = pynvml.nvmlDeviceGetName(handle)
    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    return Gpu(index, name.decode() if isinstance(name, bytes) else str(name), int(memory.total))
