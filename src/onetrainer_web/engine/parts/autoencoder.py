"""From pixels to latents and back, for the families whose pictures go through diffusers' `AutoencoderKL`."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.runtime import randomness
from onetrainer_web.engine.seams.precision import type_of


def encode_pictures(vae: Any, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
    """Latents drawn from the autoencoder's distribution, each by its own seed, shifted and scaled as its model wants.

    Args:
        vae: An `AutoencoderKL`.
        pixels_BCHW: In [-1, 1].
        seeds: One for each picture.
    """
    weight = next(vae.parameters())  # the autoencoder's own `device` and `dtype` look through all of them
    with torch.no_grad():
        latents_BCHW = draw_latents(vae.encode(pixels_BCHW.to(weight.device, weight.dtype)).latent_dist, seeds)
    return (latents_BCHW - _shift(vae)) * vae.config.scaling_factor


def draw_latents(distribution: Any, seeds: Sequence[int]) -> Tensor:
    """One sample of each row of an autoencoder's distribution, float32, each by its own seed."""
    shape = tuple(distribution.mean.shape[1:])
    noise = torch.stack([randomness.normal(shape, distribution.mean, "latent", seed) for seed in seeds])
    return distribution.mean.float() + distribution.std.float() * noise


def encode_hint(vae: Any, shown_BCHW: Tensor) -> Tensor:
    """Latents of what an inpainting model is shown: the middle of the autoencoder's distribution, nothing drawn."""
    with torch.no_grad():
        middle = vae.encode(shown_BCHW.to(vae.device, type_of(vae))).latent_dist.mean.float()
    return (middle - _shift(vae)) * vae.config.scaling_factor


def decode(vae: Any, latents_1CHW: Tensor) -> Image.Image:
    """The picture of some latents."""
    with torch.no_grad():
        return to_picture(decode_latents(vae, latents_1CHW)[0])


def decode_latents(vae: Any, latents_BCHW: Tensor) -> Tensor:
    """Pixels around [-1, 1] of latents, shifted and scaled as `encode_pictures` gives them."""
    unscaled = latents_BCHW / vae.config.scaling_factor + _shift(vae)
    return vae.decode(unscaled.to(type_of(vae))).sample


def to_picture(pixels_CHW: Tensor) -> Image.Image:
    """A picture of colours in [-1, 1]."""
    levels = ((pixels_CHW.float() / 2 + 0.5).clamp(0, 1) * 255).round().to("cpu", torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())


def pixels_per_latent(vae: Any) -> int:
    """How many pixels a side of a latent stands for."""
    return 2 ** (len(vae.config.block_out_channels) - 1)


def latent_shape(vae: Any, settings: SampleConfig) -> tuple[int, int, int, int]:
    """Shape of the latents of one sample: (1, channels, height, width)."""
    factor = pixels_per_latent(vae)
    return (1, vae.config.latent_channels, settings.height // factor, settings.width // factor)


def _shift(vae: Any) -> float:
    return vae.config.shift_factor or 0.0
