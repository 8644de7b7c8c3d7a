"""Learning-rate curves against numbers worked out by hand from their formulas."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onetrainer_web.config.enums import LearningRateScheduler
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.errors import UnsupportedSettingError
from onetrainer_web.engine.schedules import (
    CURVES,
    SchedulePlan,
    create_scheduler,
    learning_rate_factor,
    plan_schedule,
)


def config(scheduler: str, **changes: object) -> TrainConfig:
    """A configuration with a schedule and no warm-up."""
    return TrainConfig.model_validate(
        {"learning_rate_scheduler": scheduler, "learning_rate_warmup_steps": 0, **changes}
    )


def optimizer(rate: float = 1.0) -> torch.optim.Optimizer:
    """An optimizer of one weight."""
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)


@pytest.mark.parametrize(
    ("scheduler", "expected"),
    [
        ("CONSTANT", [1, 1, 1, 1]),
        ("LINEAR", [1, 0.75, 0.5, 0]),
        # Loshchilov and Hutter 2017 (SGDR), eq. 5 with a minimum of 0: (1 + cos(π T_cur / T_i)) / 2.
        ("COSINE", [1, (1 + math.sqrt(0.5)) / 2, 0.5, 0]),
        # Chen, Wolfe and Kyrillidis 2021 (REX): (1 - t/T) / (1/2 + (1 - t/T) / 2); here 0.1 and 0.9 for the halves.
        ("REX", [1, 0.75 / (0.1 + 0.9 * 0.75), 0.5 / (0.1 + 0.9 * 0.5), 0]),
        ("COSINE_WITH_RESTARTS", [1, 0, 1, 1]),
        ("COSINE_WITH_HARD_RESTARTS", [1, 0.5, 1, 1]),
    ],
)
def test_curves_go_through_the_points_of_their_formulas(scheduler: str, expected: list[float]) -> None:
    settings = config(scheduler, learning_rate_cycles=2)
    plan = SchedulePlan(total=100, warmup=0)
    found = [learning_rate_factor(settings, plan, step) for step in (0, 25, 50, 100)]
    assert found == pytest.approx(expected, abs=1e-9)


def test_the_warm_up_rises_from_nothing_and_the_curve_starts_behind_it() -> None:
    settings = config("LINEAR")
    plan = SchedulePlan(total=110, warmup=10)
    found = [learning_rate_factor(settings, plan, step) for step in (0, 5, 10, 60, 110)]
    assert found == pytest.approx([0, 0.5, 1, 0.5, 0])


@pytest.mark.parametrize(
    ("warmup", "accumulation", "expected"),
    [(200, 1, (1000, 200)), (200, 4, (250, 50)), (0.1, 1, (1000, 100)), (1, 2, (500, 500)), (0, 1, (1000, 0))],
)
def test_lengths_count_optimizer_steps(warmup: float, accumulation: int, expected: tuple[int, int]) -> None:
    settings = config("COSINE", learning_rate_warmup_steps=warmup, gradient_accumulation_steps=accumulation)
    plan = plan_schedule(settings, 1000)
    assert (plan.total, plan.warmup) == expected


def test_the_smallest_factor_lifts_the_curve() -> None:
    settings = config("COSINE", learning_rate_min_factor=0.2)
    plan = SchedulePlan(total=100, warmup=0)
    assert [learning_rate_factor(settings, plan, step) for step in (0, 50, 100)] == pytest.approx([1, 0.6, 0.2])


@given(
    scheduler=st.sampled_from(sorted(CURVES)),
    step=st.integers(0, 5000),
    total=st.integers(0, 2000),
    warmup=st.integers(0, 2000),
    cycles=st.floats(0, 20),
)
def test_a_rate_is_never_negative_nor_above_its_full_height(
    scheduler: LearningRateScheduler, step: int, total: int, warmup: int, cycles: float
) -> None:
    settings = config(scheduler.value, learning_rate_cycles=cycles)
    factor = learning_rate_factor(settings, SchedulePlan(total, warmup), step)
    assert -1e-12 <= factor <= 1 + 1e-12


def test_a_custom_schedule_is_one_of_torch_with_values_filled_in() -> None:
    settings = config(
        "CUSTOM",
        custom_learning_rate_scheduler="torch.optim.lr_scheduler.LinearLR",
        scheduler_params=[
            {"key": "start_factor", "value": "1.0"},
            {"key": "end_factor", "value": "0.5"},
            {"key": "total_iters", "value": "%TOTAL_STEPS%"},
        ],
    )
    chosen = optimizer()
    scheduler = create_scheduler(chosen, settings, SchedulePlan(total=4, warmup=0))
    rates: list[float] = []
    for _ in range(5):
        rates.append(chosen.param_groups[0]["lr"])
        chosen.step()
        scheduler.step()
    assert rates == pytest.approx([1, 0.875, 0.75, 0.625, 0.5])


@pytest.mark.parametrize(
    "name", ["os.system", "torch.optim.AdamW", "torch.optim.lr_scheduler.ReduceLROnPlateau", "LinearLR", ""]
)
def test_a_custom_schedule_cannot_name_anything_else(name: str) -> None:
    settings = config("CUSTOM", custom_learning_rate_scheduler=name)
    with pytest.raises(UnsupportedSettingError):
        create_scheduler(optimizer(), settings, SchedulePlan(4, 0))
