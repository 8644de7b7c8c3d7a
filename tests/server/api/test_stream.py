"""The stream over real connections: greeting, topics, bursts, catching up, slow listeners, shutdown."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import websockets
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.runs.broker import MAX_WAITING, Topic
from onetrainer_web.runs.messages import STREAM_MESSAGE, DeletedRunData, QueueMessage, RunDeletedMessage
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import QueueView

PATIENCE_S = 30.0
CPU = TrainConfig(train_device="cpu")
DOCUMENTED = {
    "connected",
    "training_state",
    "sample_default",
    "sample_default_progress",
    "sample_custom",
    "sample_custom_progress",
}


@asynccontextmanager
async def _listen(address: str, topics: str = "") -> AsyncIterator[ClientConnection]:
    url = address.replace("http", "ws") + "/ws" + (f"?topics={topics}" if topics else "")
    async with asyncio.timeout(PATIENCE_S), websockets.connect(url) as websocket:
        assert not websocket.protocol.extensions, "each message would be compressed for each listener anew"
        yield websocket


async def _until(websocket: ClientConnection, is_wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = []
    async for text in websocket:
        messages.append(json.loads(text))
        if is_wanted(messages[-1]):
            return messages
    raise AssertionError(f"the stream ended after {messages[-3:]}")


def _is_completed(message: dict[str, Any]) -> bool:
    return message["type"] == "training_state" and message["data"]["status"] == "completed"


def test_a_plain_listener_gets_the_documented_messages_alone(address: str, service: RunService) -> None:
    async def listen() -> list[dict[str, Any]]:
        async with _listen(address) as websocket:
            first = json.loads(await websocket.recv())
            service.start_training(CPU, "steps=30")
            return [first, *await _until(websocket, _is_completed)]

    messages = asyncio.run(listen())
    assert messages[0]["type"] == "connected"
    assert {message["type"] for message in messages} <= DOCUMENTED
    assert messages[-1]["data"]["progress"]["global_step"] == 30


def test_topics_add_messages_and_all_of_them_are_as_documented(address: str, service: RunService) -> None:
    topics = ",".join(topic.value for topic in Topic)

    async def listen() -> list[dict[str, Any]]:
        async with _listen(address, topics) as websocket:
            run = service.start_training(CPU, "steps=400")
            service.request_samples([{"prompt": "a square"}], CPU)
            messages = await _until(websocket, _is_completed)
            service.delete(run.id)
            return messages + await _until(websocket, lambda message: message["type"] == "run_deleted")

    messages = asyncio.run(listen())
    for message in messages:
        STREAM_MESSAGE.validate_python(message)
    assert {message["type"] for message in messages} >= {
        "connected",
        "training_state",
        "metrics",
        "run",
        "sample",
        "sample_custom",
        "sample_custom_progress",
        "resources",
    }


def test_states_come_at_most_ten_a_second_and_the_last_one_always(address: str, service: RunService) -> None:
    async def listen() -> tuple[list[float], dict[str, Any]]:
        loop = asyncio.get_running_loop()
        times: list[float] = []
        async with _listen(address) as websocket:
            service.start_training(CPU, "steps=3000 pause=0")
            while True:
                message = json.loads(await websocket.recv())
                if message["type"] == "training_state":
                    times.append(loop.time())
                if _is_completed(message):
                    return times, message

    times, last = asyncio.run(listen())
    assert last["data"]["progress"]["global_step"] == 3000
    assert len(times) <= 10 * (times[-1] - times[0]) + 2


@pytest.mark.parametrize("text", ["ping", '"ping"'])
def test_a_ping_gets_a_pong_and_anything_else_is_ignored(address: str, text: str) -> None:
    async def ping() -> dict[str, Any]:
        async with _listen(address) as websocket:
            await websocket.recv()
            for ignored in ("", "pong", '{"type": "ping"}', b"ping", b"\xff"):
                await websocket.send(ignored)
            await websocket.send(text)
            return json.loads(await websocket.recv())

    assert asyncio.run(ping()) == {"type": "pong"}


def test_unknown_topics_are_refused(address: str) -> None:
    async def connect() -> None:
        async with _listen(address, "training,nonsense"):
            pass

    with pytest.raises(websockets.InvalidStatus):
        asyncio.run(connect())
    response = httpx.get(f"{address}/api/events?topics=nonsense")
    assert response.status_code == 400
    assert "metrics" in response.json()["detail"]


EVENT_SOURCE = "GET /api/events?topics=runs HTTP/1.1\r\nHost: {host}\r\n\r\n"
WEBSOCKET = (
    "GET /ws?topics=runs HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@pytest.mark.parametrize("request_text", [EVENT_SOURCE, WEBSOCKET], ids=["events", "websocket"])
def test_a_listener_that_does_not_read_is_dropped_and_holds_up_nobody(
    address: str, app: FastAPI, service: RunService, wait_until: Callable[..., None], request_text: str
) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect((host, int(port)))
        lazy.sendall(request_text.format(host=f"{host}:{port}").encode())
        lazy.recv(100)
        wait_until(lambda: app.state.streams.num_open == 1)

        async def listen() -> int:
            heard = 0
            async with _listen(address, "runs") as websocket:
                await websocket.recv()
                big = QueueMessage(data=QueueView(paused=False, run_ids=["x" * 50_000]))
                for _ in range(2 * MAX_WAITING):
                    service.publish(Topic.RUNS, big)
                    while heard < 1 or json.loads(await websocket.recv())["type"] != "queue":
                        heard += 1
                    heard += 1
            return heard

        assert asyncio.run(listen()) >= 2 * MAX_WAITING
        wait_until(lambda: app.state.streams.num_open == 0)


def _events_of(response: httpx.Response, count: int) -> list[tuple[int | None, dict[str, Any]]]:
    found: list[tuple[int | None, dict[str, Any]]] = []
    number: int | None = None
    for line in response.iter_lines():
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: "):
            found.append((number, json.loads(line[6:])))
            number = None
            if len(found) == count:
                return found
    raise AssertionError("the stream ended")


def test_server_sent_events_go_on_where_a_listener_left(address: str, service: RunService) -> None:
    url = f"{address}/api/events?topics=runs"

    def publish(number: int) -> None:
        service.publish(Topic.RUNS, RunDeletedMessage(data=DeletedRunData(run_id=str(number))))

    with httpx.stream("GET", url, timeout=PATIENCE_S) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        assert json.loads(next(lines).removeprefix("data: "))["type"] == "connected"
        publish(1)
        seen = next(int(line[4:]) for line in lines if line.startswith("id: "))
    for number in (2, 3):
        publish(number)
    with httpx.stream("GET", url, headers={"Last-Event-ID": str(seen)}, timeout=PATIENCE_S) as response:
        greeting, *missed = _events_of(response, 3)
    assert greeting[1]["type"] == "connected"
    assert [message["data"]["run_id"] for _, message in missed] == ["2", "3"]
    assert [number for number, _ in missed if number is not None and number > seen] == [number for number, _ in missed]
