"""What a learning rate schedule and a timestep distribution look like: points for an editor to draw.

Said in plain Python, because the server has neither torch nor numpy. The trainer computes both for itself; a test holds
the two together.
"""

import math
from collections.abc import Callable, Mapping
from statistics import NormalDist
from types import MappingProxyType

from pydantic import BaseModel, Field

from onetrainer_web.config.enums import LearningRateScheduler, TimestepDistribution
from onetrainer_web.config.optimizer_tables import SCHEDULE_FREE
from onetrainer_web.config.training import TrainConfig

NUM_POINTS = 120
NUM_QUANTILES = 100 * NUM_POINTS
"""How finely a distribution without a density in closed form is counted out."""
CENTRES = tuple((point + 0.5) / NUM_POINTS for point in range(NUM_POINTS))
MOST_STEPS = 2**53
"""The largest whole number that every reader of JSON understands."""
LAST_SHARE = 1 - 1e-9
"""Where the last step stands: a schedule with restarts would restart at the end itself, which no step reaches."""
REX_DECAY = 0.9
SMALLEST_BETA = 1e-3

Schedule = Callable[[float, float], float]
"""Share of the steps after the warm-up (0 to 1) and number of cycles → factor of the learning rate."""
Density = Callable[[float, float, float], float]
"""Share of the noise range (between 0 and 1), noising weight and bias → density, of any scale."""


class Curve(BaseModel):
    """Points to be joined."""

    x: list[float] = Field(description="Ascending, from 0 to 1.")
    y: list[float] = Field(description="One value a point, 0 or more.")


class ConfigCurves(BaseModel):
    """The shapes that a configuration's numbers stand for."""

    learning_rate: Curve | None = Field(
        description="Factor of the learning rate over the run, from its first step to its last. Null for a schedule "
        "that only the trainer knows."
    )
    warmup_steps: int = Field(
        description="Steps in which the rate rises before the curve begins; 0 when the warm-up is part of the curve."
    )
    timesteps: Curve | None = Field(
        description="How often each noise level is trained, from none (0) to noise alone (1), as a density; 1 is the "
        "average. Null when the settings make no distribution."
    )


def config_curves(config: TrainConfig) -> ConfigCurves:
    """The curves of a configuration."""
    is_free = config.optimizer.optimizer in SCHEDULE_FREE
    warmup = 0.0 if is_free else config.learning_rate_warmup_steps
    return ConfigCurves(
        learning_rate=_finite(_constant if is_free else _schedule, config),
        warmup_steps=int(min(warmup, MOST_STEPS)) if warmup > 1 else 0,
        timesteps=_finite(_timesteps, config),
    )


def _finite(curve_of: Callable[[TrainConfig], Curve | None], config: TrainConfig) -> Curve | None:
    """A curve; None when extreme settings drive it beyond what can be drawn."""
    try:
        curve = curve_of(config)
    except (ArithmeticError, ValueError):
        return None
    return curve if curve and all(map(math.isfinite, curve.y)) else None


# --- the learning rate


def _cosine(turns: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * turns))


SCHEDULES: Mapping[LearningRateScheduler, Schedule] = MappingProxyType(
    {
        LearningRateScheduler.CONSTANT: lambda _share, _cycles: 1.0,
        LearningRateScheduler.LINEAR: lambda share, _cycles: 1 - share,
        LearningRateScheduler.COSINE: lambda share, _cycles: _cosine(share),
        LearningRateScheduler.COSINE_WITH_RESTARTS: lambda share, cycles: _cosine(2 * share * cycles),
        LearningRateScheduler.COSINE_WITH_HARD_RESTARTS: lambda share, cycles: _cosine(share * cycles % 1),
        # Chen, Wolfe and Kyrillidis 2021, "REX: Revisiting Budgeted Training"
        LearningRateScheduler.REX: lambda share, _cycles: (1 - share) / (1 - REX_DECAY + REX_DECAY * (1 - share)),
    }
)


def _constant(_config: TrainConfig) -> Curve:
    """Optimizers that need no schedule keep their rate."""
    return Curve(x=[0, 1], y=[1, 1])


def _schedule(config: TrainConfig) -> Curve | None:
    schedule = SCHEDULES.get(config.learning_rate_scheduler)
    if schedule is None:
        return None
    warmup = config.learning_rate_warmup_steps if config.learning_rate_warmup_steps <= 1 else 0.0
    least = config.learning_rate_min_factor

    def factor(x: float) -> float:
        if x < warmup:
            return x / warmup
        share = min(LAST_SHARE, (x - warmup) / (1 - warmup)) if warmup < 1 else 0.0
        return least + (1 - least) * schedule(share, config.learning_rate_cycles)

    shares = [point / (NUM_POINTS - 1) for point in range(NUM_POINTS)]
    return Curve(x=shares, y=[factor(share) for share in shares])


# --- the timesteps


def _logit_normal(share: float, weight: float, bias: float) -> float:
    """Esser et al. 2024, "Scaling Rectified Flow Transformers", eq. 19, with standard deviation `weight` + 1."""
    return NormalDist(bias, weight + 1).pdf(math.log(share / (1 - share))) / (share * (1 - share))


def _beta(share: float, weight: float, bias: float) -> float:
    alpha, beta = max(weight, SMALLEST_BETA), max(bias, SMALLEST_BETA)
    return math.exp((alpha - 1) * math.log(share) + (beta - 1) * math.log(1 - share))


def _sigmoid(share: float, weight: float, bias: float) -> float:
    exponent = weight * (share - 0.5 - bias)
    return 1 / (1 + math.exp(-exponent)) if exponent > 0 else math.exp(exponent) / (1 + math.exp(exponent))


def _inverted_parabola(share: float, weight: float, bias: float) -> float:
    return max(0.0, 2 - weight * (share - 0.5 - bias) ** 2)


DENSITIES: Mapping[TimestepDistribution, Density] = MappingProxyType(
    {
        TimestepDistribution.UNIFORM: lambda _share, _weight, _bias: 1.0,
        TimestepDistribution.LOGIT_NORMAL: _logit_normal,
        TimestepDistribution.BETA: _beta,
        TimestepDistribution.SIGMOID: _sigmoid,
        # Esser et al. 2024, eq. 21
        TimestepDistribution.COS_MAP: lambda share, _weight, _bias: (
            2 / (math.pi - 2 * math.pi * share + 2 * math.pi * share**2)
        ),
        TimestepDistribution.INVERTED_PARABOLA: _inverted_parabola,
    }
)
UNIFORM_WHEN_ZERO = frozenset({TimestepDistribution.SIGMOID, TimestepDistribution.INVERTED_PARABOLA})
"""The trainer takes these for uniform where they are zero everywhere; others are only too narrow to be drawn."""


def _timesteps(config: TrainConfig) -> Curve | None:
    """Densities over the noise range; the noising strengths cut it, the shift moves within what they leave."""
    first, last = config.min_noising_strength, config.max_noising_strength
    if config.timestep_shift <= 0 or first >= last:
        return None
    is_counted = config.timestep_distribution is TimestepDistribution.HEAVY_TAIL
    inside = _heavy_tail_counts(config) if is_counted else _densities(config)
    total = math.fsum(inside)
    if not total and config.timestep_distribution not in UNIFORM_WHEN_ZERO:
        return None
    even = [value / total * NUM_POINTS / (last - first) if total else 1 / (last - first) for value in inside]
    before, behind = [0.0, first] if first > 0 else [], [last, 1.0] if last < 1 else []
    x = [*before, *(first + (last - first) * centre for centre in CENTRES), *behind]
    return Curve(x=x, y=[*(0.0 for _ in before), *even, *(0.0 for _ in behind)])


def _densities(config: TrainConfig) -> list[float]:
    """The density at a shifted share is that at the unshifted one, times the derivative of the way back."""
    density, shift = DENSITIES[config.timestep_distribution], config.timestep_shift
    stretches = [shift - (shift - 1) * share for share in CENTRES]
    return [
        density(share / stretch, config.noising_weight, config.noising_bias) * shift / stretch**2
        for share, stretch in zip(CENTRES, stretches, strict=True)
    ]


def _heavy_tail_counts(config: TrainConfig) -> list[float]:
    """Esser et al. 2024, eq. 20, counted out: the way back from a share to its quantile has no closed form."""
    shift, counts = config.timestep_shift, [0.0] * NUM_POINTS
    for number in range(NUM_QUANTILES):
        quantile = (number + 0.5) / NUM_QUANTILES
        tail = math.cos(math.pi / 2 * quantile) ** 2 - 1 + quantile
        share = 1 - quantile - config.noising_weight * tail
        moved = shift * share / ((shift - 1) * share + 1)
        counts[min(NUM_POINTS - 1, max(0, int(moved * NUM_POINTS)))] += 1
    return counts
