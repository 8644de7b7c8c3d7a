"""Formulas against other people's implementations of them."""

from typing import Any

import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from diffusers.training_utils import EMAModel, compute_density_for_timestep_sampling, compute_snr
from transformers.optimization import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

from onetrainer_web.config.enums import LossWeight, ModelType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.loop.timesteps import TimestepSettings, draw_timesteps
from onetrainer_web.engine.optimization.ema import ema_decay_at
from onetrainer_web.engine.optimization.schedules import SchedulePlan, create_scheduler
from onetrainer_web.engine.runtime.randomness import numpy_generator
from onetrainer_web.engine.seams.objectives import DiffusionObjective

SCHEDULER = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def objective(**changes: object) -> tuple[DiffusionObjective, DDIMScheduler]:
    """The objective of Stable Diffusion's noise levels, and diffusers' scheduler with the same."""
    family = family_of(ModelType.STABLE_DIFFUSION_15)
    components = {"scheduler": DDIMScheduler(**SCHEDULER)}
    made = family.objective(components, TrainConfig.model_validate(changes), torch.device("cpu"))
    assert isinstance(made, DiffusionObjective)
    return made, components["scheduler"]


def test_noise_and_velocity_are_those_of_diffusers() -> None:
    ours, scheduler = objective(force_v_prediction=True)
    latents, noise = torch.randn(4, 4, 8, 8), torch.randn(4, 4, 8, 8)
    timesteps: Any = torch.tensor([0, 250, 700, 999])
    assert torch.allclose(
        ours.add_noise(latents, noise, timesteps), scheduler.add_noise(latents, noise, timesteps), atol=1e-6
    )
    assert torch.allclose(
        ours.target(latents, noise, timesteps), scheduler.get_velocity(latents, noise, timesteps), atol=1e-6
    )


def test_weights_follow_the_signal_to_noise_ratio_of_diffusers() -> None:
    ours, scheduler = objective()
    timesteps = torch.arange(1000)
    snr = compute_snr(scheduler, timesteps)
    expected = torch.stack([snr, 5 * torch.ones_like(snr)], dim=1).min(dim=1)[0] / snr
    assert torch.allclose(ours.loss_weight(LossWeight.MIN_SNR_GAMMA, 5.0, timesteps), expected, rtol=1e-4)


def test_zero_terminal_snr_leaves_pure_noise_at_the_end_and_predicts_velocity() -> None:
    ours, scheduler = objective(rescale_noise_scheduler_to_zero_terminal_snr=True)
    assert ours.prediction == "v_prediction"
    assert float(ours.alphas_cumprod[-1]) == pytest.approx(0, abs=1e-6)
    # Lin et al. 2023, algorithm 1: the square roots are shifted to end at zero and scaled to keep the first.
    plain = DDIMScheduler(**SCHEDULER).alphas_cumprod.sqrt()
    expected = (plain - plain[-1]) * plain[0] / (plain[0] - plain[-1])
    assert torch.allclose(ours.alphas_cumprod.sqrt(), expected, atol=1e-3)
    assert scheduler.config["timestep_spacing"] == "trailing"


@pytest.mark.parametrize(
    ("name", "reference"),
    [("COSINE", get_cosine_schedule_with_warmup), ("LINEAR", get_linear_schedule_with_warmup)],
)
def test_schedules_are_those_of_transformers(name: str, reference: object) -> None:
    def rates(make: object) -> list[float]:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
        scheduler = make(optimizer)  # type: ignore[operator]
        found: list[float] = []
        for _ in range(40):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return found

    config = TrainConfig.model_validate({"learning_rate_scheduler": name})
    ours = rates(lambda optimizer: create_scheduler(optimizer, config, SchedulePlan(total=40, warmup=10)))
    theirs = rates(lambda optimizer: reference(optimizer, 10, 40))  # type: ignore[operator]
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "scheme", "ours", "theirs"),
    [
        (
            "LOGIT_NORMAL",
            "logit_normal",
            {"noising_bias": 0.3, "noising_weight": -0.2},
            {"logit_mean": 0.3, "logit_std": 0.8},
        ),
        ("HEAVY_TAIL", "mode", {"noising_weight": 1.29}, {"mode_scale": 1.29}),
    ],
)
def test_timesteps_are_distributed_as_in_diffusers(
    name: str, scheme: str, ours: dict[str, float], theirs: dict[str, Any]
) -> None:
    settings = TimestepSettings.of(TrainConfig.model_validate({"timestep_distribution": name, **ours}), 1000)
    found = torch.from_numpy(draw_timesteps(settings, 100_000, numpy_generator("test"))).double() / 1000
    generator = torch.Generator().manual_seed(1)
    expected = compute_density_for_timestep_sampling(scheme, 100_000, generator=generator, **theirs)
    points = torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9])
    assert torch.allclose(found.quantile(points.double()), expected.double().quantile(points.double()), atol=0.015)


def test_the_decay_of_the_average_is_that_of_diffusers() -> None:
    reference = EMAModel([torch.nn.Parameter(torch.zeros(1))], decay=0.99)
    # diffusers counts from 1, and copies the weights in its first step.
    assert [ema_decay_at(step, 0.99) for step in range(1, 5)] == pytest.approx(
        [reference.get_decay(step + 1) for step in range(1, 5)]
    )
