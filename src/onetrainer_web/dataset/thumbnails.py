"""Small views of pictures, made once and kept; the folder can be deleted at any time."""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from PIL import Image

from onetrainer_web.dataset.decoding import MAX_DECODING_BYTES, ROOM
from onetrainer_web.dataset.scan import is_video
from onetrainer_web.dataset.sizes import load_picture, needed_bytes
from onetrainer_web.errors import TrainerNotInstalledError
from onetrainer_web.files.atomic import replacing_file

QUALITY = 80
MAX_PER_FOLDER = 2000
"""Of the 256 folders that they are spread over: half a million in all, some gigabytes. The oldest make room."""


def thumbnail(path: Path, folder: Path, size_px: int) -> Path:
    """A WebP of `path` that fits into a square of `size_px`; it is not enlarged. Of a video it shows a frame.

    The name depends on the picture's path, length and time of change, so a changed picture gets a new thumbnail.

    Raises:
        UnreadablePictureError: The picture cannot be decoded.
        TrainerNotInstalledError: It is a video, and what reads those comes with the trainer.
        FileNotFoundError: There is no such file.
    """
    facts = path.stat()
    identity = f"{path.resolve()}\n{facts.st_mtime_ns}\n{facts.st_size}\n{size_px}"
    key = hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest()
    small = folder / key[:2] / f"{key}.webp"
    if not small.is_file():
        picture = _shrunk(path, size_px)
        with replacing_file(small) as file:
            picture.save(file, "WEBP", quality=QUALITY)
        _make_room(small.parent)
    return small


def _make_room(folder: Path) -> None:
    names = os.listdir(folder)
    if len(names) > MAX_PER_FOLDER:
        with suppress(FileNotFoundError):  # somebody else makes room as well
            for path in sorted((folder / name for name in names), key=os.path.getmtime)[: len(names) // 2]:
                path.unlink()


def _shrunk(path: Path, size_px: int) -> Image.Image:
    at_least_px = 2 * size_px
    needed = MAX_DECODING_BYTES if is_video(path) else needed_bytes(path, at_least_px)
    with ROOM.taken(needed):
        picture = _load_middle(path) if is_video(path) else load_picture(path, at_least_px)
        # Never the picture itself, which may hold what it was decoded from.
        return _fitted(picture, size_px)


def _fitted(picture: Image.Image, size_px: int) -> Image.Image:
    picture.thumbnail((size_px, size_px), Image.Resampling.LANCZOS)
    return picture.copy()


def _load_middle(path: Path) -> Image.Image:
    try:
        from onetrainer_web.dataset.videos import load_middle
    except ImportError as error:
        raise TrainerNotInstalledError from error
    return load_middle(path)
