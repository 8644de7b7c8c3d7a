"""What a model learns: noise in, target out, and how far a prediction is from it.

Legend of the axes in names: B batch, C channels, H height, W width.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from onetrainer_web.config.enums import LossWeight
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime import randomness
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError

MAX_DEBIASED_SNR = 1000.0
MIN_ALPHA = 1e-8


class Prediction(StrEnum):
    """What a diffusion model predicts, in diffusers' words."""

    EPSILON = "epsilon"
    V = "v_prediction"


class Objective(Protocol):
    """How a family mixes noise in and what its model is to predict."""

    @property
    def num_timesteps(self) -> int:
        """Number of noise levels."""
        ...

    @property
    def prediction(self) -> str:
        """What the model predicts, as the metadata of saved files call it."""
        ...

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps_B: Tensor) -> Tensor:
        """Noisy latents of the same shape."""
        ...

    def target(self, latents: Tensor, noise: Tensor, timesteps_B: Tensor) -> Tensor:
        """What the model is to predict, of the same shape."""
        ...

    def loss_weight(self, function: LossWeight, strength: float, timesteps_B: Tensor) -> Tensor:
        """Weight of each sample's loss by its timestep."""
        ...

    def timestep_shift(self, config: TrainConfig, latents_BCHW: Tensor) -> float:
        """How far timesteps are moved towards noise, for pictures of this size."""
        ...

    def offset_scale(self, timesteps_B: Tensor) -> Tensor:
        """How much of its offset the noise of each timestep has, with `generalized_offset_noise`."""
        ...


@dataclass(frozen=True)
class DiffusionObjective:
    """Denoising diffusion with a fixed table of noise levels (Ho et al. 2020), predicting noise or velocity."""

    alphas_cumprod: Tensor
    """Share of the signal's variance at each timestep, from almost 1 to almost 0."""
    prediction: Prediction

    @property
    def num_timesteps(self) -> int:
        """Length of the table."""
        return len(self.alphas_cumprod)

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps_B: Tensor) -> Tensor:
        """√ᾱ·x + √(1 − ᾱ)·ε."""
        signal, noise_share = self._shares(timesteps_B, latents.ndim)
        return signal * latents + noise_share * noise

    def target(self, latents: Tensor, noise: Tensor, timesteps_B: Tensor) -> Tensor:
        """The noise, or the velocity √ᾱ·ε − √(1 − ᾱ)·x (Salimans and Ho 2022)."""
        if self.prediction is Prediction.EPSILON:
            return noise
        signal, noise_share = self._shares(timesteps_B, latents.ndim)
        return signal * noise - noise_share * latents

    def loss_weight(self, function: LossWeight, strength: float, timesteps_B: Tensor) -> Tensor:
        """Weights by the signal-to-noise ratio ᾱ / (1 − ᾱ).

        MIN_SNR_GAMMA: Hang et al. 2023. P2: Choi et al. 2022. DEBIASED_ESTIMATION: Yu et al. 2023. For velocity the
        weight carries over by the factor between both losses, hence the +1.

        Raises:
            UnsupportedSettingError: SIGMA is for flow matching.
        """
        alphas = self.alphas_cumprod[timesteps_B]
        snr = alphas / (1 - alphas)
        divisor = snr + 1 if self.prediction is Prediction.V else snr
        if function is LossWeight.CONSTANT:
            return torch.ones_like(snr)
        if function is LossWeight.MIN_SNR_GAMMA:
            return snr.clamp(max=strength) / divisor
        if function is LossWeight.P2:
            return (1 + divisor) ** -strength
        if function is LossWeight.DEBIASED_ESTIMATION:
            return 1 / torch.sqrt(divisor.clamp(max=MAX_DEBIASED_SNR))
        known = [choice.value for choice in LossWeight if choice is not LossWeight.SIGMA]
        raise UnsupportedSettingError("loss_weight_fn", function.value, known)

    def timestep_shift(self, config: TrainConfig, latents_BCHW: Tensor) -> float:
        """The configured one, whatever the size."""
        del latents_BCHW
        return config.timestep_shift

    def offset_scale(self, timesteps_B: Tensor) -> Tensor:
        """ψ of the balanced strategy of Kutsuna 2024 (A Generalized Diffusion Model with Adjusted Offset Noise).

        Its recursion telescopes: ψ at a timestep is proportional to √(1 − ᾱ) / ᾱ, and 1 at the last one.
        """
        alphas = self.alphas_cumprod.clamp(min=MIN_ALPHA)  # 0 at the end, with zero terminal SNR
        psi = (1 - alphas).sqrt() / alphas
        return psi[timesteps_B] / psi[-1]

    def _shares(self, timesteps_B: Tensor, ndim: int) -> tuple[Tensor, Tensor]:
        alphas = self.alphas_cumprod[timesteps_B].view(-1, *[1] * (ndim - 1))
        return alphas.sqrt(), (1 - alphas).sqrt()


def draw_noise(
    config: TrainConfig, latents_BCHW: Tensor, purpose: int | str, offset_scale_B: Tensor | None = None
) -> Tensor:
    """Training noise in float32: normal, plus an offset for each channel, plus a perturbation; each purpose its own."""
    shape = tuple(latents_BCHW.shape)
    noise = randomness.normal(shape, latents_BCHW, "noise", purpose)
    if config.offset_noise_weight > 0:
        offset_shape = (*shape[:2], *[1] * (len(shape) - 2))
        offset = randomness.normal(offset_shape, latents_BCHW, "offset noise", purpose)
        if offset_scale_B is not None:
            offset = offset * offset_scale_B.view(-1, *[1] * (len(shape) - 1))
        noise = noise + config.offset_noise_weight * offset
    if config.perturbation_noise_weight > 0:
        perturbation = randomness.normal(shape, latents_BCHW, "perturbation noise", purpose)
        noise = noise + config.perturbation_noise_weight * perturbation
    return noise


def sample_losses(config: TrainConfig, predicted: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Loss of each sample: the configured kinds by their strengths, each a mean over all axes but the first.

    Args:
        config: Says which kinds.
        predicted: What the model says.
        target: What it should have said.
        mask: Weights of the elements; broadcast over the axes of size 1.
    """

    def means(losses: Tensor) -> Tensor:
        return (losses if mask is None else losses * mask).flatten(1).mean(1)

    predicted, target = predicted.float(), target.float()
    losses = predicted.new_zeros(predicted.shape[0])
    if config.mse_strength:
        losses = losses + config.mse_strength * means(F.mse_loss(predicted, target, reduction="none"))
    if config.mae_strength:
        losses = losses + config.mae_strength * means(F.l1_loss(predicted, target, reduction="none"))
    if config.log_cosh_strength:
        losses = losses + config.log_cosh_strength * means(log_cosh(predicted - target))
    if config.huber_strength:
        huber = F.huber_loss(predicted, target, reduction="none", delta=config.huber_delta)
        losses = losses + config.huber_strength * means(huber)
    return losses


def log_cosh(difference: Tensor) -> Tensor:
    """ln(cosh(d)) without overflow: |d| + softplus(−2|d|) − ln 2."""
    size = difference.abs()
    return size + F.softplus(-2 * size) - 0.6931471805599453
