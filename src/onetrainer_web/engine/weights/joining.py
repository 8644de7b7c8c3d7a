"""Adapters of modules that the original code turns, or joins in one: put in their places there, taken back out of them.

A joined LoRA has the ranks of all together and zeros where they do not meet, so it changes exactly what they change.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from onetrainer_web.config.adapter_keys import DOWN, LENGTHS, UP
from onetrainer_web.engine.interfaces import Family, Model
from onetrainer_web.engine.weights.adapter import Adapter, Adapters

_PER_OUTPUT = (UP, "hada_w1_a", "hada_w2_a")
"""Weights that have a row for each output of a linear layer."""


@dataclass(frozen=True)
class Seat:
    """A module beside others in the original code."""

    key: str
    num_outputs: int
    has_swapped_halves: bool


Bench = Sequence[Seat]
"""All modules that the original code joins, in their order there."""


def find_seats(family: Family, model: Model, parts: Iterable[str]) -> dict[str, Bench]:
    """For each module that the original code joins with others or turns, those that stand in the same place."""
    benches: dict[tuple[str, str], dict[int, Seat]] = defaultdict(dict)
    for part in parts:
        for name, layer in model.module(part).named_modules():
            weight: Any = getattr(layer, "weight", None)
            place = family.original_place(part, name, model) if isinstance(weight, Tensor) else None
            if place:
                seat = Seat(f"{part}.{name}", len(weight), place.has_swapped_halves)
                benches[part, place.name][place.index] = seat
    found: dict[str, Bench] = {}
    for by_index in benches.values():
        bench = [by_index[index] for index in sorted(by_index)]
        if len(bench) > 1 or bench[0].has_swapped_halves:
            found |= {seat.key: bench for seat in bench}
    return found


def seated(adapters: Adapters, bench: Bench) -> Adapter:
    """One adapter for all modules of a bench; those without one stay unchanged.

    Raises:
        ValueError: Its kind cannot be joined, or its factors cannot be turned.
    """
    if len(bench) == 1:
        return _turned(adapters[bench[0].key], bench[0])
    present = [adapters[seat.key] for seat in bench if seat.key in adapters]
    for adapter in present:
        if adapter.weights.keys() != {DOWN, UP}:
            raise ValueError(f"{adapter.label} cannot be joined with others, as it would have to be for {bench[0].key}")
    width = sum(adapter.weights[DOWN].shape[0] for adapter in present)
    rows: list[Tensor] = []
    start = 0
    for seat in bench:
        own = adapters.get(seat.key)
        if own is None:
            rows.append(present[0].weights[UP].new_zeros(seat.num_outputs, width))
            continue
        up = _turned(own, seat).weights[UP]
        rows.append(torch.nn.functional.pad(up, (start, width - start - up.shape[1])))
        start += up.shape[1]
    downs = torch.cat([adapter.weights[DOWN] for adapter in present])
    return Adapter({DOWN: downs, UP: torch.cat(rows)}, present[0].scale * width)


def separated(found: Mapping[str, Adapter], seats: Mapping[str, Bench], wanted: set[str]) -> dict[str, Adapter]:
    """The adapters of a file by their modules, of which a file in the original layout has joined some.

    Args:
        found: By module; a joined one under any module of its bench.
        seats: As `find_seats` gives them.
        wanted: The modules that have adapters here.
    """
    taken_apart: dict[str, Adapter] = {}
    for key, adapter in found.items():
        bench = seats.get(key, ())
        if len(bench) == 1:
            taken_apart[key] = _turned(adapter, bench[0])
            continue
        is_joined = UP in adapter.weights and len(adapter.weights[UP]) == sum(seat.num_outputs for seat in bench)
        taken_apart |= _apart(adapter, bench) if is_joined else {key: adapter}
    return {key: adapter for key, adapter in taken_apart.items() if key in wanted}


def _apart(adapter: Adapter, bench: Bench) -> dict[str, Adapter]:
    down, up = adapter.weights[DOWN], adapter.weights[UP]
    rows = dict(zip((seat.key for seat in bench), up.split([seat.num_outputs for seat in bench]), strict=True))
    changed = [seat for seat in bench if bool(rows[seat.key].any())]
    ranks = _own_columns([rows[seat.key] for seat in changed], up.shape[1], len(bench))
    result: dict[str, Adapter] = {}
    for seat, columns in zip(changed, ranks, strict=True):
        own = {DOWN: down[columns], UP: rows[seat.key][:, columns]}
        result[seat.key] = _turned(Adapter(own, adapter.scale * len(own[DOWN])), seat)
    return result


def _own_columns(ups: Sequence[Tensor], width: int, most: int) -> list[slice]:
    """Which columns belong to each part: those of its own, as `joined` made them, or all of them for each.

    Args:
        ups: Rows of the parts that are changed.
        width: Columns of all.
        most: As many parts may have been joined, those with them that are not changed.
    """
    used = [up.any(dim=0).nonzero().flatten().tolist() for up in ups]
    for number in (number for number in range(most, max(len(ups), 1) - 1, -1) if width % number == 0):
        size = width // number
        firsts = [columns[0] // size for columns in used]
        fits = all(columns[-1] // size == first for columns, first in zip(used, firsts, strict=True))
        if fits and firsts == sorted(set(firsts)):
            return [slice(first * size, (first + 1) * size) for first in firsts]
    return [slice(0, width)] * len(ups)


def _turned(adapter: Adapter, seat: Seat) -> Adapter:
    """An adapter as it stands in its place, where both halves of the outputs may be swapped; the same way leads back.

    Whatever acts on inputs, such as rotations and lengths by input, is the same for outputs in any order.
    """
    if not seat.has_swapped_halves:
        return adapter
    weights = dict(adapter.weights)
    names = [name for name in _PER_OUTPUT if name in weights]
    names += [_kronecker_factor(weights, seat)] if any(name.startswith("lokr") for name in weights) else []
    names += [LENGTHS] if len(weights.get(LENGTHS, ())) > 1 else []
    for name in names:
        weights[name] = torch.cat(list(reversed(weights[name].chunk(2))))
    return Adapter(weights, adapter.alpha)


def _kronecker_factor(weights: Mapping[str, Tensor], seat: Seat) -> str:
    """The factor of a Kronecker product whose rows are swapped when those of the product are."""
    first, second = (factor if factor in weights else f"{factor}_a" for factor in ("lokr_w1", "lokr_w2"))
    name = first if len(weights[first]) > 1 else second
    if len(weights[name]) % 2:
        raise ValueError(f"a LoKr of {len(weights[name])} blocks has no halves to swap, as {seat.key} needs")
    return name
