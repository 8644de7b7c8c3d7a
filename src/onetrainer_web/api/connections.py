"""What keeps strangers from using up the server: bounds on connections, on how long they say nothing, and on the log.

A connection that does not say what it wants is closed after HEAD_PATIENCE_S. Where more are open than are borne, the
one that has been silent for longest makes room, so that whoever asks at once is always heard.
"""

import asyncio
import logging
import sys
import time

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from onetrainer_web.api.stream import FRAMES

HEAD_PATIENCE_S = 10.0
"""For the head of a request, from the first byte or from the end of the answer before."""
MAX_CONNECTIONS = 1000
OWN_FILES = 256
"""Open files that are kept free for the runs, their logs and the index."""
WANTED_FILES = 8192
BACKLOG = 128
"""Connections that are taken at once, before any of them can be closed again."""
LOGGED_AT_ONCE = 5
LOG_PAUSE_S = 60.0


def raise_file_limit() -> None:
    """Have this process open as many files as it may, up to what it can use; most systems begin at 1024."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def max_connections() -> int:
    """How many connections are borne: each may hold a second file, the one that it is sent."""
    if sys.platform == "win32":
        return MAX_CONNECTIONS
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MAX_CONNECTIONS, max(1, (soft - OWN_FILES) // 2))


class BoundedProtocol(H11Protocol):
    """HTTP of which a client cannot keep a connection open by saying nothing."""

    _timer: asyncio.TimerHandle | None = None
    waits_since = 0.0
    """When the connection was opened, or its last answer was complete, by the clock of the event loop."""

    @property
    def is_waiting(self) -> bool:
        """Whether no request is being answered."""
        # uvicorn declares that there always is one; before the first request there is none.
        return self.cycle is None or self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Begin to wait for a request, and make room for it."""
        super().connection_made(transport)
        self.waits_since = self.loop.time()
        self._look_again_in(HEAD_PATIENCE_S)
        if len(self.connections) > max_connections():
            self._make_room()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.waits_since = self.loop.time()
        super().on_response_complete()

    def handle_websocket_upgrade(self, event: object) -> None:
        """Hand the connection over; a WebSocket may be silent."""
        self._forget_timer()
        super().handle_websocket_upgrade(event)  # pyright: ignore[reportArgumentType]

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._forget_timer()
        super().connection_lost(exc)

    def _look_again_in(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._close_if_silent)

    def _close_if_silent(self) -> None:
        left_s = self.waits_since + HEAD_PATIENCE_S - self.loop.time()
        if self.is_waiting and left_s <= 0:
            return self.transport.close()
        self._look_again_in(left_s if left_s > 0 else HEAD_PATIENCE_S)

    def _forget_timer(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _make_room(self) -> None:
        """Close who has been silent for longest; where nobody is, who was answered longest ago, or has just come."""
        others = [other for other in self.connections if isinstance(other, BoundedProtocol) and other is not self]
        oldest = min(others, key=lambda other: (not other.is_waiting, other.waits_since), default=self)
        self.connections.discard(oldest)  # it counts no longer, though it is told only in a moment
        oldest.transport.abort()


class FramesProtocol(WebSocketsSansIOProtocol):
    """WebSockets that also send frames which were made once for many of them."""

    def handle_connect(self, event: Request) -> None:
        """Offer the extension to the application, which is asked in a moment."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"] = {**self.scope.get("extensions", {}), FRAMES: {"write": self.write_frames}}

    async def write_frames(self, frames: bytes) -> None:
        """Send whole frames, when the connection can take more."""
        await self.writable.wait()
        if not self.transport.is_closing():
            self.transport.write(frames)


class LogBound(logging.Filter):
    """Lets each kind of message through a few times a minute: strangers must not fill the disk with the log.

    What WebSockets say about themselves is left out; it would write down what somebody asked for.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it; of the last one before a pause, it is told that there may be more."""
        kind = str(record.msg)[:40]
        if record.levelno <= logging.INFO:
            return "WebSocket" not in kind and not kind.startswith("connection ")
        began, count = self._seen.get(kind, (0.0, 0))
        now = time.monotonic()
        if now - began > LOG_PAUSE_S:
            began, count = now, 0
        self._seen[kind] = (began, count + 1)
        if count + 1 == LOGGED_AT_ONCE:
            record.msg = f"{record.msg} (further ones of this minute are not logged)"
        return count < LOGGED_AT_ONCE


LOG_BOUND = LogBound()


def bound_logs() -> None:
    """Bound what strangers can make the network layers log."""
    for name in ("uvicorn.error", "asyncio", "websockets.server"):
        logging.getLogger(name).addFilter(LOG_BOUND)
