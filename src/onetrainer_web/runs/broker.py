"""Hands messages from the thread that follows the runs to any number of asyncio listeners.

A listener that does not read is dropped; nobody waits for it. Messages about one subject that come in bursts are
thinned to ten a second, or fewer where very many listen, and the last of a burst is always delivered.
"""

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

MAX_WAITING = 500
"""Messages a listener may leave unread before it is dropped."""

MAX_REMEMBERED = 2000
"""Messages kept for listeners that come back and tell what they have seen."""

BURST_INTERVAL_S = 0.1
"""Messages about one subject keep at least this distance: ten a second."""

LISTENER_INTERVAL_S = 0.002
"""And this distance for each listener: however many there are, the machine is there for the training."""

GATHERING_S = 0.01
"""A listener is woken so long after a message: what belongs together goes out together."""


class Topic(StrEnum):
    """What can be listened to."""

    TRAINING = "training"
    """training_state, sample_default, sample_default_progress, sample_custom, sample_custom_progress."""
    METRICS = "metrics"
    """metrics: {"run_id", "points": [{"global_step", "time", "values"}]}."""
    LOG = "log"
    """log: {"run_id", "offset", "text"}, offset in bytes where the text starts."""
    RUNS = "runs"
    """run: a RunView. run_deleted: {"run_id"}. queue: a QueueView."""
    SAMPLES = "samples"
    """sample: a SampleView."""
    SYSTEM = "system"
    """Load of the machine; published by the API."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    id: int
    """Grows with every message, server restarts included."""
    topic: Topic
    type: str
    text: str
    """The JSON text {"type": …, "data": …}, ready to be sent."""


class _Bell:
    """Wakes the listeners of one event loop, all that have something to read with one call."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._lock = threading.Lock()
        self._waiting: list[Subscription] = []

    def ring(self, subscription: "Subscription") -> bool:
        """Wake a listener in a moment, from any thread; False when its event loop has ended."""
        with self._lock:
            self._waiting.append(subscription)
            is_rung = len(self._waiting) > 1
        try:
            if not is_rung:
                self.loop.call_soon_threadsafe(self.loop.call_later, GATHERING_S, self._wake)
        except RuntimeError:
            self._waiting.clear()
            return False
        return True

    def _wake(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for subscription in waiting:
            subscription.wake()


class Subscription:
    """One listener's messages, in order and as many at once as have come.

    Use it as `async with` and `async for`; the loop ends when it is dropped.
    """

    def __init__(self, broker: "Broker", topics: Collection[Topic], bell: _Bell) -> None:
        self.topics = frozenset(topics)
        self.dropped = asyncio.Event()
        """Set when the listener read too slowly and gets no more: close its connection."""
        self._broker = broker
        self._bell = bell
        self._lock = threading.Lock()
        self._waiting: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._is_rung = False
        self._is_full = False
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more."""
        self._broker.leave(self)
        with self._lock:
            self._is_closed = True
            self._waiting.clear()

    async def __aiter__(self) -> AsyncIterator[list[Message]]:
        while not self.dropped.is_set():
            await self._arrived.wait()
            if messages := self._take():
                yield messages

    def _take(self) -> list[Message]:
        with self._lock:
            messages = list(self._waiting)
            self._waiting.clear()
            self._arrived.clear()
            self._is_rung = False
        return messages

    def offer(self, message: Message) -> bool:
        """Add a message, from any thread.

        Returns:
            False when the listener is gone or has left too much unread.
        """
        with self._lock:
            if self._is_closed:
                return False
            self._is_full = len(self._waiting) >= MAX_WAITING
            if self._is_full:
                self._is_closed = True
                self._waiting.clear()
            else:
                self._waiting.append(message)
            if self._is_full or not self._is_rung:
                self._is_rung = True
                self._is_closed |= not self._bell.ring(self)
            return not self._is_closed

    def wake(self) -> None:
        """Have the listener read; for the thread of its event loop."""
        if self._is_full:
            self.dropped.set()
        self._arrived.set()


@dataclass(slots=True)
class _Subject:
    sent_at: float = float("-inf")
    waiting: tuple[Topic, str, dict[str, Any]] | None = None


class Broker:
    """Takes messages from any thread and hands them to the listeners of their topic."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[Subscription] = set()
        self._subjects: dict[str, _Subject] = {}
        self._held: dict[str, _Subject] = {}
        """Those of which something waits."""
        self._bell: _Bell | None = None
        self._remembered: deque[Message] = deque(maxlen=MAX_REMEMBERED)
        # A restarted server must not use a number again; time passes faster than messages come.
        self._last_id = time.time_ns() // 1_000_000

    def subscribe(self, topics: Collection[Topic], after: int | None = None) -> Subscription:
        """Listen to `topics`, beginning behind message `after` as far as it is remembered."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._bell is None or self._bell.loop is not loop:
                self._bell = _Bell(loop)
            subscription = Subscription(self, topics, self._bell)
            if after is not None:
                missed = [m for m in self._remembered if m.id > after and m.topic in subscription.topics]
                for message in missed[-MAX_WAITING:]:
                    subscription.offer(message)
            self._listeners.add(subscription)
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Forget a listener."""
        with self._lock:
            self._listeners.discard(subscription)

    def is_wanted(self, topic: Topic) -> bool:
        """Whether somebody listens to `topic`."""
        with self._lock:
            return any(topic in listener.topics for listener in self._listeners)

    def publish(
        self, topic: Topic, message_type: str, data: dict[str, Any], subject: str | None = None, gathered: str = ""
    ) -> None:
        """Send a message.

        Args:
            topic: Who gets it.
            message_type: Its `type`.
            data: Its `data`, ready for JSON.
            subject: Messages with the same subject replace each other while they come faster than ten a second.
            gathered: A list in `data` that is added to the one of the message that is replaced.
        """
        with self._lock:
            if subject is None:
                return self._send(topic, message_type, data)
            state = self._subjects.setdefault(subject, _Subject())
            if gathered and state.waiting:
                data = data | {gathered: state.waiting[2][gathered] + data[gathered]}
            state.waiting = (topic, message_type, data)
            self._held[subject] = state
            self._send_due(subject, state)

    def flush(self) -> bool:
        """Send what was held back and is due.

        Returns:
            Whether something is still held back: then call it again within a few hundredths of a second.
        """
        with self._lock:
            for subject, state in list(self._held.items()):
                self._send_due(subject, state)
            return bool(self._held)

    def forget(self, subject: str) -> None:
        """Drop what is remembered about a subject that is gone."""
        with self._lock:
            self._subjects.pop(subject, None)
            self._held.pop(subject, None)

    def _send_due(self, subject: str, state: _Subject) -> None:
        now = time.monotonic()
        interval_s = max(BURST_INTERVAL_S, LISTENER_INTERVAL_S * len(self._listeners))
        if state.waiting and now - state.sent_at >= interval_s:
            self._send(*state.waiting)
            state.waiting, state.sent_at = None, now
            del self._held[subject]

    def _send(self, topic: Topic, message_type: str, data: dict[str, Any]) -> None:
        self._last_id += 1
        text = json.dumps({"type": message_type, "data": data}, ensure_ascii=False, allow_nan=False)
        message = Message(self._last_id, topic, message_type, text)
        self._remembered.append(message)
        gone = [listener for listener in self._listeners if topic in listener.topics and not listener.offer(message)]
        self._listeners.difference_update(gone)
