"""The loss of a learned variance against values worked out otherwise."""

import math
from statistics import NormalDist

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from onetrainer_web.engine.loop.variance import variance_losses
from onetrainer_web.engine.seams.objectives import DiffusionObjective, Prediction

BETAS = [0.1, 0.2, 0.4]
ALPHAS = [0.9, 0.72, 0.432]
LATENT, NOISE, WRONG = 0.3, -0.8, 0.5


def bits(
    timestep: int, variance: float, predicted: float = NOISE, prediction: Prediction = Prediction.EPSILON
) -> torch.Tensor:
    """Of one element with a known latent and noise."""
    objective = DiffusionObjective(torch.tensor(ALPHAS), prediction)
    latents, timesteps = torch.full((1, 1, 1, 1), LATENT), torch.tensor([timestep])
    noisy = objective.add_noise(latents, torch.full_like(latents, NOISE), timesteps)
    guess, shares = torch.full_like(latents, predicted), torch.full_like(latents, variance, requires_grad=True)
    return variance_losses(objective, latents, noisy, guess, shares, timesteps)


def step_back(timestep: int, noise: float) -> float:
    """Mean of the step from a timestep with this noise: (x − β / √(1 − ᾱ) · ε) / √α, Ho et al. 2020, eq. 11."""
    alpha_bar, beta = ALPHAS[timestep], BETAS[timestep]
    noisy = math.sqrt(alpha_bar) * LATENT + math.sqrt(1 - alpha_bar) * NOISE
    return (noisy - beta / math.sqrt(1 - alpha_bar) * noise) / math.sqrt(1 - beta)


@pytest.mark.parametrize("variance", [-1.0, 0.0, 0.7])
@pytest.mark.parametrize("predicted", [NOISE, WRONG])
def test_the_step_back_is_compared_with_the_true_one(variance: float, predicted: float) -> None:
    posterior = BETAS[2] * (1 - ALPHAS[1]) / (1 - ALPHAS[2])
    share = (variance + 1) / 2
    scale = math.sqrt(BETAS[2] ** share * posterior ** (1 - share))
    # The true step has the variance β̃ and the mean of the true noise; torch knows how far normal distributions are.
    wanted = kl_divergence(Normal(step_back(2, NOISE), math.sqrt(posterior)), Normal(step_back(2, predicted), scale))
    assert bits(2, variance, predicted).item() == pytest.approx(wanted.item() / math.log(2), rel=1e-4, abs=1e-6)


def test_a_velocity_says_the_same_as_its_noise() -> None:
    velocity = math.sqrt(ALPHAS[2]) * NOISE - math.sqrt(1 - ALPHAS[2]) * LATENT
    assert bits(2, 0.4, velocity, Prediction.V).item() == pytest.approx(bits(2, 0.4).item(), rel=1e-4)


def test_the_last_step_is_judged_by_the_probability_of_what_comes_out() -> None:
    posterior = BETAS[1] * (1 - ALPHAS[0]) / (1 - ALPHAS[1])  # in the place of 0
    normal = NormalDist(step_back(0, WRONG), math.sqrt(math.sqrt(BETAS[0] * posterior)))
    probability = normal.cdf(LATENT + 1 / 255) - normal.cdf(LATENT - 1 / 255)
    assert bits(0, 0.0, WRONG).item() == pytest.approx(-math.log2(probability), rel=1e-3)


def test_it_teaches_the_variance_alone() -> None:
    objective = DiffusionObjective(torch.tensor(ALPHAS), Prediction.EPSILON)
    latents, guess, share = (torch.zeros(1, 1, 2, 2, requires_grad=number > 0) for number in range(3))
    variance_losses(objective, latents, latents + 1, guess, share, torch.tensor([1])).sum().backward()
    assert guess.grad is None
    assert share.grad is not None
    assert share.grad.abs().min() > 0
