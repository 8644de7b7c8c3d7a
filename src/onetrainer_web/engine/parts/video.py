"""Videos and their latents: (batch, channels, frames, height, width). A picture is a video of one frame."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.parts.autoencoder import draw_latents, to_picture
from onetrainer_web.engine.seams.precision import type_of


def encode_video(vae: Any, pixels: Tensor, seeds: Sequence[int]) -> Tensor:
    """Latents drawn from the autoencoder's distribution, each by its own seed, neither shifted nor scaled.

    Args:
        vae: One of diffusers' autoencoders for videos.
        pixels: In [-1, 1], with frames behind the channels, or without for pictures.
        seeds: One for each video.
    """
    pixels_BCFHW = pixels if pixels.ndim == 5 else pixels.unsqueeze(2)
    with torch.no_grad():
        return draw_latents(vae.encode(pixels_BCFHW.to(vae.device, type_of(vae))).latent_dist, seeds)


def decode_video(vae: Any, latents_1CFHW: Tensor, **told: Tensor) -> list[Image.Image]:
    """The frames of a video from latents as the autoencoder gave them, and what else it is told."""
    with torch.no_grad():
        pixels_1CFHW = vae.decode(latents_1CFHW.to(type_of(vae)), **told).sample
    return [to_picture(frame_CHW) for frame_CHW in pixels_1CFHW[0].unbind(1)]


def video_latent_shape(
    settings: SampleConfig, channels: int, frame_factor: int, side_factor: int
) -> tuple[int, int, int, int, int]:
    """Shape of the latents of one sample; frames that are not one more than a multiple are left out."""
    num_frames = (settings.frames - 1) // frame_factor + 1
    return (1, channels, num_frames, settings.height // side_factor, settings.width // side_factor)


def per_channel(values: Sequence[float] | Tensor, like: Tensor) -> Tensor:
    """Numbers of channels, for latents of videos: (1, channels, 1, 1, 1), of the device of `like`."""
    return torch.as_tensor(values, dtype=torch.float32, device=like.device).view(1, -1, 1, 1, 1)


class HunyuanPictures:
    """From pixels to latents and back by Hunyuan Video's autoencoder, which other models have as well."""

    def encode_pictures(self, vae: Any, pixels: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, times its scaling factor."""
        return encode_video(vae, pixels, seeds) * vae.config.scaling_factor

    def latent_shape(self, vae: Any, settings: SampleConfig) -> tuple[int, int, int, int, int]:
        """Of one sample: (1, channels, frames, height, width)."""
        own = vae.config
        factors = own.temporal_compression_ratio, own.spatial_compression_ratio
        return video_latent_shape(settings, own.latent_channels, *factors)

    def decode(self, vae: Any, latents: Tensor) -> list[Image.Image]:
        """The frames that the autoencoder makes of latents."""
        return decode_video(vae, latents / vae.config.scaling_factor)
