"""What changes while a training goes on, besides plain numbers: the heart of every backup."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from onetrainer_web.config.devices import batches_an_update
from onetrainer_web.config.enums import EMAMode
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.optimization.ema import Ema
from onetrainer_web.engine.optimization.optimizers import create_optimizer
from onetrainer_web.engine.optimization.weight_updates import WeightUpdates
from onetrainer_web.engine.seams.interfaces import Method, Model, ParameterGroup


@dataclass(frozen=True)
class Trained:
    """A method on its model, what learns of it, and what teaches it."""

    method: Method
    groups: Sequence[ParameterGroup]
    optimizer: torch.optim.Optimizer
    updates: WeightUpdates
    ema: Ema | None
    config: TrainConfig

    @classmethod
    def of(cls, method: Method, groups: Sequence[ParameterGroup], config: TrainConfig) -> "Trained":
        """A training at its beginning.

        Raises:
            OneTrainerWebError: The optimizer or its settings do not fit.
        """
        precision = method.model.precision
        optimizer = create_optimizer(config, groups)
        parameters = {name: item for group in groups for name, item in group.parameters.items()}
        is_whole = batches_an_update(config) == 1 and not precision.needs_scaler(list(parameters.values()))
        ema_device = precision.device if config.ema is EMAMode.GPU else torch.device("cpu")
        return cls(
            method=method,
            groups=groups,
            optimizer=optimizer,
            updates=WeightUpdates(optimizer, config, can_fuse=is_whole),
            ema=None if config.ema is EMAMode.OFF else Ema(parameters, ema_device, config.ema_decay),
            config=config,
        )

    @property
    def model(self) -> Model:
        """What is trained."""
        return self.method.model

    def average(self) -> AbstractContextManager[None]:
        """The average of the weights in their place, if one is kept."""
        return self.ema.swapped_in() if self.ema else nullcontext()
