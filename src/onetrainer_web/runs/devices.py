"""Which device a run needs for itself: the queue launches one run at a time for each."""

import sys

from onetrainer_web.config.text import whole_number
from onetrainer_web.system.gpus import list_gpus


def device_of(train_device: str) -> str:
    """The device that `train_device` of a configuration means on this machine: "cpu", "mps", "cuda:0" and so on.

    A trainer that does not find the device it was asked for uses the CPU, so that two such runs would share it. GPUs
    that NVML does not know (ROCm's "cuda") count as one device together with the CPU: slower in the queue, never wrong.
    """
    kind, _, index = train_device.strip().lower().partition(":")
    if kind == "cuda":
        number = whole_number(index) or 0
        return f"cuda:{number}" if number < len(list_gpus()) else "cpu"
    return "mps" if kind == "mps" and sys.platform == "darwin" else "cpu"
