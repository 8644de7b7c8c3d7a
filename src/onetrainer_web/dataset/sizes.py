"""Opening pictures of every kind that people have, and naming the reason when one cannot be used.

The one door: nothing else decodes a picture file, so that what holds here holds for whatever lies in a folder.
"""

import importlib
import struct
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from onetrainer_web.dataset.decoding import decoding_bytes, is_plain, reduce, why_too_large
from onetrainer_web.dataset.kinds import foreign_format
from onetrainer_web.dataset.scan import PICTURE_EXTENSIONS
from onetrainer_web.errors import InvalidRequestError
from onetrainer_web.files.confined import readable

if ".heic" in PICTURE_EXTENSIONS:
    importlib.import_module("pillow_heif").register_heif_opener()
if ".jxl" in PICTURE_EXTENSIONS:
    importlib.import_module("pillow_jxl")  # registers itself

FORMATS = ("AVIF", "BMP", "JPEG", "PNG", "TIFF", "WEBP", *({"HEIF", "JXL"} & Image.OPEN.keys()))
"""What is decoded, whatever a file is called; none of these starts another program, as Pillow's EPS does."""

# Beyond its double Pillow refuses by itself; what is within the budget has never so many.
Image.MAX_IMAGE_PIXELS = 2**29

# What Pillow's decoders raise on damaged files; a RuntimeError is that of JPEG XL.
_DECODER_ERRORS = (
    *(OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, RuntimeError),
    *(struct.error, zlib.error),
)

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)
_MASK, _CONDITIONING = "a mask", "a conditioning picture"
_STRIP_PIXELS = 2**20
"""Converted at once, so that no second copy of a large picture is made on the way to RGB."""


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class UnreadablePictureError(InvalidRequestError):
    """A picture file cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{readable(path.name)} {reason}. Replace the file or remove it.")
        self.path = path
        self.reason = reason
        """Goes on from the file's name, such as "is empty (0 bytes)"."""


def read_size(path: Path) -> Size:
    """Width and height as a viewer shows the picture (after EXIF rotation), from the header alone.

    A file that is cut off behind its header passes; only `load_picture` can tell.

    Raises:
        UnreadablePictureError: It is empty, gone, not a picture, or needs more than MAX_DECODING_BYTES.
    """
    with _opened(path) as image:
        is_sideways = _orientation(image) in _SIDEWAYS
        return Size(image.height, image.width) if is_sideways else Size(*image.size)


def needed_bytes(path: Path, at_least_px: int | None = None) -> int:
    """Bytes of memory that `load_picture` needs at most, from the header alone.

    Raises:
        UnreadablePictureError: As `read_size` does.
    """
    with _opened(path, at_least_px) as image:
        return decoding_bytes(image, is_turned=_is_turned(image))


def load_picture(path: Path, at_least_px: int | None = None, *, behind: str = "white") -> Image.Image:
    """Decode a picture to 8-bit RGB, upright by its EXIF rotation.

    Transparent parts show the colour `behind`, 16-bit grey is scaled to 8 bit, palettes and CMYK are converted; of
    several frames it is the first. A JPEG beyond the budget is read at a half, a quarter or an eighth of its size, in
    `read_size` too.

    Args:
        path: The picture file.
        at_least_px: For small views: a JPEG may be decoded at a fraction of its size that still has this many pixels
            on each side, which is much faster.
        behind: White for pictures; black for what says of each pixel how much something is there.

    Raises:
        UnreadablePictureError: It cannot be decoded; says why.
    """
    picture, turn = _decode(path, at_least_px, behind)
    return picture.transpose(turn) if turn is not None else picture


def _decode(path: Path, at_least_px: int | None, behind: str) -> tuple[Image.Image, Image.Transpose | None]:
    """A picture as RGB, and how it is yet to be turned: by the caller, when what was decoded is no longer held."""
    with _opened(path, at_least_px) as image:
        turn = _TRANSPOSITIONS.get(_orientation(image))
        image.load()
        return _to_rgb(path, image, behind), turn


def load_mask(picture: Path, path: Path) -> Image.Image:
    """The mask of a picture, 8-bit grey: its grey value times its opacity, for what is transparent is not there.

    Raises:
        UnreadablePictureError: It cannot be decoded; then the picture cannot train, and the reason says what it has.
    """
    return _load_beside(picture, _MASK, path).convert("L")


def load_conditioning(picture: Path, path: Path) -> Image.Image:
    """The conditioning picture of a picture, transparent parts black; see `load_mask`."""
    return _load_beside(picture, _CONDITIONING, path)


def check_beside(picture: Path, mask: Path | None, conditioning: Path | None) -> None:
    """Look at the headers of what belongs to a picture.

    Raises:
        UnreadablePictureError: As `load_mask` and `load_conditioning` do.
    """
    for what, path in ((_MASK, mask), (_CONDITIONING, conditioning)):
        if path:
            with _blamed_on(picture, what):
                read_size(path)


def _load_beside(picture: Path, what: str, path: Path) -> Image.Image:
    with _blamed_on(picture, what):
        return load_picture(path, behind="black")


@contextmanager
def _blamed_on(picture: Path, what: str) -> Generator[None]:
    """The picture cannot train if what belongs to it cannot be read."""
    try:
        yield
    except UnreadablePictureError as error:
        raise UnreadablePictureError(picture, f"has {what} that {error.reason}") from error


@contextmanager
def _opened(path: Path, at_least_px: int | None = None) -> Generator[Image.Image]:
    """An open picture within the budget; what Pillow raises inside becomes an UnreadablePictureError."""
    try:
        if not path.is_file() and path.exists():  # a pipe would keep its reader waiting forever
            raise UnreadablePictureError(path, "is no ordinary file")
        with Image.open(path, formats=FORMATS) as image:
            is_turned = _is_turned(image)
            reduce(image, at_least_px, is_turned=is_turned)
            if reason := why_too_large(image, is_turned=is_turned):
                raise UnreadablePictureError(path, reason)
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePictureError(path, f"is too large ({error})") from error
    except _DECODER_ERRORS as error:
        raise UnreadablePictureError(path, _reason(path, error)) from error


def _is_turned(image: Image.Image) -> bool:
    if isinstance(image, TiffImageFile):
        return int(image.tag_v2.get(ExifTags.Base.Orientation, 1)) != 1
    return _orientation(image) in _TRANSPOSITIONS


def _reason(path: Path, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist any more"
    if isinstance(error, UnidentifiedImageError):
        if path.stat().st_size == 0:
            return "is empty (0 bytes)"
        found = foreign_format(path)
        return (
            f"is {found}, whatever its ending says; convert it to PNG"
            if found
            else "is not a picture of a known format"
        )
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror})"
    text = str(error).partition("\n")[0]
    return "is cut off" if "truncated" in text.lower() else f"is damaged ({text})"


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation that is still to be obeyed, 1 when there is none or the EXIF block is broken.

    Asked before the pixels are decoded: Pillow would decode a whole PNG to look for EXIF data behind them.
    """
    if image.format == "TIFF":
        return 1  # Pillow turns TIFFs itself, their size in the header too
    if image.format == "PNG" and not {"exif", "Raw profile type exif"} & image.info.keys():
        return 1
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _DECODER_ERRORS:
        return 1


def _to_rgb(path: Path, image: Image.Image, behind: str) -> Image.Image:
    if image.mode == "F":
        raise UnreadablePictureError(path, "has floating-point pixels, whose range is unknown")
    if is_plain(image):
        return image
    if image.mode.startswith("I"):
        return _in_strips(image, lambda strip: _from_16_bit(path, strip))
    if image.has_transparency_data:
        return _in_strips(image, lambda strip: _on(behind, strip))
    return _in_strips(image, lambda strip: strip.convert("RGB"))


def _in_strips(image: Image.Image, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    rgb = Image.new("RGB", image.size)
    width = min(image.width, _STRIP_PIXELS)
    height = _STRIP_PIXELS // width
    for top in range(0, image.height, height):
        for left in range(0, image.width, width):
            box = (left, top, min(left + width, image.width), min(top + height, image.height))
            rgb.paste(convert(image.crop(box)), box)
    return rgb


def _on(colour: str, image: Image.Image) -> Image.Image:
    with_alpha = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, colour), with_alpha).convert("RGB")


def _from_16_bit(path: Path, image: Image.Image) -> Image.Image:
    """Grey of 16 bits, which `Image.convert` would clip at 255 instead of scaling."""
    whole = image.convert("I")
    lowest, highest = whole.getextrema()
    if not isinstance(lowest, int | float) or not isinstance(highest, int | float) or lowest < 0 or highest > 65535:
        raise UnreadablePictureError(path, "has pixel values beyond 16 bits")
    return whole.point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
