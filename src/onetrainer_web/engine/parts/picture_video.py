"""Pictures through autoencoders for videos, one frame each; latents without an axis for frames."""

from collections.abc import Sequence
from typing import Any

from PIL import Image
from torch import Tensor

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.parts.video import decode_video, encode_video, per_channel


def encode_pictures(vae: Any, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
    """Latents drawn from the autoencoder's distribution, each channel with mean 0 and deviation 1.

    Args:
        vae: An `AutoencoderKLQwenImage`.
        pixels_BCHW: In [-1, 1].
        seeds: One for each picture.
    """
    drawn = encode_video(vae, pixels_BCHW, seeds)
    mean, deviation = per_channel(vae.config.latents_mean, drawn), per_channel(vae.config.latents_std, drawn)
    return ((drawn - mean) / deviation).squeeze(2)


def decode(vae: Any, latents_1CHW: Tensor) -> Image.Image:
    """The picture of some latents."""
    latents = latents_1CHW.unsqueeze(2)
    mean, deviation = per_channel(vae.config.latents_mean, latents), per_channel(vae.config.latents_std, latents)
    return decode_video(vae, latents * deviation + mean)[0]


def latent_shape(vae: Any, settings: SampleConfig) -> tuple[int, int, int, int]:
    """Shape of the latents of one sample: (1, channels, height, width)."""
    factor = 2 ** len(vae.config.temperal_downsample)
    return (1, vae.config.z_dim, settings.height // factor, settings.width // factor)
