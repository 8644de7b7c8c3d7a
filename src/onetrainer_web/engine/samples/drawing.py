"""Drawing a sample, step by step, whatever the family; with classifier-free guidance (Ho and Salimans 2022)."""

from inspect import signature
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.parts.inpainting import sample_hint
from onetrainer_web.engine.seams.interfaces import UNGUIDED, DrawRequest, Family, Model


def draw(family: Family, model: Model, request: DrawRequest) -> Image.Image | list[Image.Image]:
    """Draw a sample: a picture, or the frames of a video.

    The starting noise is drawn on the CPU, so it is the same on every device.
    """
    settings = request.settings
    shape = family.latent_shape(model, settings)
    sampler = family.sampler(model, settings, shape)
    strength = family.guidance(settings)
    prompts = [settings.negative_prompt, settings.prompt] if strength > UNGUIDED else [settings.prompt]
    conditions = encode_prompts(family, model, settings, prompts)
    conditions |= family.sample_conditions(model, settings, len(prompts))
    conditions |= sample_hint(family, model, request, len(prompts))
    generator = torch.Generator("cpu").manual_seed(request.seed)
    latents = family.first_noise(shape, generator).to(model.precision.device)
    latents = latents * getattr(sampler, "init_noise_sigma", 1.0)
    # Those that draw nothing at random do not take a generator.
    chance = {"generator": generator} if "generator" in signature(sampler.step).parameters else {}
    for number, timestep in enumerate(sampler.timesteps, start=1):
        noisy = _scaled(sampler, torch.cat([latents] * len(prompts)), timestep)
        with torch.no_grad(), model.precision.autocast(family.denoiser):
            timesteps_B = timestep.to(noisy.device).expand(len(noisy))
            predicted = family.predict(model, noisy, timesteps_B, conditions)[:, : noisy.shape[1]]
        guided = family.guide(*predicted.float().chunk(2), strength) if len(prompts) > 1 else predicted.float()
        latents = sampler.step(guided, timestep, latents, **chance).prev_sample
        request.on_step(number, len(sampler.timesteps))
    drawn = family.finish(model, latents, settings, generator)
    return drawn[0] if isinstance(drawn, list) and len(drawn) == 1 else drawn


def encode_prompts(family: Family, model: Model, settings: SampleConfig, prompts: list[str]) -> dict[str, Tensor]:
    """Conditions of prompts on the training device, one row each, with the layers skipped that a sample names."""
    conditions: dict[str, Tensor] = {}
    numbers = {encoder.name: number for number, encoder in enumerate(family.text_encoders, start=1)}
    for part, tokens in family.tokenize(model, prompts).items():
        skipped = getattr(settings, f"text_encoder_{numbers[part]}_layer_skip", 0)
        with torch.no_grad(), model.precision.autocast(part):
            made = family.encode_tokens(model, part, tokens, skipped)
            conditions |= model.embeddings.place_outputs(part, tokens, made)
    handed = model.precision.handed_to(family.denoiser, conditions)
    return {name: tensor.to(model.precision.device) for name, tensor in handed.items()}


def _scaled(sampler: Any, noisy: Tensor, timestep: Tensor) -> Tensor:
    return sampler.scale_model_input(noisy, timestep) if hasattr(sampler, "scale_model_input") else noisy
