"""Videos and their latents: (batch, channels, frames, height, width). A picture is a video of one frame."""

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.autoencoder import draw_latents, to_picture


def encode_video(vae: Any, pixels: Tensor, seeds: Sequence[int]) -> Tensor:
    """Latents drawn from the autoencoder's distribution, each by its own seed, neither shifted nor scaled.

    Args:
        vae: One of diffusers' autoencoders for videos.
        pixels: In [-1, 1], with frames behind the channels, or without for pictures.
        seeds: One for each video.
    """
    pixels_BCFHW = pixels if pixels.ndim == 5 else pixels.unsqueeze(2)
    with torch.no_grad():
        return draw_latents(vae.encode(pixels_BCFHW.to(vae.device, vae.dtype)).latent_dist, seeds)


def decode_video(vae: Any, latents_1CFHW: Tensor, **told: Tensor) -> list[Image.Image]:
    """The frames of a video from latents as the autoencoder gave them, and what else it is told."""
    with torch.no_grad():
        pixels_1CFHW = vae.decode(latents_1CFHW.to(vae.dtype), **told).sample
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
