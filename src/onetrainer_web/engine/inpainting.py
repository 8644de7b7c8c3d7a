"""What inpainting models are shown besides the noise: a picture with a hole, and where the hole is.

Tensor legend: B batch, C channels, H and W height and width.
"""

from collections.abc import Mapping
from typing import Any

import numpy
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, pixel_unshuffle

from onetrainer_web.config.families import MODEL_TYPES, facts
from onetrainer_web.dataset.augment import MASKED_LEVEL, centred_view, place
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.engine.autoencoder import encode_hint
from onetrainer_web.engine.errors import WrongWeightsError
from onetrainer_web.engine.interfaces import Components, DrawRequest, Family, LoadRequest, Model
from onetrainer_web.pipeline.entries import HINT, pixels_of


def inpaints(family: Family) -> bool:
    """Whether a family's model is shown a part of each picture and draws the rest."""
    return facts(family.model_type).has_mask_input


def require_fitting_input(family: Family, components: Components, request: LoadRequest) -> None:
    """Refuse an inpainting model in place of a plain one, and the other way round, in families that have both.

    Raises:
        WrongWeightsError: The denoiser takes other channels.
    """
    own = facts(family.model_type).family
    if not any(known.has_mask_input for known in MODEL_TYPES.values() if known.family == own):
        return
    config = components[family.denoiser].config
    takes_hint = config.in_channels > (config.out_channels or config.in_channels)
    if takes_hint != inpaints(family):
        kinds = ("a model without a mask input", "an inpainting model")
        raise WrongWeightsError(request.name, kinds[takes_hint], f"{kinds[inpaints(family)]} for this model_type")


def mask_then_picture(vae: Any, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
    """As Stable Diffusion takes it: one channel that is 1 where to draw, then the latents of what is shown."""
    latents_BCHW = encode_hint(vae, shown_BCHW)
    masks = interpolate(masks_B1HW.to(latents_BCHW.device), latents_BCHW.shape[-2:])
    return torch.cat([masks, latents_BCHW], dim=1)


def picture_then_mask(vae: Any, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
    """As FLUX.1 Fill takes it: the latents of what is shown, then for each the mask's pixels under it as channels."""
    latents_BCHW = encode_hint(vae, shown_BCHW)
    masks = pixel_unshuffle(masks_B1HW.to(latents_BCHW.device), shown_BCHW.shape[-1] // latents_BCHW.shape[-1])
    return torch.cat([latents_BCHW, masks], dim=1)


def beside(noisy: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
    """Noisy latents with the hint behind their channels, if there is one."""
    hint = conditions.get(HINT)
    return noisy if hint is None else torch.cat([noisy, hint.to(noisy.device, noisy.dtype)], dim=1)


def sample_hint(family: Family, model: Model, request: DrawRequest, num_rows: int) -> dict[str, Tensor]:
    """The hint of a sample: of its base picture and mask, or of a grey picture that is to be drawn everywhere.

    Both are scaled and cropped in the middle, as a training picture would be. Nothing for models of other kinds.
    """
    if not inpaints(family):
        return {}
    size = Size(request.settings.width, request.settings.height)
    masks_B1HW = torch.ones(1, 1, size.height, size.width)
    shown_BCHW = torch.zeros(1, 3, size.height, size.width)
    if request.base is not None:
        if request.mask is not None:
            levels = numpy.asarray(_fitted(request.mask, size).convert("L"))
            masks_B1HW = torch.from_numpy(levels >= MASKED_LEVEL).to(torch.float32)[None, None]
        base = numpy.asarray(_fitted(request.base, size)).transpose(2, 0, 1)
        shown_BCHW = pixels_of([base]) * (1 - masks_B1HW)
    return {HINT: family.hint(model, shown_BCHW, masks_B1HW).expand(num_rows, -1, -1, -1)}


def _fitted(image: Image.Image, size: Size) -> Image.Image:
    return place(image, centred_view(Size(*image.size), size))
