"""The loss of a learned variance, for models that predict it behind the noise (Nichol and Dhariwal 2021, 3.1)."""

import math

import torch
from torch import Tensor

from onetrainer_web.engine.seams.objectives import DiffusionObjective, Prediction

_HALF_BIN = 1 / 255
"""Of a value in [-1, 1] of 256 levels, at which the first timestep is judged (Ho et al. 2020, eq. 13)."""
_OUTERMOST = 1 - 1e-3
_MIN_PROBABILITY = 1e-12


def variance_losses(
    objective: DiffusionObjective,
    latents: Tensor,
    noisy: Tensor,
    predicted: Tensor,
    variance: Tensor,
    timesteps_B: Tensor,
) -> Tensor:
    """How far the predicted step back lies from the true one, in bits for each element; the mean learns nothing of it.

    Args:
        objective: The noise levels, and what is predicted.
        latents: Without noise.
        noisy: With it.
        predicted: Noise or velocity.
        variance: Where the logarithm lies between β̃ (at -1) and β (at 1).
        timesteps_B: Of each sample.
    """
    alphas = objective.alphas_cumprod.double()
    before = torch.cat([torch.ones_like(alphas[:1]), alphas[:-1]])
    betas = 1 - alphas / before
    posterior = betas * (1 - before) / (1 - alphas)
    posterior[0] = posterior[min(1, len(posterior) - 1)]  # nothing is left of it at the last step

    def at(levels: Tensor) -> Tensor:
        return levels.float()[timesteps_B].view(-1, *[1] * (latents.ndim - 1))

    def step_back(origin: Tensor) -> Tensor:
        """The mean of the true step, if this were the origin (Ho et al. 2020, eq. 7)."""
        of_noisy = (alphas / before).sqrt() * (1 - before) / (1 - alphas)
        return at(before.sqrt() * betas / (1 - alphas)) * origin + at(of_noisy) * noisy

    signal, noise_share = at(alphas.sqrt()), at((1 - alphas).sqrt())
    predicted, noisy, latents = predicted.detach().float(), noisy.float(), latents.float()
    if objective.prediction is Prediction.EPSILON:
        origin = (noisy - noise_share * predicted) / signal
    else:
        origin = signal * noisy - noise_share * predicted
    mean, share = step_back(origin), (variance.float() + 1) / 2
    log_variance = share * at(betas.log()) + (1 - share) * at(posterior.log())
    divergence = _divergence(step_back(latents), at(posterior.log()), mean, log_variance)
    is_first = (timesteps_B == 0).view(-1, *[1] * (latents.ndim - 1))
    return torch.where(is_first, _surprise(latents, mean, log_variance), divergence) / math.log(2)


def _divergence(mean: Tensor, log_variance: Tensor, other_mean: Tensor, other_log_variance: Tensor) -> Tensor:
    """How far one normal distribution is from another (Kullback and Leibler), in nats."""
    ratio = log_variance - other_log_variance
    return 0.5 * (ratio.exp() - 1 - ratio + (mean - other_mean) ** 2 * (-other_log_variance).exp())


def _surprise(values: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """How unlikely values of 256 levels are in a normal distribution, in nats; the outermost take what is beyond."""
    inverse = (-0.5 * log_variance).exp()
    below = torch.special.ndtr((values - mean - _HALF_BIN) * inverse)
    up_to = torch.special.ndtr((values - mean + _HALF_BIN) * inverse)
    inside = torch.where(values < -_OUTERMOST, up_to, torch.where(values > _OUTERMOST, 1 - below, up_to - below))
    return -inside.clamp(min=_MIN_PROBABILITY).log()
