"""What decoding a picture takes of memory, told by its header, and the room for it.

A file of a megabyte can hold a picture of gigabytes, so a budget in bytes stands before every decoding.
"""

import ctypes
import math
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile

MAX_DECODING_BYTES = 800 * 2**20
"""For one picture: 200 megapixels of plain RGB, 100 with alpha or to be turned; and for all of a server at once."""

_POINTER_BYTES = 8
"""Of a row."""
_RGB_BYTES = 4
"""Pillow keeps a pixel of three channels in four bytes."""
_STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""Bytes of a pixel by mode; four in all others."""
_DECODER_BYTES = {"WEBP": 12, "AVIF": 16, "HEIF": 16, "JXL": 16}
"""What these decoders hold for a pixel beside the picture itself: canvases of their own and a copy on the way."""
_COEFFICIENT_BYTES = 2
"""A progressive JPEG is held as coefficients until its last scan."""
_JPEG_FRACTIONS = (1, 2, 4, 8)
_TILE_WIDTH, _TILE_HEIGHT, _STRIP_ROWS, _BITS = 322, 323, 278, 258
"""Tags of TIFF."""
_GIVEN_BACK_BYTES = 64 * 2**20
"""After decodings this large, the C library is told to give its free memory back."""


def is_plain(image: Image.Image) -> bool:
    """Whether a picture is RGB as it comes."""
    return image.mode == "RGB" and not image.has_transparency_data


def decoding_bytes(image: Image.Image, *, is_turned: bool) -> int:
    """Memory for decoding a picture that is open but not loaded, converting it to RGB and turning it."""
    stored, rgb = _picture_bytes(image, _STORED_BYTES.get(image.mode, 4)), _picture_bytes(image, _RGB_BYTES)
    converting = 0 if is_plain(image) else rgb
    return _decoder_bytes(image) + max(stored + converting, 2 * rgb if is_turned else 0)


def why_too_large(image: Image.Image, *, is_turned: bool) -> str | None:
    """Why an open picture is beyond the budget, to go on from its name; None when it is not."""
    needed = decoding_bytes(image, is_turned=is_turned)
    if needed <= MAX_DECODING_BYTES:
        return None
    limit = f"{needed / 1e9:.1f} GB of memory where {MAX_DECODING_BYTES / 1e9:.1f} are allowed"
    return f"is too large ({image.width}x{image.height} pixels, {image.mode}): it takes {limit}"


def reduce(image: Image.Image, at_least_px: int | None, *, is_turned: bool) -> None:
    """Have a JPEG decoded at a fraction of its size, where that is wanted or its whole size is beyond the budget.

    Args:
        image: An open picture that is not loaded; of other formats it stays as it is.
        at_least_px: It may be as small as still has this many pixels on each side.
        is_turned: Whether it is to be turned once it is decoded.
    """
    if not isinstance(image, JpegImageFile):
        return
    wanted = min(image.size) // at_least_px if at_least_px else 1
    whole = decoding_bytes(image, is_turned=is_turned)
    allowed = [one for one in _JPEG_FRACTIONS if whole / one**2 <= MAX_DECODING_BYTES and 2 * one > wanted]
    fraction = min(allowed, default=_JPEG_FRACTIONS[-1])
    if fraction > 1:
        image.draft(None, (max(1, image.width // fraction), max(1, image.height // fraction)))


class DecodingRoom:
    """Memory that all decodings of a process share; those that find no room wait."""

    def __init__(self, num_bytes: int = MAX_DECODING_BYTES) -> None:
        self._free = num_bytes
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, num_bytes: int) -> Generator[None]:
        """Hold `num_bytes`, no more than there are in all, from when they are free."""
        with self._changed:
            self._changed.wait_for(lambda: self._free >= num_bytes)
            self._free -= num_bytes
        try:
            yield
        finally:
            if num_bytes >= _GIVEN_BACK_BYTES:
                _give_back()
            with self._changed:
                self._free += num_bytes
                self._changed.notify_all()


ROOM = DecodingRoom()
"""That of this process."""


def _picture_bytes(image: Image.Image, pixel_bytes: int) -> int:
    return image.height * (image.width * pixel_bytes + _POINTER_BYTES)


def _decoder_bytes(image: Image.Image) -> int:
    """What a decoder holds beside the picture."""
    if isinstance(image, JpegImageFile):
        return _coefficient_bytes(image)
    if isinstance(image, TiffImageFile):
        return _tile_bytes(image)
    return math.prod(image.size) * _DECODER_BYTES.get(image.format or "", 0)


def _coefficient_bytes(image: JpegImageFile) -> int:
    if "progressive" not in image.info:
        return 0
    fraction = image.decoderconfig[0] if image.decoderconfig else 1
    across, down = max(part[1] for part in image.layer), max(part[2] for part in image.layer)
    share = sum(part[1] * part[2] for part in image.layer) / max(1, across * down)
    return int(math.prod(image.size) * max(1, fraction) ** 2 * share * _COEFFICIENT_BYTES)


def _tile_bytes(image: TiffImageFile) -> int:
    """What is decoded at once of a TIFF: a tile, which may be larger than the picture, or a strip of rows."""
    tags = image.tag_v2
    width = int(tags.get(_TILE_WIDTH, image.width))
    height = int(tags.get(_TILE_HEIGHT) or min(tags.get(_STRIP_ROWS, image.height), image.height))
    return width * height * max(1, sum(tags.get(_BITS, (8,))) // 8)


def _give_back() -> None:
    """Pillow frees its pictures, but glibc would keep their memory for the process."""
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
