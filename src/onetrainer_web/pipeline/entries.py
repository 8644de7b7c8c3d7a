"""What is kept of a picture: its latents and what belongs to them, made of the decoded files by the model's encoders.

Tensor legend: B batch, C channels, H and W height and width.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate
from torch.nn.utils.rnn import pad_sequence

from onetrainer_web.dataset.augment import MASKED_LEVEL, PictureView, fitted, place, render
from onetrainer_web.dataset.sizes import load_conditioning, load_mask, load_picture
from onetrainer_web.pipeline.cache import Tensors
from onetrainer_web.pipeline.items import Item

_MIN_CIRCLE = 0.2
"""Of the way to the farthest masked pixel, the least that a shrunk mask reaches."""
LATENTS = "latents"
MASK = "mask"
"""Weights of the loss over the pixels of the latents, float32 from 0 to 1; only where a picture has a mask."""
HINT = "hint"
"""What an inpainting or depth model sees beside the noisy latents, or the latents of a reference."""

WORDS = "is_word"
"""Of a prompt: 1 at each token that belongs to it."""

Pixels = NDArray[numpy.uint8]
"""A picture as CHW, a video as CFHW, or a mask as HW."""


class Encoders(Protocol):
    """How a model family turns pictures and prompts into tensors. Runs without gradients; results are on the CPU."""

    @property
    def image_identity(self) -> str:
        """Everything about the image encoder that changes its output: hash of its weights, scaling, dtype."""
        ...

    @property
    def text_identity(self) -> str | None:
        """The same of the text encoders, with token length and skipped layers.

        None when one of them is trained: then prompts are handed through as they are.
        """
        ...

    @property
    def shows_whole_pictures(self) -> bool:
        """Whether the model sees something of each picture as it is, such as its depth."""
        ...

    def encode_images(self, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Encode RGB pixels, float32 in [-1, 1], to latents_BCHW.

        Whatever is drawn at random for picture i depends on `seeds[i]` alone.
        """
        ...

    def encode_hints(self, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
        """What the model sees beside the noisy latents, hints_BCHW.

        Args:
            shown_BCHW: What it is shown of the pictures, in [-1, 1].
            masks_B1HW: 1 where it is to draw, else 0.
        """
        ...

    def encode_prompts(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Encode prompts; each tensor has one row a prompt, of a shape that does not depend on the prompt.

        Where `WORDS` says that something fills rows up in front, only what stands behind that is kept, and zeros are
        put there again.
        """
        ...


@dataclass(frozen=True, slots=True)
class Decoded:
    """The files of an item as pixels."""

    pixels: Pixels
    mask: Pixels | None
    """With inpainting always there, and only 0 or 255."""
    shown: Pixels | None
    """The conditioning picture, if there is one; of pictures that are not inpainted, the reference."""
    is_inpainted: bool


def pixels_of(pictures_CHW: Sequence[Pixels]) -> Tensor:
    """Pictures of one size as pixels_BCHW, float32 in [-1, 1]; videos with their frames behind the channels."""
    return torch.from_numpy(numpy.stack(pictures_CHW)).to(torch.float32).div_(127.5).sub_(1)


def decode(item: Item) -> Decoded:
    """Decode what an item needs; for helper threads, so it uses Pillow and plain copies in numpy alone.

    Raises:
        UnreadablePictureError: A file cannot be decoded; of a mask or a conditioning picture, the reason says so.
    """
    pictures = _pictures(item)
    picture = pictures[0]
    shown = None
    if item.conditioning_path:
        own = load_conditioning(item.path, item.conditioning_path)
        shown = _channels_first(place(fitted(own, picture), item.view))
    return Decoded(
        pixels=_pixels(pictures, item.view),
        mask=_decode_mask(item, picture),
        shown=shown,
        is_inpainted=item.is_inpainted,
    )


def _pictures(item: Item) -> list[Image.Image]:
    """The picture, or the frames of a video."""
    clip = item.view.clip
    if clip is None:
        return [load_picture(item.path)]
    from onetrainer_web.dataset.videos import load_frames  # PyAV only where there are videos

    return load_frames(item.path, clip.first, clip.num_frames, clip.frames_per_second)


def _pixels(pictures: Sequence[Image.Image], view: PictureView) -> Pixels:
    rendered = [_channels_first(render(picture, view)) for picture in pictures]
    return numpy.stack(rendered, axis=1) if view.clip else rendered[0]


def encode(decoded: Sequence[Decoded], encoders: Encoders, seeds: Sequence[int]) -> list[Tensors]:
    """The entries of pictures of one size, each drawn by its own seed."""
    pixels_BCHW = pixels_of([one.pixels for one in decoded])
    latents_BCHW = encoders.encode_images(pixels_BCHW, seeds)
    entries: list[Tensors] = [{LATENTS: latents_CHW} for latents_CHW in latents_BCHW]
    if decoded[0].is_inpainted or encoders.shows_whole_pictures or decoded[0].shown is not None:
        for entry, hint_CHW in zip(entries, _encode_hints(decoded, pixels_BCHW, encoders), strict=True):
            entry[HINT] = hint_CHW
    for entry, one in zip(entries, decoded, strict=True):
        if one.mask is not None and not one.is_inpainted:
            size = entry[LATENTS].shape[-2:]
            entry[MASK] = interpolate(_levels(one.mask)[None, None], size, mode="area")[0]
    return entries


def _encode_hints(decoded: Sequence[Decoded], pixels_BCHW: Tensor, encoders: Encoders) -> Tensor:
    """From the conditioning pictures, or else the pictures with their masked part grey, if there is one."""
    if not decoded[0].is_inpainted:
        references = [one.shown for one in decoded if one.shown is not None]
        return encoders.encode_hints(
            pixels_of(references) if references else pixels_BCHW, torch.ones_like(pixels_BCHW[:, :1])
        )
    masks_B1HW = torch.stack([_levels(one.mask)[None] for one in decoded if one.mask is not None])
    shown_BCHW = pixels_BCHW * (1 - masks_B1HW)
    for index, one in enumerate(decoded):
        if one.shown is not None:
            shown_BCHW[index] = pixels_of([one.shown])[0]
    return encoders.encode_hints(shown_BCHW, masks_B1HW)


def _decode_mask(item: Item, picture: Image.Image) -> Pixels | None:
    height_width = (item.view.target.height, item.view.target.width)
    if item.is_inpainted and (item.mask_path is None or item.view.mask and item.view.mask.is_white):
        return numpy.full(height_width, 255, numpy.uint8)
    if item.mask_path is None:
        return None
    mask = load_mask(item.path, item.mask_path)
    levels = numpy.array(_render_mask(fitted(mask, picture), item.view))
    return numpy.where(levels >= MASKED_LEVEL, numpy.uint8(255), numpy.uint8(0)) if item.is_inpainted else levels


def _channels_first(image: Image.Image) -> Pixels:
    return numpy.ascontiguousarray(numpy.asarray(image).transpose(2, 0, 1))


def _levels(mask_HW: Pixels) -> Tensor:
    return torch.from_numpy(mask_HW).to(torch.float32) / 255


def _render_mask(mask: Image.Image, view: PictureView) -> Image.Image:
    """Move a mask, 8-bit grey, as `render` moves its picture, and cut it down to a circle if the view says so."""
    placed = place(mask, view)
    if view.mask is None or view.mask.circle is None:
        return placed
    levels = numpy.asarray(placed)
    rows, columns = numpy.nonzero(levels >= MASKED_LEVEL)
    if not len(rows):
        return placed
    chosen, reach = view.mask.circle
    middle = int(chosen * len(rows))
    down, right = numpy.ogrid[: levels.shape[0], : levels.shape[1]]
    distances = numpy.hypot(down - rows[middle], right - columns[middle])
    radius = (_MIN_CIRCLE + (1 - _MIN_CIRCLE) * reach) * distances[rows, columns].max()
    return Image.fromarray(numpy.where(distances <= radius, levels, 0).astype(numpy.uint8))


def without_filling(prompt: Tensors) -> Tensors:
    """An encoded prompt without what fills it up in front."""
    if WORDS not in prompt:
        return prompt
    length, first = len(prompt[WORDS]), int(prompt[WORDS].bool().long().argmax())
    return {name: own[first:] if own.ndim and len(own) == length else own for name, own in prompt.items()}


def side_by_side(rows: Sequence[Tensor]) -> Tensor:
    """Rows as one tensor, shorter ones filled up with zeros in front."""
    if len({row.shape for row in rows}) == 1:
        return torch.stack(list(rows))
    return pad_sequence(list(rows), batch_first=True, padding_side="left")
