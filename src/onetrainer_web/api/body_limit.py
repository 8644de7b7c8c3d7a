"""Refuses bodies that are too large before anybody holds them in memory."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onetrainer_web.config.json_files import MAX_BYTES

LIMIT_BYTES = MAX_BYTES + 64 * 1024
"""A configuration file of the largest size, and what an upload wraps around it."""


class BodyLimitMiddleware:
    """Counts what arrives, whatever the request says about its length."""

    def __init__(self, app: ASGIApp, limit_bytes: int = LIMIT_BYTES) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and break its reading off when it goes on for too long."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        stated = Headers(scope=scope).get("content-length", "0")
        num_bytes = 0

        async def receive_counted() -> Message:
            nonlocal num_bytes
            if stated.isdecimal() and int(stated) > self._limit_bytes:
                raise HTTPException(413)
            message = await receive()
            num_bytes += len(message.get("body", b""))
            if num_bytes > self._limit_bytes:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_counted, send)
