"""The straight flow, against numbers worked out by hand."""

import math
from typing import Any

import pytest
import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

from onetrainer_web.config.enums import LossWeight
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.parts.flow import FlowObjective, linear_mu, num_tokens, shift_by
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError

SCHEDULER = {"base_image_seq_len": 256, "max_image_seq_len": 4096, "base_shift": 0.5, "max_shift": 1.15}
OBJECTIVE = FlowObjective(1000, lambda shape: shift_by(linear_mu(SCHEDULER, num_tokens(shape)), SCHEDULER))


def test_a_quarter_of_noise_keeps_three_quarters_of_the_picture() -> None:
    latents, noise = torch.full((1, 1, 2, 2), 8.0), torch.full((1, 1, 2, 2), 4.0)
    assert OBJECTIVE.add_noise(latents, noise, torch.tensor([249])).unique().tolist() == [7.0]
    assert OBJECTIVE.add_noise(latents, noise, torch.tensor([999])).unique().tolist() == [4.0]
    assert OBJECTIVE.target(latents, noise, torch.tensor([249])).unique().tolist() == [-4.0]


def test_weights_are_one_or_the_share_of_noise() -> None:
    timesteps = torch.tensor([0, 499, 999])
    assert OBJECTIVE.loss_weight(LossWeight.CONSTANT, 5, timesteps).tolist() == [1, 1, 1]
    assert OBJECTIVE.loss_weight(LossWeight.SIGMA, 5, timesteps).tolist() == pytest.approx([0.001, 0.5, 1.0])
    with pytest.raises(UnsupportedSettingError, match="MIN_SNR_GAMMA"):
        OBJECTIVE.loss_weight(LossWeight.MIN_SNR_GAMMA, 5, timesteps)


@pytest.mark.parametrize(
    ("latent_side", "exponent"), [(32, 0.5), (128, 1.15), (88, 0.5 + 0.65 * (44 * 44 - 256) / 3840)]
)
def test_larger_pictures_are_moved_further_towards_noise(latent_side: int, exponent: float) -> None:
    latents = torch.zeros(1, 4, latent_side, latent_side)
    assert linear_mu(SCHEDULER, num_tokens(latents.shape)) == pytest.approx(exponent)
    dynamic, fixed = TrainConfig(dynamic_timestep_shifting=True, timestep_shift=3), TrainConfig(timestep_shift=3)
    assert OBJECTIVE.timestep_shift(dynamic, latents) == pytest.approx(math.exp(exponent))
    assert OBJECTIVE.timestep_shift(fixed, latents) == 3


def test_a_video_has_the_tokens_of_all_its_frames() -> None:
    assert num_tokens((1, 4, 4, 32, 32)) == num_tokens((1, 4, 64, 64)) == 1024
    assert num_tokens((1, 4, 1, 16, 16), patch_side=1) == 256


@pytest.mark.parametrize("kind", ["exponential", "linear"])
def test_the_shift_of_a_size_is_what_diffusers_makes_of_it(kind: str) -> None:
    config: Any = {"use_dynamic_shifting": True, "time_shift_type": kind}
    scheduler: Any = FlowMatchEulerDiscreteScheduler(**config)
    shift = shift_by(1.75, scheduler.config)
    scheduler.set_timesteps(sigmas=[0.3], mu=1.75)
    assert shift * 0.3 / (1 + (shift - 1) * 0.3) == pytest.approx(float(scheduler.sigmas[0]))
