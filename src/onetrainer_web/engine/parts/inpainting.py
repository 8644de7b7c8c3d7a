"""What models are shown besides the noise: a picture with a hole and where the hole is, its depth, or a reference.

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
from onetrainer_web.engine.parts.autoencoder import encode_hint
from onetrainer_web.engine.runtime.errors import WrongWeightsError
from onetrainer_web.engine.seams.interfaces import Components, DrawRequest, Family, LoadRequest, Model
from onetrainer_web.pipeline.entries import HINT, pixels_of

_PLAIN, _INPAINTING, _DEPTH = "a model without a mask input", "an inpainting model", "a depth model"


def inpaints(family: Family) -> bool:
    """Whether a family's model is shown a part of each picture and draws the rest."""
    return facts(family.model_type).has_mask_input


def sees_depth(family: Family) -> bool:
    """Whether a family's model is shown the depth of each picture."""
    return facts(family.model_type).has_depth_input


def draws_after(family: Family) -> bool:
    """Whether a family's model is shown a reference for each picture."""
    return facts(family.model_type).has_reference_input


def require_fitting_input(family: Family, components: Components, request: LoadRequest) -> None:
    """Refuse a model of another kind, plain, inpainting or depth, in families that have several.

    Raises:
        WrongWeightsError: The denoiser takes other channels.
    """
    own = facts(family.model_type).family
    if not any(known.has_mask_input for known in MODEL_TYPES.values() if known.family == own):
        return
    config = components[family.denoiser].config
    num_hints = config.in_channels - (config.out_channels or config.in_channels)
    found = _DEPTH if num_hints == 1 else _INPAINTING if num_hints else _PLAIN
    expected = _DEPTH if sees_depth(family) else _INPAINTING if inpaints(family) else _PLAIN
    if found != expected:
        raise WrongWeightsError(request.name, found, f"{expected} for this model_type")


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
    """What a model is shown of the base picture of a sample; nothing for one that is shown none, or needs none.

    Pictures are scaled and cropped in the middle, as training pictures would be.
    """
    if inpaints(family):
        hint = _hole_hint(family, model, request)
    elif sees_depth(family):
        hint = _depth_hint(family, model, request)
    elif draws_after(family) and request.base is not None:
        size = Size(request.settings.width, request.settings.height)
        hint = family.hint(model, _pixels(request.base, size), torch.ones(1, 1, size.height, size.width))
    else:
        return {}
    return {HINT: hint.expand(num_rows, -1, -1, -1)}


def _hole_hint(family: Family, model: Model, request: DrawRequest) -> Tensor:
    """Of the base picture and its mask, or of a grey picture that is to be drawn everywhere."""
    size = Size(request.settings.width, request.settings.height)
    masks_B1HW = torch.ones(1, 1, size.height, size.width)
    shown_BCHW = torch.zeros(1, 3, size.height, size.width)
    if request.base is not None:
        if request.mask is not None:
            levels = numpy.asarray(_fitted(request.mask, size).convert("L"))
            masks_B1HW = torch.from_numpy(levels >= MASKED_LEVEL).to(torch.float32)[None, None]
        shown_BCHW = _pixels(request.base, size) * (1 - masks_B1HW)
    return family.hint(model, shown_BCHW, masks_B1HW)


def _depth_hint(family: Family, model: Model, request: DrawRequest) -> Tensor:
    """Of the base picture, or one depth everywhere."""
    size = Size(request.settings.width, request.settings.height)
    if request.base is None:
        *_, height, width = family.latent_shape(model, request.settings)
        return torch.zeros(1, 1, height, width)
    return family.hint(model, _pixels(request.base, size), torch.ones(1, 1, size.height, size.width))


def _pixels(image: Image.Image, size: Size) -> Tensor:
    return pixels_of([numpy.asarray(_fitted(image, size)).transpose(2, 0, 1)])


def _fitted(image: Image.Image, size: Size) -> Image.Image:
    return place(image, centred_view(Size(*image.size), size))
