"""From pixels to latents and back through diffusers' `AutoencoderKLFlux2`: four latents in one, normalised."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.parts.autoencoder import draw_latents, to_picture
from onetrainer_web.engine.seams.precision import type_of

_PLACES = 4
"""Latents in one."""


@dataclass(frozen=True)
class PackedLatents:
    """How four latents stand in one, which is also the order of the autoencoder's statistics."""

    goes_by_place: bool = False
    """Whether all channels of the first latent come first, otherwise all four latents of the first channel."""

    def encode_pictures(self, vae: Any, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, four in one, normalised as its statistics say.

        Args:
            vae: An `AutoencoderKLFlux2`.
            pixels_BCHW: In [-1, 1].
            seeds: One for each picture.
        """
        return self._packed(vae, draw_latents(_distribution(vae, pixels_BCHW), seeds))

    def encode_hint(self, vae: Any, shown_BCHW: Tensor) -> Tensor:
        """The same of what a model is shown: the middle of the distribution, nothing drawn."""
        return self._packed(vae, _distribution(vae, shown_BCHW).mean.float())

    def _packed(self, vae: Any, latents_BCHW: Tensor) -> Tensor:
        mean, deviation = _statistics(vae)
        packed = pixel_unshuffle(latents_BCHW, 2)
        return ((_turned(packed, -1, _PLACES) if self.goes_by_place else packed) - mean) / deviation

    def decode(self, vae: Any, latents_1CHW: Tensor) -> Image.Image:
        """The picture of some latents."""
        mean, deviation = _statistics(vae)
        packed = latents_1CHW * deviation + mean
        unpacked = pixel_shuffle(_turned(packed, _PLACES, -1) if self.goes_by_place else packed, 2)
        with torch.no_grad():
            return to_picture(vae.decode(unpacked.to(type_of(vae))).sample[0])

    def latent_shape(self, vae: Any, settings: SampleConfig) -> tuple[int, int, int, int]:
        """Shape of the latents of one sample: (1, channels of four latents, height, width)."""
        factor = 2 ** len(vae.config.block_out_channels)
        return (1, _PLACES * vae.config.latent_channels, settings.height // factor, settings.width // factor)


def _distribution(vae: Any, pixels_BCHW: Tensor) -> Any:
    with torch.no_grad():
        return vae.encode(pixels_BCHW.to(vae.device, type_of(vae))).latent_dist


def _turned(latents_BCHW: Tensor, outer: int, inner: int) -> Tensor:
    """Channels that stand in two levels of these sizes, the inner one outside."""
    return latents_BCHW.unflatten(1, (outer, inner)).transpose(1, 2).flatten(1, 2)


def _statistics(vae: Any) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of four latents, float32."""
    mean, variance = (values.float().view(1, -1, 1, 1) for values in (vae.bn.running_mean, vae.bn.running_var))
    return mean, torch.sqrt(variance + vae.config.batch_norm_eps)
