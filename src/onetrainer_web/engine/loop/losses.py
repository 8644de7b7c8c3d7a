"""From noised latents to the loss of each sample: prediction, target, masks, and what is to stay as it was."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.variance import variance_losses
from onetrainer_web.engine.seams.interfaces import Method
from onetrainer_web.engine.seams.objectives import DiffusionObjective, sample_losses
from onetrainer_web.pipeline.batches import Batch


@dataclass(frozen=True)
class Noised:
    """What a prediction is made and judged from. B batch; the other axes are those of the latents."""

    latents: Tensor
    noise: Tensor
    timesteps_B: Tensor
    conditions: Mapping[str, Tensor]
    prior_conditions: Mapping[str, Tensor] | None = None
    """What the text encoders made of the prompts before training; None where `needs_prior` says no."""


def needs_prior(method: Method, batch: Batch) -> bool:
    """Whether the loss of a batch asks what the untrained model would predict."""
    is_held = method.keeps_untrained and method.config.masked_prior_preservation_weight > 0
    return is_held and batch.masks_B1HW is not None or bool(batch.is_prior_B.any())


def weighted_losses(method: Method, batch: Batch, noised: Noised) -> Tensor:
    """The loss of each sample, weighted by its timestep: (B,).

    With a mask, each element counts by the mask, but at least by `unmasked_weight`; what the mask takes away is held to
    the untrained model's prediction with `masked_prior_preservation_weight`. Samples of prior concepts have that
    prediction as their target. Pixels are compared as they are.
    """
    config, objective = method.config, method.model.objective
    if method.learns_pixels:
        with method.model.precision.autocast("vae"):
            predicted = method.pixel_predictions(batch, noised.latents)
        return _masked_losses(config, batch, predicted, noised.latents, None)
    noisy = objective.add_noise(noised.latents, noised.noise, noised.timesteps_B)
    predicted, variance = _predict(method, noisy, noised, noised.conditions)
    target = objective.target(noised.latents, noised.noise, noised.timesteps_B)
    prior = None
    if noised.prior_conditions is not None:
        with torch.no_grad(), method.untrained():
            prior, _ = _predict(method, noisy, noised, noised.prior_conditions)
        is_prior = batch.is_prior_B.to(target.device).view(-1, *[1] * (target.ndim - 1))
        target = torch.where(is_prior, prior.to(target.dtype), target)
    losses = _masked_losses(config, batch, predicted, target, prior)
    if variance is not None and config.vb_loss_strength:
        assert isinstance(objective, DiffusionObjective)
        bits = variance_losses(objective, noised.latents, noisy, predicted, variance, noised.timesteps_B)
        is_new_B = ~batch.is_prior_B.to(bits.device)
        losses = losses + config.vb_loss_strength * _masked_means(config, batch, bits) * is_new_B
    weights = objective.loss_weight(config.loss_weight_fn, config.loss_weight_strength, noised.timesteps_B)
    return losses * weights


def _predict(
    method: Method, noisy: Tensor, noised: Noised, conditions: Mapping[str, Tensor]
) -> tuple[Tensor, Tensor | None]:
    """The prediction, and the variance where the model has learned it."""
    with method.model.precision.autocast(method.family.denoiser):
        predicted = method.family.predict(method.model, noisy, noised.timesteps_B, conditions)
    num_channels = noisy.shape[1]
    return predicted[:, :num_channels], predicted[:, num_channels:] if predicted.shape[1] > num_channels else None


def _masked_losses(
    config: TrainConfig, batch: Batch, predicted: Tensor, target: Tensor, prior: Tensor | None
) -> Tensor:
    mask = _mask(config, batch, predicted)
    if mask is None:
        return sample_losses(config, predicted, target)
    losses = sample_losses(config, predicted, target, mask)
    if config.normalize_masked_area_loss:
        losses = losses / _areas(mask)
    if prior is not None and config.masked_prior_preservation_weight > 0:
        held = sample_losses(config, predicted, prior, 1 - mask)
        losses = losses + config.masked_prior_preservation_weight * held
    return losses


def _masked_means(config: TrainConfig, batch: Batch, elements: Tensor) -> Tensor:
    """The mean of each sample, with each element counting by the mask."""
    mask = _mask(config, batch, elements)
    if mask is None:
        return elements.flatten(1).mean(1)
    means = (elements * mask).flatten(1).mean(1)
    return means / _areas(mask) if config.normalize_masked_area_loss else means


def _areas(mask: Tensor) -> Tensor:
    """The mean of each mask; 1 where it shows nothing, so that there is nothing to learn instead of 0 / 0."""
    means = mask.flatten(1).mean(1)
    return means.where(means > 0, 1)


def _mask(config: TrainConfig, batch: Batch, like: Tensor) -> Tensor | None:
    if batch.masks_B1HW is None:
        return None
    mask = batch.masks_B1HW.to(like.device).clamp(min=config.unmasked_weight)
    while mask.ndim < like.ndim:  # the frames of a video share a mask
        mask = mask.unsqueeze(2)
    return mask
