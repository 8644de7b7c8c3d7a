"""Ranks that ask each other, by torch.distributed."""

import pickle
import struct
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from onetrainer_web.engine.ranks.diary import Diary
from onetrainer_web.engine.ranks.seat import Seat
from onetrainer_web.engine.runtime.errors import FailedElsewhereError, RanksApartError, RanksLostError
from onetrainer_web.engine.runtime.ranks import Pending, Ranks
from onetrainer_web.pipeline.watch import StopRequested

T = TypeVar("T")

_PATIENCE = timedelta(hours=24)
"""Loading, encoding and saving may take one rank that much longer than another; who dies is noticed at once."""
_PATIENCE_OF_GPUS = timedelta(minutes=10)
"""Gradients are on their way between cards for so long at most."""
_PACKET_BYTES = 1024
"""What is said between two rounds fits into one packet, so that it takes one message."""
_HEAD = struct.Struct("<QI")
"""How long what is said is, and the digest of the diary of who says it."""


@dataclass(frozen=True)
class _Failure:
    """In place of an answer: why a rank has none."""

    sentence: str
    is_stop: bool


class Group(Ranks):
    """One of several processes of this machine."""

    def __init__(self, seat: Seat, device: torch.device, sentence_of: Callable[[Exception], str]) -> None:
        """Meet the others.

        Args:
            seat: The place of this one.
            device: Where it trains.
            sentence_of: Says an error in one sentence.

        Raises:
            RanksLostError: They do not come.
        """
        self.rank, self.size = seat.rank, seat.size
        self._sentence_of = sentence_of
        self._diary = Diary(seat.meeting.diary(seat.rank))
        self._cards: dist.ProcessGroup | None = None
        self._diary.enter("meeting")
        with self.together():
            store = dist.FileStore(str(seat.meeting.store), seat.size)  # pyright: ignore[reportPrivateImportUsage]
            dist.init_process_group("gloo", store=store, rank=seat.rank, world_size=seat.size, timeout=_PATIENCE)
            if device.type == "cuda" and dist.is_nccl_available():
                torch.cuda.set_device(device)
                made = dist.new_group(backend="nccl", timeout=_PATIENCE_OF_GPUS)
                self._cards = cast("dist.ProcessGroup", made)

    def of_first(self, place: str, work: Callable[[], T]) -> T:
        """As `Ranks.of_first`."""
        error, answer = _tried(work) if self.is_first else (None, None)
        self._diary.enter(place)
        answers = self._spread(self._packed(error, answer) if self.is_first else b"")
        return self._taken(error, [answers])[0]

    def of_each(self, place: str, work: Callable[[], T]) -> list[T]:
        """As `Ranks.of_each`."""
        error, answer = _tried(work)
        self._diary.enter(place)
        return self._taken(error, self._gathered(self._packed(error, answer)))

    def add_up(self, place: str, values: Tensor) -> Pending:
        """As `Ranks.add_up`."""
        self._diary.enter(place)
        if self._is_sent(values):
            with self.together():
                work = dist.all_reduce(values, group=self._group_of(values), async_op=True)
            return _Sum(self, cast("Pending", work))
        outside = values.cpu()
        with self.together():
            dist.all_reduce(outside)
        values.copy_(outside)
        return super().add_up(place, values)

    def send(self, place: str, tensors: Sequence[Tensor]) -> None:
        """As `Ranks.send`."""
        self._diary.enter(place)
        for tensor in tensors:
            sent = (tensor.detach() if self._is_sent(tensor) else tensor.detach().cpu()).contiguous()
            with self.together():
                dist.broadcast(sent.view(-1).view(torch.uint8), 0, group=self._group_of(sent))
            tensor.copy_(sent)

    def _is_sent(self, values: Tensor) -> bool:
        """Whether values travel as they are; where there is no NCCL, as on Windows, only through main memory."""
        return values.device.type == "cpu" or self._cards is not None

    def _group_of(self, values: Tensor) -> dist.ProcessGroup | None:
        """Who sends values: NCCL those on cards, gloo others."""
        return None if values.device.type == "cpu" else self._cards

    @contextmanager
    def together(self) -> Generator[None]:
        """While the others are waited for.

        Raises:
            RanksLostError: One of them is gone.
        """
        try:
            with self._diary.waiting():
                yield
        except RuntimeError as error:  # torch has nothing more special for a connection that is closed
            raise RanksLostError(f"Another process of the run is gone: {error}") from error

    def _spread(self, data: bytes) -> bytes:
        """What the first one has to say."""
        packet = self._packet(data)
        with self.together():
            dist.broadcast(packet, 0)
        length = self._length_in(packet)
        if length <= _PACKET_BYTES - _HEAD.size:
            return _content(packet, length)
        rest = _padded(data, length)
        with self.together():
            dist.broadcast(rest, 0)
        return rest.numpy().tobytes()

    def _gathered(self, data: bytes) -> list[bytes]:
        """What each one has to say."""
        packets = self._all_of(self._packet(data))
        lengths = [self._length_in(packet) for packet in packets]
        longest = max(lengths)
        if longest <= _PACKET_BYTES - _HEAD.size:
            return [_content(packet, length) for packet, length in zip(packets, lengths, strict=True)]
        whole = self._all_of(_padded(data, longest))
        return [each.numpy().tobytes()[:length] for each, length in zip(whole, lengths, strict=True)]

    def _all_of(self, own: Tensor) -> list[Tensor]:
        found = [torch.empty_like(own) for _ in range(self.size)]
        with self.together():
            dist.all_gather(found, own)
        return found

    def _packet(self, data: bytes) -> Tensor:
        """A message of fixed length: how long all of it is, where this rank stands, and all of it if there is room."""
        return _padded(_HEAD.pack(len(data), self._diary.digest) + data, _PACKET_BYTES)

    def _length_in(self, packet: Tensor) -> int:
        """How long all of a message is.

        Raises:
            RanksApartError: It was written somewhere else than here.
        """
        length, digest = _HEAD.unpack(packet.numpy().tobytes()[: _HEAD.size])
        if digest != self._diary.digest:
            raise RanksApartError(self._diary.place)
        return length

    def _packed(self, error: Exception | None, answer: object) -> bytes:
        if error is not None:
            answer = _Failure(self._sentence_of(error), isinstance(error, StopRequested))
        return pickle.dumps(answer)

    def _taken(self, error: Exception | None, answers: Sequence[bytes]) -> list[Any]:
        """The answers, if there is one of each that was asked."""
        if error is not None:
            raise error
        found = [pickle.loads(answer) for answer in answers]
        failures = [answer for answer in found if isinstance(answer, _Failure)]
        for failure in failures:
            if not failure.is_stop:
                raise FailedElsewhereError(failure.sentence)
        if failures:
            raise StopRequested
        return found


class _Sum:
    """A sum that is on its way."""

    def __init__(self, group: Group, work: Pending) -> None:
        self._group = group
        self._work = work

    def wait(self) -> None:
        """Return when it is there."""
        with self._group.together():
            self._work.wait()


def _tried(work: Callable[[], T]) -> tuple[Exception | None, T | None]:
    try:
        return None, work()
    except RanksLostError:
        raise
    except Exception as error:  # whatever it is, the others must hear of it instead of waiting
        return error, None


def _padded(data: bytes, length: int) -> Tensor:
    return torch.frombuffer(bytearray(data[:length].ljust(length, b"\0")), dtype=torch.uint8)


def _content(packet: Tensor, length: int) -> bytes:
    return packet[_HEAD.size : _HEAD.size + length].numpy().tobytes()
