"""Small views of pictures, made once and kept; the folder can be deleted at any time."""

import hashlib
from pathlib import Path

from PIL import Image

from onetrainer_web.config.atomic import replacing_file
from onetrainer_web.dataset.scan import VIDEO_EXTENSIONS
from onetrainer_web.dataset.sizes import load_picture

QUALITY = 80


def thumbnail(path: Path, folder: Path, size_px: int) -> Path:
    """A WebP of `path` that fits into a square of `size_px`; it is not enlarged.

    Of a video it shows the picture of the same name beside it (`<name>.jpg`), which the trainer writes.

    The name depends on the picture's path, length and time of change, so a changed picture gets a new thumbnail.

    Raises:
        UnreadablePictureError: The picture cannot be decoded.
        FileNotFoundError: There is no such file.
    """
    if path.suffix.lower() in VIDEO_EXTENSIONS:
        path = path.with_suffix(".jpg")
    facts = path.stat()
    identity = f"{path.resolve()}\n{facts.st_mtime_ns}\n{facts.st_size}\n{size_px}"
    key = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()
    small = folder / key[:2] / f"{key}.webp"
    if not small.is_file():
        picture = load_picture(path, at_least_px=2 * size_px)
        picture.thumbnail((size_px, size_px), Image.Resampling.LANCZOS)
        with replacing_file(small) as file:
            picture.save(file, "WEBP", quality=QUALITY)
    return small
