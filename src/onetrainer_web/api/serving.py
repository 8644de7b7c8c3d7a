"""How the application meets the network: uvicorn, with bounds."""

import socket

import uvicorn
from fastapi import FastAPI

from onetrainer_web.api.connections import BACKLOG, BoundedProtocol, FramesProtocol, bound_logs
from onetrainer_web.api.stream import Streams

MAX_MESSAGE_BYTES = 64 * 1024
"""Of what a WebSocket client sends; pings need no more."""
SHUTDOWN_PATIENCE_S = 5


class Server(uvicorn.Server):
    """Ends the open streams before it waits for connections to close."""

    def __init__(self, config: uvicorn.Config, streams: Streams) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would never end by itself, then shut down."""
        self._streams.end_all()
        await super().shutdown(sockets)


def server_config(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    """How the application is served."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,  # it would write the login link's token down
        log_level="info",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # each message would be compressed anew for each listener
        timeout_graceful_shutdown=SHUTDOWN_PATIENCE_S,
        server_header=False,
        http=BoundedProtocol,
        ws=FramesProtocol,
        backlog=BACKLOG,
    )
    bound_logs()  # after uvicorn has set up its own
    return config
