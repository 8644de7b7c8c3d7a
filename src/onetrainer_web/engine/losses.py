"""From noised latents to the loss of each sample: prediction, target, masks, and what is to stay as it was."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.interfaces import Method
from onetrainer_web.engine.objectives import sample_losses
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
        with method.model.precision.autocast():
            predicted = method.pixel_predictions(batch, noised.latents)
        return _masked_losses(config, batch, predicted, noised.latents, None)
    noisy = objective.add_noise(noised.latents, noised.noise, noised.timesteps_B)
    predicted = _predict(method, noisy, noised, noised.conditions)
    target = objective.target(noised.latents, noised.noise, noised.timesteps_B)
    prior = None
    if noised.prior_conditions is not None:
        with torch.no_grad(), method.untrained():
            prior = _predict(method, noisy, noised, noised.prior_conditions)
        is_prior = batch.is_prior_B.to(target.device).view(-1, *[1] * (target.ndim - 1))
        target = torch.where(is_prior, prior.to(target.dtype), target)
    losses = _masked_losses(config, batch, predicted, target, prior)
    weights = objective.loss_weight(config.loss_weight_fn, config.loss_weight_strength, noised.timesteps_B)
    return losses * weights


def _predict(method: Method, noisy: Tensor, noised: Noised, conditions: Mapping[str, Tensor]) -> Tensor:
    with method.model.precision.autocast():
        return method.family.predict(method.model, noisy, noised.timesteps_B, conditions)


def _masked_losses(
    config: TrainConfig, batch: Batch, predicted: Tensor, target: Tensor, prior: Tensor | None
) -> Tensor:
    if batch.masks_B1HW is None:
        return sample_losses(config, predicted, target)
    mask = batch.masks_B1HW.to(predicted.device).clamp(min=config.unmasked_weight)
    while mask.ndim < predicted.ndim:  # the frames of a video share a mask
        mask = mask.unsqueeze(2)
    losses = sample_losses(config, predicted, target, mask)
    if config.normalize_masked_area_loss:
        losses = losses / mask.flatten(1).mean(1)
    if prior is not None and config.masked_prior_preservation_weight > 0:
        held = sample_losses(config, predicted, prior, 1 - mask)
        losses = losses + config.masked_prior_preservation_weight * held
    return losses
