"""Timestep distributions against their densities, computed here by other means."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrainer_web.config.enums import TimestepDistribution
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.timesteps import TimestepSettings, draw_timesteps, shift_share, timestep_probabilities

NUM_TIMESTEPS = 1000
NUM_DRAWN = 200_000


def drawn(**changes: object) -> np.ndarray:
    """Many timesteps under a configuration."""
    settings = TimestepSettings.of(TrainConfig.model_validate(changes), NUM_TIMESTEPS)
    return draw_timesteps(settings, NUM_DRAWN, np.random.default_rng(1))


def quantiles(timesteps: np.ndarray) -> list[float]:
    """Quartiles as shares of the whole range."""
    return [float(value) for value in np.quantile(timesteps, [0.25, 0.5, 0.75]) / NUM_TIMESTEPS]


def test_uniform_timesteps_fill_the_range_evenly() -> None:
    timesteps = drawn()
    assert (timesteps.min(), timesteps.max()) == (0, 999)
    assert quantiles(timesteps) == pytest.approx([0.25, 0.5, 0.75], abs=0.01)


def test_noising_strengths_cut_the_range() -> None:
    timesteps = drawn(min_noising_strength=0.2, max_noising_strength=0.5)
    assert (timesteps.min(), timesteps.max()) == (200, 499)


def test_logit_normal_quartiles_are_the_logistic_of_normal_quartiles() -> None:
    quartile = 0.6744897501960817  # of the standard normal distribution
    mean, deviation = 0.5, 1.5
    expected = [1 / (1 + math.exp(-(mean + deviation * z))) for z in (-quartile, 0, quartile)]
    found = quantiles(drawn(timestep_distribution="LOGIT_NORMAL", noising_bias=mean, noising_weight=deviation - 1))
    assert found == pytest.approx(expected, abs=0.01)


def test_heavy_tail_without_weight_is_uniform_and_with_weight_moves_to_the_middle() -> None:
    assert quantiles(drawn(timestep_distribution="HEAVY_TAIL")) == pytest.approx([0.25, 0.5, 0.75], abs=0.01)
    # Esser et al. 2024, eq. 20 at u = 1/4: 1 - u - s (cos²(π u / 2) - 1 + u), here with s = 0.8; u falls, t rises.
    lower = 1 - 0.75 - 0.8 * (math.cos(math.pi * 0.375) ** 2 - 1 + 0.75)
    found = quantiles(drawn(timestep_distribution="HEAVY_TAIL", noising_weight=0.8))
    assert found == pytest.approx([lower, 0.5, 1 - lower], abs=0.01)


def test_beta_has_the_mean_of_its_distribution() -> None:
    found = drawn(timestep_distribution="BETA", noising_weight=2, noising_bias=6)
    assert found.mean() / NUM_TIMESTEPS == pytest.approx(2 / 8, abs=0.01)


def test_cos_map_quartiles_are_those_of_its_mapping() -> None:
    # Esser et al. 2024, below eq. 21: t = 1 - 1 / (tan(π u / 2) + 1) for uniform u.
    expected = [1 - 1 / (math.tan(math.pi / 2 * u) + 1) for u in (0.25, 0.5, 0.75)]
    assert quantiles(drawn(timestep_distribution="COS_MAP")) == pytest.approx(expected, abs=0.01)


def test_sigmoid_and_parabola_follow_their_densities() -> None:
    share = np.linspace(0, 1, NUM_TIMESTEPS)
    for name, density in (
        ("SIGMOID", 1 / (1 + np.exp(-5 * (share - 0.6)))),
        ("INVERTED_PARABOLA", np.clip(2 - 5 * (share - 0.6) ** 2, 0, None)),
    ):
        cumulated = np.cumsum(density) / density.sum()
        expected = [float(np.searchsorted(cumulated, q)) / NUM_TIMESTEPS for q in (0.25, 0.5, 0.75)]
        found = quantiles(drawn(timestep_distribution=name, noising_weight=5, noising_bias=0.1))
        assert found == pytest.approx(expected, abs=0.01), name


@pytest.mark.parametrize("name", ["UNIFORM", "COS_MAP"])
def test_a_shift_moves_each_quartile_by_its_formula(name: str) -> None:
    # Esser et al. 2024, eq. 23: t_m = α t_n / (1 + (α - 1) t_n), here with α = 3.
    plain = quantiles(drawn(timestep_distribution=name))
    shifted = quantiles(drawn(timestep_distribution=name, timestep_shift=3.0))
    assert shifted == pytest.approx([3 * t / (1 + 2 * t) for t in plain], abs=0.012)


def test_a_shift_of_one_changes_nothing() -> None:
    share = np.linspace(0, 1, 11)
    assert shift_share(share, 1.0) == pytest.approx(share)


@given(
    distribution=st.sampled_from(TimestepDistribution),
    weight=st.floats(-3, 10),
    bias=st.floats(-2, 10),
    shift=st.floats(0.1, 10),
    ends=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_timesteps_never_leave_the_range(
    distribution: TimestepDistribution, weight: float, bias: float, shift: float, ends: tuple[float, float]
) -> None:
    config = TrainConfig(
        timestep_distribution=distribution,
        noising_weight=max(weight, -0.9),
        noising_bias=bias,
        timestep_shift=shift,
        min_noising_strength=min(ends),
        max_noising_strength=max(ends),
    )
    settings = TimestepSettings.of(config, NUM_TIMESTEPS)
    found = draw_timesteps(settings, 50, np.random.default_rng(0))
    assert found.min() >= settings.first
    assert found.max() <= settings.last < NUM_TIMESTEPS


def test_probabilities_add_up_to_one() -> None:
    settings = TimestepSettings(TimestepDistribution.SIGMOID, 10, 500, 4.0, 0.2, 2.0)
    assert timestep_probabilities(settings).sum() == pytest.approx(1)
