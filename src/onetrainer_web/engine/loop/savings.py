"""Which settings would let a training hold less, and what each costs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onetrainer_web.config.enums import PACKED_TYPES, DataType, Optimizer
from onetrainer_web.config.families import facts
from onetrainer_web.config.output import learning_parts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.estimating import estimate
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.protocol.estimates import Switch

_LAYERS_OUTSIDE = 0.5


@dataclass(frozen=True)
class _Saving:
    """A change that may help."""

    changes: dict[str, Any]
    """Dotted path of a setting → its value."""
    price: str


def with_savings(config: TrainConfig, resolve: Callable[[str], Path]) -> Iterator[Switch]:
    """What the training would hold with each of the changes alone, as they are found.

    Those that this training cannot have are left out.
    """
    for saving in _possible(config):
        try:
            found = estimate(_changed(config, saving.changes), resolve)
        except OneTrainerWebError:  # such as a library that is not installed
            continue
        yield Switch(
            changes=saving.changes,
            total_bytes=found.total_bytes,
            main_memory_bytes=found.main_memory_bytes,
            price=saving.price,
        )


def _possible(config: TrainConfig) -> Iterator[_Saving]:
    denoiser = facts(config.model_type).denoiser
    settings = getattr(config, denoiser)
    if not settings.gradient_checkpointing:
        price = "About a third more time: the forward pass is computed twice."
        yield _Saving({f"{denoiser}.gradient_checkpointing": True}, price)
    if config.batch_size > 1:
        price = f"{config.batch_size} times as many steps, or as long ones with gradient_accumulation_steps."
        yield _Saving({"batch_size": 1}, price)
    if denoiser in learning_parts(config):
        if config.optimizer.optimizer is Optimizer.ADAMW:
            yield _Saving({"optimizer.optimizer": Optimizer.ADAMW_8BIT}, "What the optimizer remembers is less exact.")
    else:
        if settings.weight_dtype not in PACKED_TYPES:
            price = "Weights are rounded to 8 bits, and expanded at each use."
            yield _Saving({f"{denoiser}.weight_dtype": DataType.FLOAT_8}, price)
        if settings.weight_dtype is not DataType.NFLOAT_4:
            price = "Weights are rounded to 4 bits, and expanded at each use."
            yield _Saving({f"{denoiser}.weight_dtype": DataType.NFLOAT_4}, price)
        if not settings.offload_fraction:
            price = "Half of the layers are copied to the card at each use, two or three times a step."
            yield _Saving({f"{denoiser}.offload_fraction": _LAYERS_OUTSIDE}, price)
    if not settings.activation_offloading:
        price = "What the backward pass needs is copied to main memory and back in each step."
        yield _Saving({f"{denoiser}.activation_offloading": True}, price)


def _changed(config: TrainConfig, changes: dict[str, Any]) -> TrainConfig:
    for path, value in changes.items():
        part, _, key = path.rpartition(".")
        if part:
            value = getattr(config, part).model_copy(update={key: value})
        config = config.model_copy(update={part or key: value})
    return config
