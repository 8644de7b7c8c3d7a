"""How a picture is cropped and varied: chosen first as plain numbers, then applied with Pillow.

The numbers (`PictureView`) and the file's bytes determine the pixels completely, so they are what a cached latent is
filed under.
"""

import math
import random
from dataclasses import dataclass

from PIL import Image, ImageEnhance

from onetrainer_web.config.concepts import ConceptImageConfig
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.buckets import cover
from onetrainer_web.dataset.randomness import random_for
from onetrainer_web.dataset.scan import Picture
from onetrainer_web.dataset.sizes import Size, load_mask

DATA_SEED = 42
"""OneTrainer's fixed seed of the data pipeline; its configuration has no key for it."""
MASKED_LEVEL = 128
"""From this level of a mask on, its pixel counts as masked where only yes and no exist."""
_MAX_PADDING = 0.3
_MIN_PADDING = 0.1
"""Of its length, left on each side of a masked area that is cut out."""
_MAX_TILT_DEG = 20.0

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, the latter two beyond the last pixel."""


@dataclass(frozen=True, slots=True)
class Window:
    """A tilted rectangle of a picture that is used as if it were the whole picture."""

    middle_x: float
    middle_y: float
    size: Size
    angle_deg: float = 0.0
    """Counter-clockwise, as the picture is turned."""


@dataclass(frozen=True, slots=True)
class MaskVariation:
    """How a mask is changed."""

    circle: tuple[float, float] | None
    """Cut it down to a circle: which of its pixels is the middle, and how far it reaches, both as shares."""
    is_white: bool
    """Whether an inpainting model is to draw everything, whatever the mask."""


@dataclass(frozen=True, slots=True)
class Clip:
    """The frames of a video that are used."""

    first: int
    """Counted at `frames_per_second`."""
    num_frames: int
    frames_per_second: int


@dataclass(frozen=True, slots=True)
class PictureView:
    """What is made of a picture: its window scaled to `scaled`, cropped to `target`, then varied."""

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
    window: Window | None = None
    """None is the whole picture."""
    mask: MaskVariation | None = None
    """None leaves the mask as it is."""
    clip: Clip | None = None
    """None is a picture."""

    @property
    def is_cropped(self) -> bool:
        """Whether something of the picture is cut off."""
        return self.scaled != self.target or self.window is not None


def reads_masks(config: TrainConfig) -> bool:
    """Whether the masks beside the pictures count."""
    return config.masked_training or facts(config.model_type).has_mask_input


def reads_conditioning(config: TrainConfig) -> bool:
    """Whether the conditioning pictures beside the pictures count."""
    return reads_references(config) or config.custom_conditioning_image and facts(config.model_type).has_mask_input


def reads_references(config: TrainConfig) -> bool:
    """Whether the conditioning pictures are references, of which each picture needs one."""
    known = facts(config.model_type)
    return known.has_reference_input and (config.custom_conditioning_image or not known.is_reference_optional)


def centred_view(size: Size, target: Size) -> PictureView:
    """The middle of the picture, not varied."""
    scaled = cover(size, target)
    return PictureView(target, scaled, (scaled.width - target.width) // 2, (scaled.height - target.height) // 2)


def chance_for(purpose: str, name: str, variation: int, *, concept_seed: int, seed: int = DATA_SEED) -> random.Random:
    """The chance by which a variation of a picture is drawn: training and previews draw the same.

    Args:
        purpose: What is drawn, such as "picture" or "prompt".
        name: The picture's name in its concept.
        variation: Its number, from 0.
        concept_seed: The concept's own seed.
        seed: The data pipeline's.
    """
    return random_for(seed, concept_seed, purpose, name, variation)


def masked_box(picture: Picture, size: Size) -> Box | None:
    """The smallest box around what a mask shows, in pixels of its picture; None without a mask or anything shown.

    Raises:
        UnreadablePictureError: The mask cannot be decoded, and so the picture cannot train.
    """
    if picture.mask_path is None:
        return None
    mask = load_mask(picture.path, picture.mask_path)
    box = mask.point([255 if level >= MASKED_LEVEL else 0 for level in range(256)]).getbbox()
    if box is None:
        return None
    across, down = size.width / mask.width, size.height / mask.height
    return int(box[0] * across), int(box[1] * down), math.ceil(box[2] * across), math.ceil(box[3] * down)


def choose_window(size: Size, masked: Box, min_side: int, chance: random.Random) -> Window:
    """Draw a part of a picture around its masked area, a little tilted.

    It has 10 to 30 % of the area's sides around it, is never narrower than `min_side` where the picture is not, and
    lies within the picture: where the tilt would leave empty corners, it is smaller.
    """
    padding = chance.uniform(_MIN_PADDING, _MAX_PADDING)
    drawn_deg = chance.uniform(-_MAX_TILT_DEG, _MAX_TILT_DEG)
    left, top, right, bottom = masked
    for share in (1.0, 0.5, 0.25, 0.0):
        cos, sin = (abs(trig(math.radians(drawn_deg * share))) for trig in (math.cos, math.sin))
        # The tilted area lies within the upright one of these sides.
        wide, high = (right - left) * cos + (bottom - top) * sin, (right - left) * sin + (bottom - top) * cos
        width = max(wide * (1 + 2 * padding), min(min_side, size.width))
        height = max(high * (1 + 2 * padding), min(min_side, size.height))
        span_x, span_y = width * cos + height * sin, width * sin + height * cos
        if span_x <= size.width and span_y <= size.height:
            break
    else:
        width, height = span_x, span_y = min(width, size.width), min(height, size.height)
    middle_x = min(max((left + right) / 2, span_x / 2), size.width - span_x / 2)
    middle_y = min(max((top + bottom) / 2, span_y / 2), size.height - span_y / 2)
    return Window(middle_x, middle_y, Size(max(1, int(width)), max(1, int(height))), drawn_deg * share)


def choose_view(
    size: Size, target: Size, image: ConceptImageConfig, chance: random.Random, unmasked_probability: float = 0.0
) -> PictureView:
    """Draw the variation of a picture; a random setting wins over the fixed one of the same kind.

    Everything is drawn in any case, so that switching one variation on leaves the others as they were.
    """
    crop_x, crop_y, flip, angle, brightness, contrast, saturation, hue = (chance.random() for _ in range(8))
    middle, reach, unmasked = (chance.random() for _ in range(3))
    circle = (middle, reach) if image.enable_random_circular_mask_shrink else None
    is_white = unmasked < unmasked_probability
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
        mask=MaskVariation(circle, is_white) if circle or is_white else None,
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
    image = _crop(_cut_out(picture, view.window) if view.window else picture, view)
    if view.is_flipped:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return _rotate(image, view.angle_deg) if view.angle_deg else image


def fitted(beside: Image.Image, picture: Image.Image) -> Image.Image:
    """A mask or conditioning picture as large as its picture: what belongs together may have been scaled apart."""
    return beside if beside.size == picture.size else beside.resize(picture.size, Image.Resampling.BILINEAR)


def _cut_out(picture: Image.Image, window: Window) -> Image.Image:
    angle = math.radians(window.angle_deg)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = window.size.width / 2, window.size.height / 2
    # Pillow asks where each pixel of the result comes from.
    matrix = (cos, -sin, window.middle_x - cos * x + sin * y, sin, cos, window.middle_y - sin * x - cos * y)
    return picture.transform(window.size, Image.Transform.AFFINE, matrix, resample=Image.Resampling.BILINEAR)


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
