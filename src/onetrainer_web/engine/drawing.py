"""Drawing with classifier-free guidance, step by step, whatever the denoiser (Ho and Salimans 2022)."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.interfaces import DrawRequest

Predict = Callable[[Tensor, Tensor], Tensor]
"""From noisy latents, one row for each of `prompts_of`, and a timestep to a prediction of the same shape."""
UNGUIDED = 1.0
"""The strength at which a comparison with the negative prompt would change nothing."""


def prompts_of(settings: SampleConfig) -> list[str]:
    """The prompts that a sample asks its denoiser about: the negative one first, if guidance compares with it."""
    return [settings.negative_prompt, settings.prompt] if settings.cfg_scale > UNGUIDED else [settings.prompt]


def denoise(
    request: DrawRequest, sampler: Any, shape: tuple[int, ...], predict: Predict, *, guidance: float | None = None
) -> Tensor:
    """Latents of a sample. The starting noise is drawn on the CPU, so it is the same on every device.

    Args:
        request: What is drawn; told about each step.
        sampler: A scheduler of diffusers whose timesteps are set.
        shape: Of the latents.
        predict: The denoiser.
        guidance: Its strength; None takes the sample's, `UNGUIDED` asks the denoiser about one prompt only.
    """
    strength = request.settings.cfg_scale if guidance is None else guidance
    num_rows = 2 if strength > UNGUIDED else 1
    device = sampler.timesteps.device
    generator = torch.Generator("cpu").manual_seed(request.seed)
    latents = torch.randn(shape, generator=generator).to(device) * getattr(sampler, "init_noise_sigma", 1.0)
    for number, timestep in enumerate(sampler.timesteps, start=1):
        rows = torch.cat([latents] * num_rows)
        noisy = sampler.scale_model_input(rows, timestep) if hasattr(sampler, "scale_model_input") else rows
        with torch.no_grad():
            predicted = predict(noisy, timestep).float()
        if num_rows > 1:
            without, with_prompt = predicted.chunk(2)
            predicted = without + strength * (with_prompt - without)
        latents = sampler.step(predicted, timestep, latents, generator=generator).prev_sample
        request.on_step(number, len(sampler.timesteps))
    return latents
