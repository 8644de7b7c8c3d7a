"""A slow average of the trained weights: often draws better pictures than the weights themselves."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

_NUM_AT_ONCE = 64
"""Parameters that are taken in by one call: copies of all of them at once could be as large as the model."""


def ema_decay_at(update: int, max_decay: float) -> float:
    """How much of the average stays at optimizer step `update`, counted from 0: rises from 0.1 to `max_decay`."""
    return min((1 + update) / (10 + update), max_decay)


class Ema:
    """The average of some named parameters, in float32: smaller types would lose what an update adds to it."""

    def __init__(self, parameters: Mapping[str, torch.nn.Parameter], device: torch.device, max_decay: float) -> None:
        self._parameters = dict(parameters)
        self._max_decay = max_decay
        self.averages = {name: p.detach().to(device, torch.float32, copy=True) for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self, update: int) -> float:
        """Take the current weights in at optimizer step `update`, counted from 0.

        Returns:
            The decay that was used.
        """
        decay = ema_decay_at(update, self._max_decay)
        names = list(self.averages)
        for start in range(0, len(names), _NUM_AT_ONCE):
            some = names[start : start + _NUM_AT_ONCE]
            averages = [self.averages[name] for name in some]
            values = [self._parameters[name].detach().to(average) for name, average in zip(some, averages, strict=True)]
            torch._foreach_lerp_(averages, values, 1 - decay)  # pyright: ignore[reportPrivateImportUsage]
        return decay

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Let the model work with the average; its own weights come back at the end."""
        own = {name: p.detach().clone() for name, p in self._parameters.items()}
        self._copy(self.averages)
        try:
            yield
        finally:
            self._copy(own)

    def load(self, averages: Mapping[str, Tensor]) -> None:
        """Take up the averages of a backup."""
        for name, average in self.averages.items():
            average.copy_(averages[name])

    @torch.no_grad()
    def _copy(self, source: Mapping[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(source[name])
