"""What ranks do in tests in place of a training: `python -m tests.engine.rank_programs NAME RUN_FOLDER SEAT…`."""

import faulthandler
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.optimization.exchange import GradientExchange
from onetrainer_web.engine.optimization.weight_updates import WeightUpdates
from onetrainer_web.engine.ranks.group import Group
from onetrainer_web.engine.ranks.seat import Seat
from onetrainer_web.engine.runtime.control import end_process
from onetrainer_web.engine.runtime.errors import FailedElsewhereError
from onetrainer_web.protocol.events import Completed, EventWriter, Started
from onetrainer_web.protocol.run_folder import RunFolder

NUM_BATCHES = 4


class Net(torch.nn.Module):
    """Two layers that learn, one that no batch reaches, and one that only the second batch does."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        for number, name in enumerate(("first", "second", "rare", "unused")):
            layer = torch.nn.Linear(6, 6, dtype=dtype)
            ramp = torch.sin(torch.arange(36.0) * (number + 1)).view(6, 6) / 3
            layer.weight.data, layer.bias.data = ramp.to(dtype), ramp[0].to(dtype)
            setattr(self, name, layer)

    def loss(self, batch: int) -> Tensor:
        """Of one batch."""
        layer: Any = self.first
        inputs = torch.cos(torch.arange(18.0) * (batch + 1)).view(3, 6).to(layer.weight.dtype)
        hidden = torch.tanh(layer(inputs))
        outputs = self.second(hidden) + (self.rare(hidden) if batch == 1 else 0)  # pyright: ignore[reportCallIssue]
        return outputs.float().square().mean() / NUM_BATCHES


def updates_of(net: Net, settings: dict[str, Any]) -> tuple[WeightUpdates, TrainConfig]:
    """What changes the weights of a network."""
    config = TrainConfig.model_validate({"optimizer": {"optimizer": "SGD"}, **settings})
    return WeightUpdates(torch.optim.SGD(net.parameters(), lr=0.1), config, can_fuse=False), config


def alone(net: Net) -> None:
    """The gradients of all batches, as one process adds them up, in the place of those of the weights."""
    updates, _ = updates_of(net, {})
    for batch in range(NUM_BATCHES):
        net.loss(batch).backward()
        updates.put_by()
    for weight in updates.weights:
        found = updates.take_out(weight)
        weight.grad = None if found is None else found.to(weight.dtype)


def share(group: Group, net: Net, settings: dict[str, Any], *, collects: bool) -> tuple[Tensor, WeightUpdates]:
    """The gradients of all batches, of which each rank has its own; with what all ranks know of the losses."""
    updates, config = updates_of(net, settings)
    exchange = GradientExchange(updates, group, config)
    losses: list[Tensor] = []
    for start in range(0, NUM_BATCHES, group.size):
        is_last = start + group.size == NUM_BATCHES
        loss = net.loss(start + group.rank)
        with exchange.along(start, is_last=is_last):
            loss.backward()
        if not is_last:
            updates.put_by()
        losses += [loss.detach() if rank == group.rank else torch.zeros(()) for rank in range(group.size)]
    return (exchange.collect if collects else exchange.finish)(losses, NUM_BATCHES), updates


def variants() -> Iterator[tuple[torch.dtype, dict[str, Any]]]:
    """All settings of the exchange, for weights of two types."""
    precisions = ("WEIGHT_DTYPE", "FLOAT_32", "WEIGHT_DTYPE_STOCHASTIC", "FLOAT_32_STOCHASTIC")
    for dtype, precision, is_fused, is_async in product(
        (torch.float32, torch.bfloat16), precisions, (True, False), (True, False)
    ):
        yield (
            dtype,
            {
                "gradient_reduce_precision": precision,
                "fused_gradient_reduce": is_fused,
                "async_gradient_reduce": is_async,
            },
        )


def exchange(group: Group) -> None:
    """Add up gradients with all settings, and compare with one process."""
    for dtype, settings in variants():
        expected, net = Net(dtype), Net(dtype)
        alone(expected)
        losses, _ = share(group, net, settings, collects=False)
        assert torch.equal(losses, torch.stack([Net(dtype).loss(batch).detach() for batch in range(NUM_BATCHES)]))
        # Two sums of two are added up otherwise than four in a row; bfloat16 has eight bits.
        tolerance = 1e-6 if dtype is torch.float32 else 2**-6
        for (name, weight), other in zip(net.named_parameters(), expected.parameters(), strict=True):
            assert (weight.grad is None) == (other.grad is None) == name.startswith("unused"), name
            if weight.grad is not None and other.grad is not None:
                assert weight.grad.dtype is weight.dtype
                assert torch.allclose(weight.grad, other.grad, rtol=tolerance, atol=tolerance / 10), (name, settings)
                found = group.of_each("found", lambda grad=weight.grad: grad.float().tolist())
                assert found[0] == found[1], "the same for all ranks"


def collect(group: Group) -> None:
    """Let the first rank have the sums of all, unrounded."""
    expected, net = Net(torch.bfloat16), Net(torch.bfloat16)
    kept, _ = updates_of(expected, {})
    for batch in range(NUM_BATCHES):
        expected.loss(batch).backward()
        kept.put_by()
    losses, updates = share(group, net, {}, collects=True)
    assert bool(losses.any()) == group.is_first
    for weight, other in zip(updates.weights, kept.weights, strict=True):
        found, whole = updates.gradient(weight), kept.gradient(other)
        assert (found is None) == (whole is None or not group.is_first)
        if found is not None and whole is not None:
            assert found.dtype is torch.float32
            assert torch.allclose(found, whole, rtol=1e-6, atol=1e-7)


def say(group: Group) -> None:
    """Say things short and long to each other, and fail together."""
    long = "x" * 100_000
    assert group.of_first("short", lambda: "a") == "a"
    assert group.of_first("long", lambda: long + str(group.rank)) == long + "0"
    assert group.of_each("rank", lambda: group.rank) == [0, 1]
    assert group.of_each("long of one", lambda: long if group.rank else "") == ["", long]
    for place, who in (("first", 0), ("second", 1)):
        with pytest.raises(ZeroDivisionError if group.rank == who else FailedElsewhereError, match="ero"):
            group.of_each(place, lambda who=who: 1 // (group.rank - who))
    weights = [torch.full((3, 2), float(group.rank + 5), dtype=torch.bfloat16)]
    group.send("weights", weights)
    assert weights[0].tolist() == [[5.0, 5.0]] * 3


def work(group: Group) -> None:
    """All that ends well."""
    say(group)
    exchange(group)
    collect(group)


def hang(group: Group) -> None:
    """Wait for each other at different places."""
    if group.is_first:
        group.of_each("here", lambda: None)
    group.of_first("there", lambda: None)


def part(group: Group) -> None:
    """Say something at different places, which fits together by chance."""
    group.of_each("here" if group.is_first else "there", lambda: None)


PROGRAMS: dict[str, Callable[[Group], None]] = {"work": work, "hang": hang, "part": part}


def main(arguments: list[str]) -> None:
    """Take part as one rank."""
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    torch.set_num_threads(1)
    folder, seat = RunFolder(Path(arguments[1])), Seat.parse(arguments[2:])
    writer = EventWriter(folder.events) if seat.is_first else None
    if writer:
        writer.write(Started(pid=seat.parent_pid, ranks=seat.size))
    PROGRAMS[arguments[0]](Group(seat, torch.device("cpu"), lambda error: type(error).__name__))
    if writer:
        writer.write(Completed())
    end_process(0)


if __name__ == "__main__":
    main(sys.argv[1:])
