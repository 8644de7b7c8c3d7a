"""What depth models are shown besides the noise: how far away each place of a picture is, as another network guesses.

Tensor legend: B batch, C channels, H and W height and width.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from onetrainer_web.engine.parts.autoencoder import pixels_per_latent
from onetrainer_web.engine.seams.interfaces import Model
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights.diffusers_folder import load_network

ESTIMATOR, PROCESSOR = "depth_estimator", "feature_extractor"
_REPOSITORY = "stabilityai/stable-diffusion-2-depth"


class DepthEstimator:
    """Loads the network that guesses depth.

    Always in float32: its batch normalisation does not bear float16, and each picture goes through it only once.
    """

    @staticmethod
    def from_pretrained(location: Path | str, *, local_files_only: bool, subfolder: str) -> Any:
        """Load it; see `load_piece`."""
        from transformers.models.dpt.modeling_dpt import DPTForDepthEstimation  # few runs need it

        return load_network(DPTForDepthEstimation, location, subfolder, torch.float32, is_offline=local_files_only)


class DepthProcessor:
    """Loads what prepares pictures for it."""

    @staticmethod
    def from_pretrained(location: Path | str, **others: Any) -> Any:
        """Load it; see `load_piece`."""
        from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

        return DPTImageProcessorPil.from_pretrained(location, **others)


PIECES = {ESTIMATOR: DepthEstimator, PROCESSOR: DepthProcessor}
"""What a depth model has besides, with the loader of each."""
PUBLISHED = {name: (kind, _REPOSITORY, name) for name, kind in PIECES.items()}
"""And where it is found."""


def depth_of(model: Model, pictures_BCHW: Tensor) -> Tensor:
    """One channel as large as the latents: 1 where a picture is nearest, -1 where it is farthest.

    Args:
        model: With its estimator.
        pictures_BCHW: In [-1, 1].
    """
    estimator: Any = model.components[ESTIMATOR]
    levels = ((pictures_BCHW + 1) * 127.5).round().to("cpu", torch.uint8)
    prepared = model.components[PROCESSOR](images=list(levels.numpy()), return_tensors="pt").pixel_values
    with torch.no_grad():
        depth_BHW = estimator(prepared.to(estimator.device, type_of(estimator))).predicted_depth
    factor = pixels_per_latent(model.components["vae"])
    size = (pictures_BCHW.shape[-2] // factor, pictures_BCHW.shape[-1] // factor)
    depth_B1HW = interpolate(depth_BHW[:, None].float(), size, mode="bicubic", align_corners=False)
    low, high = (bound(depth_B1HW, dim=(1, 2, 3), keepdim=True) for bound in (torch.amin, torch.amax))
    # Of one depth everywhere, the middle.
    return torch.where(high > low, 2 * (depth_B1HW - low) / (high - low) - 1, 0.0)
