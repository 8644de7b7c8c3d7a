"""At which noise levels a batch trains: OneTrainer's timestep distributions.

Drawn with numpy on the CPU, so that every device trains the same timesteps.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from onetrainer_web.config.enums import TimestepDistribution
from onetrainer_web.config.training import TrainConfig

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TimestepSettings:
    """A distribution with its parameters, over the timesteps from `first` to `last`, both included."""

    distribution: TimestepDistribution
    first: int
    last: int
    weight: float
    bias: float
    shift: float

    @classmethod
    def of(cls, config: TrainConfig, num_timesteps: int) -> "TimestepSettings":
        """Take them from a configuration; the noising strengths cut the range of `num_timesteps`."""
        first = int(num_timesteps * config.min_noising_strength)
        last = int(num_timesteps * config.max_noising_strength) - 1
        return cls(
            distribution=config.timestep_distribution,
            first=min(first, num_timesteps - 1),
            last=max(last, min(first, num_timesteps - 1)),
            weight=config.noising_weight,
            bias=config.noising_bias,
            shift=config.timestep_shift,
        )

    @property
    def count(self) -> int:
        """Number of timesteps in the range."""
        return self.last - self.first + 1


def draw_timesteps(settings: TimestepSettings, batch_size: int, chance: np.random.Generator) -> NDArray[np.int64]:
    """Timesteps for a batch, each from `first` to `last`."""
    if settings.distribution in DENSITIES:
        probabilities = timestep_probabilities(settings)
        drawn = np.searchsorted(np.cumsum(probabilities), chance.random(batch_size), side="right")
    else:
        shares = _SHARES[settings.distribution](settings, batch_size, chance)
        drawn = np.floor(shift_share(shares, settings.shift) * settings.count)
    return settings.first + np.clip(drawn, 0, settings.count - 1).astype(np.int64)


def shift_share(share: Floats, shift: float) -> Floats:
    """Move shares of the noise range towards noise (shift > 1): s·t / ((s − 1)·t + 1), Esser et al. 2024, eq. 23."""
    return shift * share / ((shift - 1) * share + 1)


def timestep_probabilities(settings: TimestepSettings) -> Floats:
    """Probability of each timestep of the range under a distribution that is given by its density.

    A shift moves the timesteps themselves; seen from the shifted timestep, the density is that of the unshifted one
    times the derivative of the inverse shift. A density that is zero in the whole range counts as uniform.
    """
    share = np.linspace(0, 1, settings.count)
    inverse = settings.shift
    unshifted = share / (inverse - (inverse - 1) * share)
    derivative = inverse / (inverse - (inverse - 1) * share) ** 2
    density = DENSITIES[settings.distribution](unshifted, settings.weight, settings.bias) * derivative
    total = density.sum()
    return density / total if total > 0 else np.full(settings.count, 1 / settings.count)


def _uniform(settings: TimestepSettings, batch_size: int, chance: np.random.Generator) -> Floats:
    del settings
    return chance.random(batch_size)


def _logit_normal(settings: TimestepSettings, batch_size: int, chance: np.random.Generator) -> Floats:
    """Esser et al. 2024, eq. 19, with mean `bias` and standard deviation `weight` + 1."""
    return 1 / (1 + np.exp(-chance.normal(settings.bias, settings.weight + 1, batch_size)))


def _heavy_tail(settings: TimestepSettings, batch_size: int, chance: np.random.Generator) -> Floats:
    """Mode sampling with heavy tails, Esser et al. 2024, eq. 20, with scale `weight`."""
    share = chance.random(batch_size)
    return 1 - share - settings.weight * (np.cos(math.pi / 2 * share) ** 2 - 1 + share)


def _beta(settings: TimestepSettings, batch_size: int, chance: np.random.Generator) -> Floats:
    """The beta distribution with alpha `weight` and beta `bias`."""
    return chance.beta(max(settings.weight, 1e-3), max(settings.bias, 1e-3), batch_size)


def _sigmoid_density(share: Floats, weight: float, bias: float) -> Floats:
    """A logistic curve of steepness `weight` about the middle, moved by `bias`."""
    return 1 / (1 + np.exp(-weight * (share - 0.5 - bias)))


def _cos_map_density(share: Floats, _weight: float, _bias: float) -> Floats:
    """Esser et al. 2024, eq. 21."""
    return 2 / (math.pi - 2 * math.pi * share + 2 * math.pi * share**2)


def _inverted_parabola_density(share: Floats, weight: float, bias: float) -> Floats:
    """A parabola of height 2, opening downwards with `weight`, about the middle moved by `bias`; never below 0."""
    return np.maximum(0, 2 - weight * (share - 0.5 - bias) ** 2)


DENSITIES: Mapping[TimestepDistribution, Callable[[Floats, float, float], Floats]] = MappingProxyType(
    {
        TimestepDistribution.SIGMOID: _sigmoid_density,
        TimestepDistribution.COS_MAP: _cos_map_density,
        TimestepDistribution.INVERTED_PARABOLA: _inverted_parabola_density,
    }
)
_SHARES: Mapping[TimestepDistribution, Callable[[TimestepSettings, int, np.random.Generator], Floats]] = (
    MappingProxyType(
        {
            TimestepDistribution.UNIFORM: _uniform,
            TimestepDistribution.LOGIT_NORMAL: _logit_normal,
            TimestepDistribution.HEAVY_TAIL: _heavy_tail,
            TimestepDistribution.BETA: _beta,
        }
    )
)
