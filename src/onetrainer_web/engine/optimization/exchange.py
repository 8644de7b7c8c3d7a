"""How the gradients of several ranks become one, in front of an update of the weights.

They travel in buckets, whose order is the same on all ranks, whatever gradient is there first. A bucket may leave while
the backward pass goes on, when all buckets in front of it have left and all its gradients are there.
"""

from collections import deque
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import Parameter

from onetrainer_web.config.enums import GradientReducePrecision
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.optimization.weight_updates import WeightUpdates, round_by_chance
from onetrainer_web.engine.runtime.randomness import derive_seed
from onetrainer_web.engine.runtime.ranks import Pending, Ranks

_BUCKET_BYTES = 25 * 2**20
"""As torch's own data parallel takes: large enough for the line between devices, small enough to leave early."""
_WITHIN_FLOAT_32 = (GradientReducePrecision.FLOAT_32, GradientReducePrecision.FLOAT_32_STOCHASTIC)
_BY_CHANCE = (GradientReducePrecision.WEIGHT_DTYPE_STOCHASTIC, GradientReducePrecision.FLOAT_32_STOCHASTIC)


class Exchange:
    """Of one rank, which keeps what it has."""

    @contextmanager
    def along(self, step: int, *, is_last: bool) -> Generator[None]:
        """Around the backward pass of a step; the last one before an update may send gradients while it goes on."""
        del step, is_last
        yield

    def finish(self, losses: Sequence[Tensor], step: int) -> Tensor:
        """Behind the last backward pass: the weights have the gradients of all ranks then.

        Args:
            losses: Of each batch of the update, 0 where another rank had it.
            step: Number of the last of them, for what is drawn by chance.

        Returns:
            The losses of all ranks, in the order of the batches.
        """
        del step
        return torch.stack(list(losses))

    def collect(self, losses: Sequence[Tensor], step: int) -> Tensor:
        """Give the first rank all that waits for an update, losses too; nothing stays elsewhere. Otherwise `finish`."""
        del step
        return torch.stack(list(losses))


@dataclass(eq=False)
class _Bucket:
    """Some weights whose gradients travel together."""

    number: int
    dtype: torch.dtype
    weights: list[Parameter] = field(default_factory=list[Parameter])
    starts: list[int] = field(default_factory=list[int])
    """Where the gradient of each weight begins in the buffer."""
    num_values: int = 0
    num_missing: int = 0
    buffer: Tensor | None = None
    found: list[bool] = field(default_factory=list[bool])
    """Which weights have a gradient here."""

    def add(self, weight: Parameter) -> None:
        """Take one more weight in."""
        self.weights.append(weight)
        self.starts.append(self.num_values)
        self.found.append(False)
        self.num_values += weight.numel()
        self.num_missing += 1

    def part(self, place: int) -> Tensor:
        """Of the buffer, which is made when it is first needed: the gradient of a weight, flat."""
        if self.buffer is None:
            self.buffer = torch.zeros(self.num_values, dtype=self.dtype, device=self.weights[0].device)
        return self.buffer.narrow(0, self.starts[place], self.weights[place].numel())


class GradientExchange(Exchange):
    """Of several ranks."""

    def __init__(self, updates: WeightUpdates, ranks: Ranks, config: TrainConfig) -> None:
        self._updates = updates
        self._ranks = ranks
        self._precision = config.gradient_reduce_precision
        self._leaves_early = config.fused_gradient_reduce
        self._most_under_way = config.async_gradient_reduce_buffer * 2**20 if config.async_gradient_reduce else 0
        self._buckets: list[_Bucket] = []
        self._place: dict[Parameter, tuple[_Bucket, int]] = {}
        self._num_begun = 0
        self._under_way: deque[tuple[Pending, int]] = deque()
        self._is_along = False
        self._step = 0
        for weight in updates.weights:
            weight.register_post_accumulate_grad_hook(self._arrived)

    @contextmanager
    def along(self, step: int, *, is_last: bool) -> Generator[None]:
        """As `Exchange.along`."""
        self._step = step
        self._is_along = is_last and self._leaves_early
        if self._is_along:
            self._lay_out()
        try:
            yield
        finally:
            self._is_along = False

    def finish(self, losses: Sequence[Tensor], step: int) -> Tensor:
        """As `Exchange.finish`."""
        everybodys, totals = self._exchange(losses, step)
        for number, (weight, total) in enumerate(totals):
            weight.grad = self._rounded(total, weight.dtype, "gradients", number).view_as(weight)
        return everybodys

    def collect(self, losses: Sequence[Tensor], step: int) -> Tensor:
        """As `Exchange.collect`."""
        everybodys, totals = self._exchange(losses, step)
        if self._ranks.rank:
            return torch.zeros_like(everybodys)
        for weight, total in totals:
            self._updates.take_up(weight, total.view_as(weight))
        return everybodys

    def _exchange(self, losses: Sequence[Tensor], step: int) -> tuple[Tensor, list[tuple[Parameter, Tensor]]]:
        """The losses of all ranks, and the sum of the gradients of each weight for which any rank has one."""
        self._step = step
        self._lay_out()
        for bucket in self._buckets[self._num_begun :]:
            self._begin(bucket)
        while self._under_way:
            self._wait()
        found = [has for bucket in self._buckets for has in bucket.found]
        told = torch.cat([torch.stack(list(losses)), torch.tensor(found, device=losses[0].device).float()])
        self._ranks.add_up("losses", told).wait()
        num_found = iter(told[len(losses) :].tolist())
        totals = [
            (weight, bucket.part(place))
            for bucket in self._buckets
            for place, weight in enumerate(bucket.weights)
            if next(num_found) > 0
        ]
        self._buckets, self._num_begun = [], 0
        return told[: len(losses)], totals

    def _lay_out(self) -> None:
        """Put the weights that learn into buckets: the last ones first, as a backward pass reaches them."""
        if self._buckets:
            return
        last = None
        for weight in reversed([weight for weight in self._updates.weights if weight.requires_grad]):
            dtype = torch.float32 if self._precision in _WITHIN_FLOAT_32 else weight.dtype
            is_full = last is not None and self._buckets[-1].num_values * dtype.itemsize >= _BUCKET_BYTES
            if is_full or last != (dtype, weight.device):
                self._buckets.append(_Bucket(len(self._buckets), dtype))
                last = dtype, weight.device
            bucket = self._buckets[-1]
            self._place[weight] = bucket, len(bucket.weights)
            bucket.add(weight)

    def _arrived(self, weight: Parameter) -> None:
        """Called when a backward pass has found the gradient of a weight."""
        if not self._is_along:
            return
        bucket, place = self._place[weight]
        self._put(bucket, place)
        bucket.num_missing -= 1
        while self._num_begun < len(self._buckets) and not self._buckets[self._num_begun].num_missing:
            self._begin(self._buckets[self._num_begun])

    @torch.no_grad()
    def _put(self, bucket: _Bucket, place: int) -> None:
        """Move what one weight has summed up into the buffer."""
        part, gradient = bucket.part(place), self._updates.take_out(bucket.weights[place])
        if gradient is None:
            return
        assert not bucket.found[place], "a gradient came twice within one backward pass"
        bucket.found[place] = True
        part.copy_(self._rounded(gradient.flatten(), part.dtype, "sent", self._ranks.rank, bucket.number, place))

    def _begin(self, bucket: _Bucket) -> None:
        for place in range(len(bucket.weights)):
            if not bucket.found[place]:
                self._put(bucket, place)
        assert bucket.buffer is not None
        size = bucket.buffer.nbytes
        while self._under_way and sum(sent for _, sent in self._under_way) + size > self._most_under_way:
            self._wait()
        self._under_way.append((self._ranks.add_up("gradients", bucket.buffer), size))
        if not self._most_under_way:
            self._wait()
        self._num_begun += 1

    def _wait(self) -> None:
        self._under_way.popleft()[0].wait()

    def _rounded(self, values: Tensor, dtype: torch.dtype, *purpose: int | str) -> Tensor:
        """Values in the type of their weight: to the nearest, or by chance, the same for whoever has this purpose."""
        is_cut = values.dtype is torch.float32 and dtype is torch.bfloat16
        if not is_cut or self._precision not in _BY_CHANCE:
            return values.to(dtype)
        return round_by_chance(
            values, torch.Generator(values.device).manual_seed(derive_seed("exchange", self._step, *purpose))
        )
