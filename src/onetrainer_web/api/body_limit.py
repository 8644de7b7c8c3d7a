"""Refuses bodies that are too large before anybody holds them in memory."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onetrainer_web.files.json_files import MAX_BYTES

LIMIT_BYTES = MAX_BYTES + 64 * 1024
"""A configuration file of the largest size, and what an upload wraps around it."""
UPLOAD_LIMIT_BYTES = 512 * 2**20
"""Of one uploaded picture or video; far beyond what cameras make of a picture."""


class BodyLimitMiddleware:
    """Counts what arrives, whatever the request says about its length."""

    def __init__(
        self, app: ASGIApp, limit_bytes: int = LIMIT_BYTES, upload_limit_bytes: int = UPLOAD_LIMIT_BYTES
    ) -> None:
        self._app = app
        self._limit_bytes = limit_bytes
        self._upload_limit_bytes = upload_limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and break its reading off when it goes on for too long."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        stated = Headers(scope=scope).get("content-length", "0")
        limit_bytes = self._upload_limit_bytes if _is_upload(scope) else self._limit_bytes
        num_bytes = 0

        async def receive_counted() -> Message:
            nonlocal num_bytes
            if stated.isdecimal() and int(stated) > limit_bytes:
                raise _too_large(limit_bytes)
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if num_bytes > limit_bytes:
                raise _too_large(limit_bytes)
            return message

        await self._app(scope, receive_counted, send)


def _too_large(limit_bytes: int) -> HTTPException:
    return HTTPException(413, f"The body is too large: at most {limit_bytes >> 20} MiB are taken here.")


def _is_upload(scope: Scope) -> bool:
    """Whether the body is a file that goes to the disk piece by piece: pictures are larger than any JSON."""
    return scope["method"] == "PUT" and scope["path"].startswith("/api/datasets/")
