"""On which devices one run trains, and how many batches make one update of its weights."""

from collections.abc import Sequence

from onetrainer_web.config.text import whole_number
from onetrainer_web.config.training import TrainConfig

CPU = "cpu"


def numbers_in(indexes: str) -> list[int]:
    """The different numbers in a list with commas between, in its order; what is no number is passed over."""
    numbers = (whole_number(part) for part in indexes.split(","))
    return list(dict.fromkeys(number for number in numbers if number is not None))


def devices_among(gpus: Sequence[str], indexes: str) -> tuple[str, ...]:
    """The GPUs that numbers name, in their order; all where they name none that is there."""
    return tuple(gpus[number] for number in numbers_in(indexes) if number < len(gpus)) or tuple(gpus)


def kind_of(device: str) -> str:
    """What kind of device a name means: cpu, cuda, mps."""
    return device.strip().lower().partition(":")[0]


def devices_of(config: TrainConfig) -> tuple[str, ...]:
    """The device of each process that trains; several where the configuration names several by their numbers.

    On a CPU each number means one process, whatever the number is.
    """
    kind, numbers = kind_of(config.train_device), numbers_in(config.device_indexes)
    if not config.multi_gpu or len(numbers) < 2 or kind not in (CPU, "cuda"):
        return (config.train_device,)
    return tuple(CPU if kind == CPU else f"cuda:{number}" for number in numbers)


def why_undivided(config: TrainConfig) -> str | None:
    """Why devices that shall train as one does (`keep_effective_batch`) cannot share an update; None if they can."""
    accumulation, num_devices = config.gradient_accumulation_steps, len(devices_of(config))
    if not config.keep_effective_batch or accumulation % num_devices == 0:
        return None
    return (
        f"{num_devices} devices cannot share the {accumulation} batches of an update evenly. Choose "
        f"gradient_accumulation_steps that {num_devices} divides, or switch keep_effective_batch off."
    )


def batches_an_update(config: TrainConfig) -> int:
    """Batches whose gradients make one update of the weights, over all devices together."""
    own = config.gradient_accumulation_steps
    return own if config.keep_effective_batch else own * len(devices_of(config))
