"""Which devices a run needs for itself, and who gets them: all that it needs or none, and nobody waits for ever."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

from onetrainer_web.config.devices import CPU, devices_among
from onetrainer_web.config.text import whole_number


@dataclass(frozen=True)
class Need:
    """So many devices, out of some."""

    among: tuple[str, ...]
    """Names of devices, those that are taken first in front."""
    count: int = 1

    @property
    def usual(self) -> tuple[str, ...]:
        """What a trainer takes that nobody has told which of them are free."""
        return self.among[: self.count]

    def __str__(self) -> str:
        """In a word: the devices, or their kind where any will do."""
        return ", ".join(self.among) if self.count == len(self.among) else self.among[0].partition(":")[0]


def need_of(train_device: str, devices: Sequence[str], spread_over: str | None = None) -> Need:
    """What a configuration needs in a place.

    A trainer that does not find the device it was asked for takes the first GPU, or the CPU where there is none. GPUs
    that NVML does not know (ROCm's "cuda") count as one device together with the CPU: slower in the queue, never wrong.

    Args:
        train_device: "cpu", "mps", "cuda:0" and so on; "cuda" means any GPU.
        devices: What there is.
        spread_over: Numbers of the devices that one run trains on, with commas between, or empty for all that there
            are; None for a run that keeps to one.
    """
    kind, _, index = train_device.strip().lower().partition(":")
    gpus = tuple(device for device in devices if device.partition(":")[0] == "cuda")
    if kind in devices:
        return Need((kind,))
    if kind != "cuda" or not gpus:
        return Need(gpus[:1] or (CPU,))
    if spread_over is not None:
        several = devices_among(gpus, spread_over)
        return Need(several, len(several))
    if not index:
        return Need(gpus)
    number = whole_number(index) or 0
    return Need((gpus[number if number < len(gpus) else 0],))


@dataclass(frozen=True)
class Claims:
    """Who gets what now."""

    starts: dict[str, tuple[str, ...]]
    """Runs that start, with their devices."""
    in_the_way: list[str]
    """Devices whose holders shall give way, since a run waits for nothing else."""


def claim(waiting: Iterable[tuple[str, Need]], held: Set[str], yielding: Set[str]) -> Claims:
    """Deal out the devices that nobody holds.

    A run that cannot start keeps those of its devices that are free: nobody behind it takes one, or a run that needs
    several would wait for ever behind those that need one.

    Args:
        waiting: Ids of runs and what they need, in the order in which they wait.
        held: Devices that are in use.
        yielding: Those of them whose holders give way when they are asked.
    """
    starts: dict[str, tuple[str, ...]] = {}
    in_the_way: list[str] = []
    taken = set(held)
    for run_id, need in waiting:
        free = [device for device in need.among if device not in taken]
        missing = need.count - len(free)
        if missing <= 0:
            starts[run_id] = tuple(free[: need.count])
            taken.update(starts[run_id])
            continue
        taken.update(free)
        may_go = [device for device in need.among if device in yielding and device not in in_the_way]
        if len(may_go) >= missing:
            in_the_way += may_go[:missing]
    return Claims(starts, in_the_way)
