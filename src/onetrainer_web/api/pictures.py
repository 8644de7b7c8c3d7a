"""Pictures as browsers like them: kept, but asked about each time, since a file of the same name may be another one."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Request, Response

from onetrainer_web.api.file_response import SentFile
from onetrainer_web.dataset import thumbnails
from onetrainer_web.errors import NotFoundError

THUMBNAIL_SIZES = (16, 32, 64, 128, 256, 512, 1024)
"""A picture is kept in these small sizes and no others, whatever is asked for."""

ThumbnailSize = Annotated[
    int | None,
    Query(
        ge=THUMBNAIL_SIZES[0],
        le=THUMBNAIL_SIZES[-1],
        description="Give a small picture instead, with sides up to this many pixels; other numbers than "
        f"{', '.join(map(str, THUMBNAIL_SIZES))} are taken as the next smaller of these.",
    ),
]

PICTURE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture; of a video model the video, whose small view is a frame of it.",
        "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/*", "video/mp4")},
    },
    206: {"description": "The asked-for range of it."},
    304: {"description": "It is still the one whose ETag the request names in If-None-Match."},
}


class PictureGoneError(NotFoundError):
    """A picture that was known is no longer there."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"The picture {path.name!r} is no longer there. It may have been deleted; reload the list.")
        self.path = path


def picture_response(request: Request, path: Path, small: tuple[Path, ThumbnailSize]) -> Response:
    """The picture at `path`, or 304 when the browser has it.

    Args:
        request: What was asked, with the tag of what the browser has.
        path: The picture.
        small: The folder of thumbnails, and the longest side in pixels when one is wanted.

    Raises:
        PictureGoneError: There is no such file.
        UnreadablePictureError: No small picture can be made of it.
        TrainerNotInstalledError: It is a video, and what reads those comes with the trainer.
    """
    folder, size_px = small
    try:
        file = thumbnails.thumbnail(path, folder, _kept_size(size_px)) if size_px else path
        facts = file.stat()
    except FileNotFoundError as error:
        raise PictureGoneError(path) from error
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{facts.st_mtime_ns:x}-{facts.st_size:x}"'}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if headers["ETag"] in known:
        return Response(status_code=304, headers=headers)
    return SentFile(file, headers=headers, facts=facts)


def _kept_size(asked_px: int) -> int:
    return max(size for size in THUMBNAIL_SIZES if size <= asked_px)
