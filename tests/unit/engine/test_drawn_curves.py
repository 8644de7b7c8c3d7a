"""The curves that the server draws are those that the trainer follows."""

import numpy as np
import pytest

from onetrainer_web.config.curves import DENSITIES, NUM_POINTS, SCHEDULES, config_curves
from onetrainer_web.config.enums import LearningRateScheduler, TimestepDistribution
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.timesteps import TimestepSettings, draw_timesteps
from onetrainer_web.engine.optimization.schedules import CURVES, learning_rate_factor, plan_schedule

NUM_STEPS = 4 * (NUM_POINTS - 1)
NUM_DRAWN = 400_000
WEIGHTS = {"LOGIT_NORMAL": 0.2, "BETA": 2.0, "SIGMOID": 7.7, "INVERTED_PARABOLA": 7.7, "HEAVY_TAIL": 0.8}
BIASES = {"LOGIT_NORMAL": 0.5, "BETA": 3.0, "SIGMOID": 0.1, "INVERTED_PARABOLA": -0.1}


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0, 0.25])
def test_a_schedule_is_drawn_as_it_is_trained(schedule: LearningRateScheduler, warmup: float) -> None:
    config = TrainConfig(
        learning_rate_scheduler=schedule,
        learning_rate_warmup_steps=warmup,
        learning_rate_cycles=3,
        learning_rate_min_factor=0.1,
    )
    plan = plan_schedule(config, NUM_STEPS)

    drawn = config_curves(config).learning_rate

    assert drawn is not None
    trained = [learning_rate_factor(config, plan, round(x * NUM_STEPS)) for x in drawn.x[:-1]]
    assert drawn.y[:-1] == pytest.approx(trained)
    assert drawn.y[-1] == pytest.approx(learning_rate_factor(config, plan, NUM_STEPS - 1), abs=0.03)


def test_every_schedule_of_the_trainer_is_drawn() -> None:
    assert set(SCHEDULES) == set(CURVES)


@pytest.mark.parametrize("distribution", TimestepDistribution)
@pytest.mark.parametrize(("shift", "first", "last"), [(1.0, 0.0, 1.0), (3.0, 0.2, 0.9)])
def test_a_distribution_is_drawn_as_it_is_trained(
    distribution: TimestepDistribution, shift: float, first: float, last: float
) -> None:
    config = TrainConfig(
        timestep_distribution=distribution,
        timestep_shift=shift,
        min_noising_strength=first,
        max_noising_strength=last,
        noising_weight=WEIGHTS.get(distribution, 0.0),
        noising_bias=BIASES.get(distribution, 0.0),
    )
    settings = TimestepSettings.of(config, 10_000)
    trained = draw_timesteps(settings, NUM_DRAWN, np.random.default_rng(1)) / 10_000

    drawn = config_curves(config).timesteps

    assert drawn is not None
    inside = [(x, y) for x, y in zip(drawn.x, drawn.y, strict=True) if first < x < last]
    edges = np.linspace(first, last, len(inside) + 1)
    counted, _ = np.histogram(trained, edges)
    density = counted / NUM_DRAWN / np.diff(edges)
    assert [y for _, y in inside] == pytest.approx(density.tolist(), rel=0.1, abs=0.1)


def test_every_distribution_of_the_trainer_has_a_density_or_is_counted() -> None:
    assert {*DENSITIES, TimestepDistribution.HEAVY_TAIL} == set(TimestepDistribution)
