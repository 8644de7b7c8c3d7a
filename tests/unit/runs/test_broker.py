"""Listeners get their messages in order and in time; those that do not read hold up nobody."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from onetrainer_web.runs import broker as module
from onetrainer_web.runs.broker import BURST_INTERVAL_S, MAX_WAITING, Broker, Message, Subscription, Topic


async def receive(subscription: Subscription, count: int) -> list[Message]:
    found: list[Message] = []
    async for messages in subscription:
        found += messages
        if len(found) >= count:
            break
    return found


def from_thread(action: Callable[[], None]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def test_messages_arrive_in_order_from_another_thread() -> None:
    async def listen() -> None:
        broker = Broker()
        async with broker.subscribe([Topic.RUNS]) as subscription:
            for number in range(100):
                from_thread(lambda: broker.publish(Topic.RUNS, "run", {"n": number}))  # noqa: B023
            messages = await receive(subscription, 100)
        assert [json.loads(message.text)["data"]["n"] for message in messages] == list(range(100))
        assert [message.id for message in messages] == sorted({message.id for message in messages})

    asyncio.run(listen())


def test_a_listener_gets_only_its_topics() -> None:
    async def listen() -> None:
        broker = Broker()
        subscription = broker.subscribe([Topic.TRAINING])
        assert broker.is_wanted(Topic.TRAINING)
        assert not broker.is_wanted(Topic.LOG)
        broker.publish(Topic.LOG, "log", {})
        broker.publish(Topic.TRAINING, "training_state", {})
        assert [message.type for message in await receive(subscription, 1)] == ["training_state"]
        subscription.close()
        assert not broker.is_wanted(Topic.TRAINING)

    asyncio.run(listen())


def test_a_listener_that_does_not_read_is_dropped_and_others_are_not() -> None:
    async def listen() -> None:
        broker = Broker()
        lazy = broker.subscribe([Topic.METRICS])
        diligent = broker.subscribe([Topic.METRICS])
        for part in range(3):
            for number in range(MAX_WAITING // 2):
                broker.publish(Topic.METRICS, "metrics", {"n": part * MAX_WAITING + number})
            assert len(await receive(diligent, MAX_WAITING // 2)) == MAX_WAITING // 2
        await asyncio.wait_for(lazy.dropped.wait(), 10)
        assert not diligent.dropped.is_set()
        assert [messages async for messages in lazy] == []

    asyncio.run(listen())


def test_bursts_are_thinned_and_their_last_message_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    # Of the module alone: the event loop needs the real clock.
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now, time_ns=time.time_ns))

    async def listen() -> None:
        nonlocal now
        broker = Broker()
        subscription = broker.subscribe([Topic.TRAINING])
        sent: list[float] = []
        for number in range(200):
            now = number * 0.011
            broker.publish(Topic.TRAINING, "training_state", {"n": number}, subject="training_state")
            broker.flush()
            sent.append(now)
        now += BURST_INTERVAL_S
        broker.flush()
        broker.publish(Topic.TRAINING, "end", {})
        *messages, end = await receive(subscription, 1)
        assert end.type == "end"
        states = [json.loads(message.text)["data"]["n"] for message in messages]
        assert states[0] == 0
        assert states[-1] == 199
        # But for the last one, which came a pause later, no second holds more than ten.
        times = [sent[number] for number in states[:-1]]
        assert all(later - earlier >= BURST_INTERVAL_S for earlier, later in zip(times, times[1:], strict=False))

    asyncio.run(listen())


def test_what_is_gathered_grows_while_it_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    # Of the module alone: the event loop needs the real clock.
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now, time_ns=time.time_ns))

    async def listen() -> None:
        nonlocal now
        broker = Broker()
        subscription = broker.subscribe([Topic.METRICS])
        for number in range(4):
            data = {"run_id": "a", "points": [number]}
            broker.publish(Topic.METRICS, "metrics", data, subject="curves of a", gathered="points")
        assert broker.flush()
        now += BURST_INTERVAL_S
        assert not broker.flush()
        messages = await receive(subscription, 2)
        assert [json.loads(message.text)["data"]["points"] for message in messages] == [[0], [1, 2, 3]]

    asyncio.run(listen())


def test_what_comes_together_is_read_at_once() -> None:
    async def listen() -> None:
        broker = Broker()
        subscriptions = [broker.subscribe([Topic.RUNS]) for _ in range(3)]
        for number in range(4):
            from_thread(lambda: broker.publish(Topic.RUNS, "run", {"n": number}))  # noqa: B023
        for subscription in subscriptions:
            assert len(await receive(subscription, 1)) == 4

    asyncio.run(listen())


def test_very_many_listeners_hear_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    # Of the module alone: the event loop needs the real clock.
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now, time_ns=time.time_ns))

    async def listen() -> int:
        nonlocal now
        broker = Broker()
        subscription, *_ = [broker.subscribe([Topic.TRAINING]) for _ in range(200)]
        for number in range(100):
            now = number * BURST_INTERVAL_S
            broker.publish(Topic.TRAINING, "training_state", {"n": number}, subject="training_state")
        return len(await receive(subscription, 1))

    assert asyncio.run(listen()) <= 100 * BURST_INTERVAL_S / (200 * module.LISTENER_INTERVAL_S) + 1


def test_a_listener_that_comes_back_gets_what_it_missed() -> None:
    async def listen() -> None:
        broker = Broker()
        first = broker.subscribe([Topic.RUNS])
        for number in range(5):
            broker.publish(Topic.RUNS, "run", {"n": number})
        seen = (await receive(first, 5))[:2]
        again = broker.subscribe([Topic.RUNS], after=seen[-1].id)
        broker.publish(Topic.RUNS, "run", {"n": 5})
        messages = await receive(again, 4)
        assert [json.loads(message.text)["data"]["n"] for message in messages] == [2, 3, 4, 5]

    asyncio.run(listen())


def test_numbers_grow_over_server_restarts() -> None:
    first = Broker()
    first.publish(Topic.RUNS, "run", {})
    second = Broker()
    second.publish(Topic.RUNS, "run", {})
    assert module.MAX_REMEMBERED >= MAX_WAITING
    assert second._remembered[-1].id >= first._remembered[-1].id


def test_a_listener_whose_loop_has_ended_is_forgotten() -> None:
    broker = Broker()

    async def leave_without_closing() -> None:
        broker.subscribe([Topic.RUNS])

    asyncio.run(leave_without_closing())
    broker.publish(Topic.RUNS, "run", {})
    assert not broker.is_wanted(Topic.RUNS)
