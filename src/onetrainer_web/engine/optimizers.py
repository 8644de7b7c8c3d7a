"""The optimizers: one row of the table each. To add one, see docs/adding-an-optimizer.md."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch.nn import Parameter

from onetrainer_web.config.enums import LearningRateScaler, Optimizer
from onetrainer_web.config.optimizer_tables import effective_parameters
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.errors import UnsupportedSettingError
from onetrainer_web.engine.interfaces import ParameterGroup

Groups = list[dict[str, Any]]
Values = Mapping[str, Any]


def _betas(values: Values) -> tuple[float, float]:
    return (values["beta1"], values["beta2"])


def _implementation(values: Values) -> dict[str, bool]:
    """Which of torch's implementations computes: the one that was asked for, else the fused one, the fastest here."""
    if values.get("fused") or not values.get("foreach"):
        return {"fused": True}
    return {"foreach": True}


def _adam(groups: Groups, values: Values) -> torch.optim.Optimizer:
    return torch.optim.Adam(
        groups,
        betas=_betas(values),
        eps=values["eps"],
        weight_decay=values["weight_decay"],
        amsgrad=values["amsgrad"],
        maximize=values["maximize"],
        **_implementation(values),
    )


def _adamw(groups: Groups, values: Values) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        groups,
        betas=_betas(values),
        eps=values["eps"],
        weight_decay=values["weight_decay"],
        amsgrad=values["amsgrad"],
        maximize=values["maximize"],
        **_implementation(values),
    )


def _sgd(groups: Groups, values: Values) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        groups,
        momentum=values["momentum"],
        dampening=values["dampening"],
        weight_decay=values["weight_decay"],
        nesterov=values["nesterov"],
        maximize=values["maximize"],
        foreach=True,
    )


def _adagrad(groups: Groups, values: Values) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(
        groups,
        lr_decay=values["lr_decay"],
        weight_decay=values["weight_decay"],
        initial_accumulator_value=values["initial_accumulator_value"],
        eps=values["eps"],
        foreach=True,
    )


def _rmsprop(groups: Groups, values: Values) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(
        groups,
        alpha=values["alpha"],
        eps=values["eps"],
        weight_decay=values["weight_decay"],
        momentum=values["momentum"],
        centered=values["centered"],
        foreach=True,
    )


Build = Callable[[Groups, Values], torch.optim.Optimizer]

OPTIMIZERS: Mapping[Optimizer, Build] = MappingProxyType(
    {
        Optimizer.ADAMW: _adamw,
        Optimizer.ADAM: _adam,
        Optimizer.SGD: _sgd,
        Optimizer.ADAGRAD: _adagrad,
        Optimizer.RMSPROP: _rmsprop,
    }
)


@dataclass(frozen=True)
class _Sizes:
    batch: int
    accumulation: int


_SCALES: Mapping[LearningRateScaler, Callable[[_Sizes], int]] = MappingProxyType(
    {
        LearningRateScaler.NONE: lambda sizes: 1,  # noqa: ARG005 - one signature for all rows
        LearningRateScaler.BATCH: lambda sizes: sizes.batch,
        LearningRateScaler.GLOBAL_BATCH: lambda sizes: sizes.batch,
        LearningRateScaler.GRADIENT_ACCUMULATION: lambda sizes: sizes.accumulation,
        LearningRateScaler.BOTH: lambda sizes: sizes.batch * sizes.accumulation,
        LearningRateScaler.GLOBAL_BOTH: lambda sizes: sizes.batch * sizes.accumulation,
    }
)


def scale_of(config: TrainConfig, scaler: str) -> int:
    """The number that a learning-rate or loss scaler stands for; on one device, global sizes are the local ones."""
    return _SCALES[LearningRateScaler(scaler)](_Sizes(config.batch_size, config.gradient_accumulation_steps))


def create_optimizer(config: TrainConfig, groups: Sequence[ParameterGroup]) -> torch.optim.Optimizer:
    """The optimizer over `groups`, each with its own learning rate times the square root of the scaler.

    Raises:
        UnsupportedSettingError: There is no row for this optimizer.
    """
    chosen = config.optimizer.optimizer
    if chosen not in OPTIMIZERS:
        raise UnsupportedSettingError("optimizer", chosen.value, [known.value for known in OPTIMIZERS])
    scale = math.sqrt(scale_of(config, config.learning_rate_scaler))
    parameters = [
        {"params": list(group.parameters.values()), "lr": group.learning_rate * scale, "name": group.name}
        for group in groups
    ]
    return OPTIMIZERS[chosen](parameters, effective_parameters(config.optimizer))


def clip_gradients(parameters: Sequence[Parameter], max_norm: float | None) -> None:
    """Shorten the joint gradient of all `parameters` to `max_norm`; None leaves it as it is."""
    if max_norm is not None:
        torch.nn.utils.clip_grad_norm_(parameters, max_norm, foreach=True)
