"""How a picture is cropped and varied: chosen first as plain numbers, then applied with Pillow.

The numbers (`PictureView`) and the file's bytes determine the pixels completely, so they are what a cached latent is
filed under.
"""

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageEnhance

from onetrainer_web.config.concepts import ConceptImageConfig
from onetrainer_web.dataset.buckets import cover
from onetrainer_web.dataset.sizes import Size


@dataclass(frozen=True, slots=True)
class PictureView:
    """What is made of a picture: scaled to `scaled`, cropped to `target`, then varied."""

    target: Size
    scaled: Size
    """Covers the target."""
    left: int
    """Pixels cut off on the left after scaling."""
    top: int
    """Pixels cut off at the top after scaling."""
    is_flipped: bool = False
    angle_deg: float = 0.0
    """Counter-clockwise."""
    brightness: float = 1.0
    """1 changes nothing; as contrast and saturation."""
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0
    """Share of the colour circle, -0.5 to 0.5."""


def centred_view(size: Size, target: Size) -> PictureView:
    """The middle of the picture, not varied."""
    scaled = cover(size, target)
    return PictureView(target, scaled, (scaled.width - target.width) // 2, (scaled.height - target.height) // 2)


def choose_view(size: Size, target: Size, image: ConceptImageConfig, chance: random.Random) -> PictureView:
    """Draw the variation of a picture; a random setting wins over the fixed one of the same kind.

    Everything is drawn in any case, so that switching one variation on leaves the others as they were.
    """
    crop_x, crop_y, flip, angle, brightness, contrast, saturation, hue = (chance.random() for _ in range(8))
    view = centred_view(size, target)
    left, top = view.left, view.top
    if image.enable_crop_jitter:
        left = int(crop_x * (view.scaled.width - target.width + 1))
        top = int(crop_y * (view.scaled.height - target.height + 1))

    def offset(is_random: bool, is_fixed: bool, strength: float, drawn: float) -> float:
        return strength * (2 * drawn - 1) if is_random else strength if is_fixed else 0.0

    def factor(is_random: bool, is_fixed: bool, strength: float, drawn: float) -> float:
        return max(0.0, 1 + offset(is_random, is_fixed, strength, drawn))

    i = image
    return PictureView(
        target=target,
        scaled=view.scaled,
        left=left,
        top=top,
        is_flipped=flip < 0.5 if i.enable_random_flip else i.enable_fixed_flip,
        angle_deg=offset(i.enable_random_rotate, i.enable_fixed_rotate, i.random_rotate_max_angle, angle),
        brightness=factor(
            i.enable_random_brightness, i.enable_fixed_brightness, i.random_brightness_max_strength, brightness
        ),
        contrast=factor(i.enable_random_contrast, i.enable_fixed_contrast, i.random_contrast_max_strength, contrast),
        saturation=factor(
            i.enable_random_saturation, i.enable_fixed_saturation, i.random_saturation_max_strength, saturation
        ),
        hue=offset(i.enable_random_hue, i.enable_fixed_hue, i.random_hue_max_strength / 2, hue),
    )


def render(picture: Image.Image, view: PictureView) -> Image.Image:
    """Apply a view.

    Args:
        picture: RGB.
        view: What to make of it.

    Returns:
        RGB of the size `view.target`.
    """
    image = place(picture, view)
    if view.brightness != 1:
        image = ImageEnhance.Brightness(image).enhance(view.brightness)
    if view.contrast != 1:
        image = ImageEnhance.Contrast(image).enhance(view.contrast)
    if view.saturation != 1:
        image = ImageEnhance.Color(image).enhance(view.saturation)
    return _turn_hue(image, view.hue) if view.hue else image


def place(picture: Image.Image, view: PictureView) -> Image.Image:
    """Apply what moves pixels, for pictures and their masks alike, and leave the colours as they are.

    Bilinear with antialiasing, one resampling for scaling and cropping together.
    """
    image = _crop(picture, view)
    if view.is_flipped:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return _rotate(image, view.angle_deg) if view.angle_deg else image


def _crop(picture: Image.Image, view: PictureView) -> Image.Image:
    # Resampling only the part that stays: a 20000x10 strip, scaled whole, would need gigabytes.
    scale_x, scale_y = view.scaled.width / picture.width, view.scaled.height / picture.height
    right, bottom = view.left + view.target.width, view.top + view.target.height
    box = (
        view.left / scale_x,
        view.top / scale_y,
        min(right / scale_x, picture.width),
        min(bottom / scale_y, picture.height),
    )
    return picture.resize(view.target, Image.Resampling.BILINEAR, box=box)


def _rotate(image: Image.Image, angle_deg: float) -> Image.Image:
    """Rotate about the middle and enlarge just enough that no corner stays empty."""
    angle = math.radians(angle_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    width, height = image.size
    ratio = max(width / height, height / width)
    zoom = abs(cos) + ratio * abs(sin)
    a, b, d, e = cos / zoom, -sin / zoom, sin / zoom, cos / zoom
    middle_x, middle_y = width / 2, height / 2
    # Pillow asks where each pixel of the result comes from.
    matrix = (a, b, middle_x - a * middle_x - b * middle_y, d, e, middle_y - d * middle_x - e * middle_y)
    return image.transform(image.size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR)


def _turn_hue(image: Image.Image, share: float) -> Image.Image:
    hue, saturation, value = image.convert("HSV").split()
    shift = round(share * 256)
    turned = hue.point([(level + shift) % 256 for level in range(256)])
    return Image.merge("HSV", (turned, saturation, value)).convert("RGB")
