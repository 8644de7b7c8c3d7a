"""Learning-rate curves against numbers worked out by hand from their formulas."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import LRScheduler

from onetrainer_web.config.enums import LearningRateScheduler
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.remaining import behind_short_epoch, plan_remaining
from onetrainer_web.engine.optimization.schedules import (
    CURVES,
    SchedulePlan,
    create_scheduler,
    learning_rate_factor,
    plan_schedule,
    try_schedule,
)
from onetrainer_web.engine.runtime.errors import ScheduleSettingsError, UnsupportedSettingError
from onetrainer_web.protocol.events import Progress


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
    plan = plan_schedule(settings, 1000 // accumulation)
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


TORCH = {
    "CosineAnnealingLR": {"T_max": "%SCHEDULER_STEPS%", "eta_min": "0.01"},
    "CosineAnnealingWarmRestarts": {"T_0": "3", "T_mult": "2"},
    "ConstantLR": {"total_iters": "5"},
    "CyclicLR": {"base_lr": "0.1", "max_lr": "1.0", "step_size_up": "3"},
    "ExponentialLR": {"gamma": "0.9"},
    "LinearLR": {"total_iters": "%SCHEDULER_STEPS%"},
    "MultiStepLR": {"milestones": "[2, 9]"},
    "OneCycleLR": {"max_lr": "2.0", "total_steps": "%SCHEDULER_STEPS%"},
    "PolynomialLR": {"total_iters": "%SCHEDULER_STEPS%", "power": "2"},
    "StepLR": {"step_size": "3", "gamma": "0.5"},
}
"""Parameters of every scheduler of torch that a configuration can describe."""
CANNOT_BE_WRITTEN = ("LambdaLR", "MultiplicativeLR", "ChainedScheduler", "SequentialLR", "LRScheduler")
"""Those that need functions or other schedulers."""


def in_words(name: str, **changes: object) -> TrainConfig:
    """A schedule of torch, or one of ours."""
    parameters = [{"key": key, "value": value} for key, value in TORCH.get(name, {}).items()]
    full_name = f"torch.optim.lr_scheduler.{name}"
    own = {"custom_learning_rate_scheduler": full_name, "scheduler_params": parameters}
    return config(name, **changes) if name in CURVES else config("CUSTOM", **own, **changes)


def driven(settings: TrainConfig, plan: SchedulePlan, behind: int = 0) -> list[tuple[float, tuple[float, float]]]:
    """What a schedule makes of the rate and the momentum in each step to the end, from a position on."""
    adam = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = create_scheduler(adam, settings, plan, behind)
    found: list[tuple[float, tuple[float, float]]] = []
    for _ in range(behind, plan.total):
        found.append((adam.param_groups[0]["lr"], adam.param_groups[0]["betas"]))
        adam.step()
        scheduler.step()
    return found


def test_every_schedule_of_torch_is_looked_at() -> None:
    module = torch.optim.lr_scheduler
    kinds = {name for name, kind in vars(module).items() if isinstance(kind, type) and issubclass(kind, LRScheduler)}
    assert {*TORCH, *CANNOT_BE_WRITTEN, "ReduceLROnPlateau"} == {kind for kind in kinds if kind[0] != "_"}


@pytest.mark.parametrize("name", [*TORCH, *CURVES])
@pytest.mark.parametrize("warmup", [0, 4])
def test_a_schedule_goes_on_from_a_position_as_if_it_had_never_stopped(name: str, warmup: int) -> None:
    settings, plan = in_words(name), SchedulePlan(total=16, warmup=warmup)
    whole = driven(settings, plan)
    for behind in (1, 4, 8, 15):
        assert driven(settings, plan, behind) == whole[behind:]


@pytest.mark.parametrize("name", TORCH)
def test_behind_a_warm_up_stands_the_whole_curve(name: str) -> None:
    settings = in_words(name)
    alone = [rate for rate, _ in driven(settings, SchedulePlan(total=12, warmup=0))]
    warmed = [rate for rate, _ in driven(settings, SchedulePlan(total=16, warmup=4))]
    assert warmed[:4] == pytest.approx([0, warmed[1], 2 * warmed[1], 3 * warmed[1]])
    assert warmed[1] > 0
    assert warmed[4:] == pytest.approx(alone)


@pytest.mark.parametrize("name", CANNOT_BE_WRITTEN)
def test_schedules_that_cannot_be_written_down_are_refused_in_words(name: str) -> None:
    with pytest.raises(ScheduleSettingsError, match="scheduler_params"):
        create_scheduler(optimizer(), in_words(name), SchedulePlan(4, 0))


@pytest.mark.parametrize(
    ("name", "parameters"), [("OneCycleLR", {"max_lr": "1", "total_steps": "4"}), ("StepLR", {"step_size": "0"})]
)
def test_a_schedule_that_breaks_off_within_the_run_is_refused_before_it(name: str, parameters: dict[str, str]) -> None:
    params = [{"key": key, "value": value} for key, value in parameters.items()]
    settings = config(
        "CUSTOM", custom_learning_rate_scheduler=f"torch.optim.lr_scheduler.{name}", scheduler_params=params
    )
    with pytest.raises(ScheduleSettingsError, match=name):
        try_schedule(settings, SchedulePlan(8, 0))


@pytest.mark.parametrize(
    ("epoch", "epoch_step", "global_step", "kept", "expected"),
    [
        (0, 0, 0, None, (12, 0, 4)),
        (1, 2, 6, {"num_updates": 2, "pending": []}, (12, 2, 4)),
        (1, 3, 7, {"num_updates": 2, "pending": [0.5]}, (12, 2, 4)),
        # The epochs that lie behind had 10 batches; 2 of 4 and one epoch are left.
        (1, 2, 12, {"num_updates": 4, "pending": []}, (18, 4, 6)),
        # More of the running epoch is done than it has now.
        (1, 9, 19, {"num_updates": 6, "pending": [0.5]}, (23, 6, 8)),
        # A run made longer, behind an accumulation that stayed incomplete.
        (2, 0, 8, {"num_updates": 3, "pending": []}, (12, 3, 5)),
        (3, 0, 12, {"num_updates": 4, "pending": []}, (12, 4, 4)),
        # A backup of OneTrainer, which keeps no such numbers.
        (1, 3, 7, None, (12, 2, 4)),
    ],
)
def test_what_is_left_is_counted_from_where_a_run_stands(
    epoch: int, epoch_step: int, global_step: int, kept: dict[str, object] | None, expected: tuple[int, int, int]
) -> None:
    settings = config("COSINE", gradient_accumulation_steps=3)
    progress = Progress(epoch=epoch, epoch_step=epoch_step, epoch_sample=0, global_step=global_step)
    found = plan_remaining(settings, progress, [4, 4, 4], kept)
    assert (found.max_step, found.updates_done, found.schedule.total) == expected


def test_an_epoch_that_became_shorter_than_what_is_done_of_it_is_over() -> None:
    within = Progress(epoch=1, epoch_step=3, epoch_sample=6, global_step=7)
    assert behind_short_epoch(within, [4, 4, 4]) == within
    assert behind_short_epoch(within, [3, 3, 3]) == Progress(epoch=2, global_step=7)
    behind_the_last = Progress(epoch=3, global_step=12)
    assert behind_short_epoch(behind_the_last, [4, 4, 4]) == behind_the_last
