"""Several files as one download: a zip that is written while it is sent, so that it needs neither memory nor disk."""

import json
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import quote
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from fastapi.responses import Response, StreamingResponse

from onetrainer_web.files.confined import readable, reading

ARCHIVE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The files as a zip.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
}
_PIECE_BYTES = 2**20


class _Pieces:
    """What the zip's writer has written and nobody has taken yet."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """There is nothing behind to flush."""

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def archive_response(folder: Path, files: Iterable[Path], name: str) -> StreamingResponse:
    """The `files` below `folder`, in a folder of its name, as a download called `name`.zip."""
    return StreamingResponse(_zipped(folder, files), media_type="application/zip", headers=_headers(name))


def json_archive_response(files: Mapping[str, Any], name: str) -> Response:
    """Small JSON `files` by their paths as a download called `name`.zip."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(readable(path), json.dumps(data, indent=2, ensure_ascii=False))
    return Response(content.getvalue(), media_type="application/zip", headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=utf-8''{quote(name, safe='')}.zip"}


def _zipped(folder: Path, files: Iterable[Path]) -> Iterator[bytes]:
    """Stored, not compressed: pictures and weights hardly shrink. What vanishes meanwhile is left out."""
    pieces = _Pieces()
    with ZipFile(cast("IO[bytes]", pieces), "w", ZIP_STORED) as archive:  # all it does is write and flush
        for file in files:
            try:
                source = reading(file)
            except OSError:
                continue
            with source:
                entry = readable(Path(folder.name, file.relative_to(folder)).as_posix())
                info = ZipInfo.from_file(file, entry, strict_timestamps=False)
                with archive.open(info, "w", force_zip64=True) as target:
                    while piece := source.read(_PIECE_BYTES):
                        target.write(piece)
                        yield pieces.take()
    yield pieces.take()
