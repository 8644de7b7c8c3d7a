"""What happens, as it happens: the same messages over WebSocket (/ws) and as server-sent events (/api/events).

A plain client gets the contract's messages alone; `?topics=metrics,log,...` adds others. Thinning bursts, remembering
and dropping listeners that do not read is the broker's work; here the messages only take their way to the network.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Annotated, Any

from fastapi import Depends, Header, Query, WebSocket, WebSocketDisconnect
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send
from websockets.frames import Frame, Opcode

from onetrainer_web.api.dependencies import ServiceDependency
from onetrainer_web.api.routing import new_router
from onetrainer_web.app.machine import Machine
from onetrainer_web.errors import InvalidRequestError
from onetrainer_web.runs.broker import Subscription, Topic
from onetrainer_web.runs.messages import ConnectedMessage, PongMessage, ResourcesMessage
from onetrainer_web.runs.service import RunService

KEEP_ALIVE_S = 15.0
"""A silent stream sends a comment this often, so that proxies keep it open."""
RESOURCES_INTERVAL_S = 2.0
FAREWELL_S = 1.0
"""How long the end of a stream may take to be sent."""
SLOW_CLIENT = 1013
"""WebSocket close code "try again later"."""
FRAMES = "onetrainer_web.frames"
"""Extension of the ASGI scope of a WebSocket: its `write` sends frames that are made already, past all layers."""
OPTIONAL_TOPICS = sorted(topic.value for topic in Topic if topic is not Topic.TRAINING)

router = new_router("", "stream")


class UnknownTopicError(InvalidRequestError):
    """A listener asks for something that nobody tells."""

    def __init__(self, unknown: set[str]) -> None:
        super().__init__(f"Unknown topics: {', '.join(sorted(unknown))}. There are: {', '.join(OPTIONAL_TOPICS)}.")


def parse_topics(text: str) -> frozenset[Topic]:
    """The topics of a comma-separated list, and `training`, which everybody gets.

    Raises:
        UnknownTopicError: One of them does not exist.
    """
    names = {name.strip() for name in text.split(",") if name.strip()}
    if unknown := names - set(Topic):
        raise UnknownTopicError(unknown)
    return frozenset({Topic.TRAINING, *map(Topic, names)})


class Streams:
    """The open streams of one app: they are ended when the server shuts down, and feed the load of the machine."""

    def __init__(self, service: RunService, machine: Machine) -> None:
        self._service = service
        self._machine = machine
        self._open: set[Subscription] = set()

    @property
    def num_open(self) -> int:
        """How many streams are open."""
        return len(self._open)

    @asynccontextmanager
    async def listen(self, topics: frozenset[Topic], after: int | None = None) -> AsyncGenerator[Subscription]:
        """A subscription that is known here as long as it is in use."""
        async with self._service.subscribe(topics, after) as subscription:
            self._open.add(subscription)
            try:
                yield subscription
            finally:
                self._open.discard(subscription)

    def end_all(self) -> None:
        """End every stream: the server shuts down, or somebody is no longer let in. Others connect again."""
        for subscription in self._open:
            subscription.dropped.set()

    async def publish_resources(self) -> None:
        """Read the load of the machine for ever, and tell it while somebody listens."""
        while True:
            resources = await run_in_threadpool(self._machine.read)
            if any(Topic.SYSTEM in subscription.topics for subscription in self._open):
                self._service.publish(Topic.SYSTEM, ResourcesMessage(data=resources))
            await asyncio.sleep(RESOURCES_INTERVAL_S)


async def _streams(connection: HTTPConnection) -> Streams:
    return connection.app.state.streams


StreamsDependency = Annotated[Streams, Depends(_streams)]
TopicsQuery = Annotated[
    str,
    Query(
        description="What to hear of besides training, separated by commas: " + ", ".join(OPTIONAL_TOPICS) + ".",
        examples=["metrics,runs"],
    ),
]


@router.websocket("/ws")
async def stream_over_websocket(
    websocket: WebSocket, service: ServiceDependency, streams: StreamsDependency, topics: str = ""
) -> None:
    """Send `connected`, then every message of the topics; answer pings."""
    try:
        wanted = parse_topics(topics)
    except UnknownTopicError as error:
        return await websocket.send_denial_response(JSONResponse({"detail": str(error)}, error.status))
    await websocket.accept()
    async with streams.listen(wanted) as subscription:
        # Subscribed before the state is read, so that no change falls between the two.
        state = await run_in_threadpool(service.current)
        await websocket.send_text(ConnectedMessage(data=state).model_dump_json())
        await _first_to_end(
            _answer_pings(websocket), _forward(websocket, subscription), _wait_for_drop(websocket, subscription)
        )


async def _first_to_end(*parts: Any) -> None:
    """Run all parts until one ends, cancel the others, and let an error rise."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect):
            raise result


async def _answer_pings(websocket: WebSocket) -> None:
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") in ("ping", '"ping"'):
            await websocket.send_text(PongMessage().model_dump_json())


async def _forward(websocket: WebSocket, subscription: Subscription) -> None:
    write: Callable[[bytes], Awaitable[None]] | None = websocket.scope["extensions"].get(FRAMES, {}).get("write")
    async for messages in subscription:
        if write:
            await write(b"".join(_frame(message.text) for message in messages))
        else:  # another server than our own, as in tests
            for message in messages:
                await websocket.send_text(message.text)


@lru_cache(maxsize=100)
def _frame(text: str) -> bytes:
    """A message as it goes to every WebSocket, made once for all of them."""
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


async def _wait_for_drop(websocket: WebSocket, subscription: Subscription) -> None:
    """Close the connection of a listener that reads too slowly, or when the server shuts down."""
    await subscription.dropped.wait()
    with suppress(TimeoutError):  # a client that does not read cannot be told that this is the end
        async with asyncio.timeout(FAREWELL_S):
            await websocket.close(SLOW_CLIENT, "Too much was left unread, or all streams end. Connect again.")


@router.get(
    "/api/events",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events; the `data` of each is a `StreamMessage`.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
async def stream_events(
    service: ServiceDependency,
    streams: StreamsDependency,
    topics: TopicsQuery = "",
    last_event_id: Annotated[
        int | None, Header(description="Id of the last message seen: those since then come first.", ge=0)
    ] = None,
) -> Response:
    """The messages of /ws as server-sent events, for EventSource and curl.

    Each carries an id. A browser that reconnects sends the last one by itself and misses nothing.
    """
    wanted = parse_topics(topics)
    return _EventStream(service, streams, wanted, last_event_id)


class _EventStream(Response):
    """A response that lasts until the client leaves, reads too slowly, or the server shuts down."""

    media_type = "text/event-stream"

    def __init__(self, service: RunService, streams: Streams, topics: frozenset[Topic], after: int | None) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._service = service
        self._streams = streams
        self._topics = topics
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send messages until the stream ends."""

        async def send_text(text: str, *, is_last: bool = False) -> None:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": not is_last})

        async with self._streams.listen(self._topics, self._after) as subscription:
            state = await run_in_threadpool(self._service.current)
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send_text(f"data: {ConnectedMessage(data=state).model_dump_json()}\n\n")
            await _first_to_end(
                _send_events(subscription, send_text),
                _keep_alive(send_text),
                _wait_for_leave(receive),
                subscription.dropped.wait(),
            )
        with suppress(TimeoutError):  # a client that does not read cannot be told that this is the end
            async with asyncio.timeout(FAREWELL_S):
                await send_text("", is_last=True)


async def _send_events(subscription: Subscription, send_text: Callable[[str], Awaitable[None]]) -> None:
    async for messages in subscription:
        await send_text("".join(f"id: {message.id}\ndata: {message.text}\n\n" for message in messages))


async def _keep_alive(send_text: Callable[[str], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(KEEP_ALIVE_S)
        await send_text(": still here\n\n")


async def _wait_for_leave(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
