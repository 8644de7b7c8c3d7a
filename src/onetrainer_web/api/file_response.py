"""Files that people or runs brought, as answers.

Each comes as the kind of file that its name says, from a short list; everything else is for storing, not for showing.
What is wrong with a Range is said in the contract's form, not in the framework's plain text.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from fastapi.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from onetrainer_web.errors import InvalidRequestError, OneTrainerWebError

CONTENT_TYPES = {
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".avi": "video/x-msvideo",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".mpeg": "video/mpeg",
    ".webm": "video/webm",
    ".csv": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "text/plain; charset=utf-8",
    ".log": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".zip": "application/zip",
}
UNKNOWN = "application/octet-stream"


class RangeUnreadableError(InvalidRequestError):
    """A Range header that means nothing."""

    def __init__(self) -> None:
        super().__init__("The header Range is not understood; write it as 'bytes=0-99', or leave it out.")


class RangeMissingError(OneTrainerWebError):
    """A Range behind the end of the file."""

    status = 416

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes, none of them in this range. Ask for one within them.")
        self.headers = {"Content-Range": f"bytes */{size}"}


class SentFile(FileResponse):
    """A file, or the range of it that the request asks for."""

    def __init__(
        self,
        file: Path,
        *,
        is_download: bool = False,
        headers: Mapping[str, str] | None = None,
        facts: os.stat_result | None = None,
    ) -> None:
        """Prepare it.

        Args:
            file: The file, confined.
            is_download: Have a browser store it under its name instead of showing it.
            headers: Further headers.
            facts: Its status, where that is known.
        """
        kind = CONTENT_TYPES.get(file.suffix.lower(), UNKNOWN)
        stored = {"Content-Disposition": "attachment"} if kind == UNKNOWN and not is_download else {}
        super().__init__(
            file,
            headers={**stored, **(headers or {})},
            media_type=kind,
            filename=file.name if is_download else None,
            stat_result=facts,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it.

        Raises:
            RangeUnreadableError: The request's Range is malformed.
            RangeMissingError: The file has no such range.
        """
        refused: int | None = None

        async def send_unless_refused(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refused = message["status"]
            if refused is None:
                await send(message)

        await super().__call__(scope, receive, send_unless_refused)
        if refused is not None:
            raise RangeMissingError(int(self.headers["content-length"])) if refused == 416 else RangeUnreadableError()
