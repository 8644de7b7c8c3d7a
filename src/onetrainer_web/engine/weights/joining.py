"""Adapters of modules that the original code turns, joins or divides: put in their places there, taken out of them.

A joined LoRA or LoHa has the ranks of all together and zeros where they do not meet, so it changes exactly what they
change. Other kinds cannot be joined: lengths by input and rotations belong to a module's own inputs, and products of
Kronecker share no factor. Of one that is divided each share has its rows and all that acts on the inputs.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from onetrainer_web.config.adapter_keys import DOWN, LENGTHS, UP
from onetrainer_web.engine.seams.interfaces import Family, Model
from onetrainer_web.engine.weights.adapter import Adapter, Adapters

_PRODUCTS = ((UP, DOWN), ("hada_w1_a", "hada_w1_b"), ("hada_w2_a", "hada_w2_b"))
"""Factors of which the first has a row for each output of a linear layer, the second one for each rank."""


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


def can_be_joined(adapter: Adapter) -> bool:
    """Whether it is nothing but products of low rank."""
    return adapter.weights.keys() == {name for factors in _products(adapter) for name in factors}


def seated(adapters: Adapters, bench: Bench) -> Adapter:
    """One adapter for all modules of a bench; those without one stay unchanged.

    Raises:
        ValueError: Its kind cannot be joined, or its factors cannot be turned.
    """
    if len(bench) == 1:
        return _turned(adapters[bench[0].key], bench[0])
    present = {seat: _turned(adapters[seat.key], seat) for seat in bench if seat.key in adapters}
    for adapter in present.values():
        if not can_be_joined(adapter):
            raise ValueError(f"{adapter.label} cannot be joined with others, as it would have to be for {bench[0].key}")
    first = next(iter(present.values()))
    weights: dict[str, Tensor] = {}
    for ups, downs in _products(first):
        rows = {seat: adapter.weights[ups] for seat, adapter in present.items()}
        nothing = first.weights[ups].new_empty(0)
        weights[ups] = torch.block_diag(*(rows.get(seat, nothing.expand(seat.num_outputs, 0)) for seat in bench))
        weights[downs] = torch.cat([adapter.weights[downs] for adapter in present.values()])
    return Adapter(weights, first.scale * sum(adapter.rank or 0 for adapter in present.values()))


def _products(adapter: Adapter) -> list[tuple[str, str]]:
    return [factors for factors in _PRODUCTS if factors[0] in adapter.weights]


def separated(found: Mapping[str, Adapter], seats: Mapping[str, Bench], wanted: set[str]) -> dict[str, Adapter]:
    """The adapters of a file by their modules, of which a file in the original layout has joined some.

    Args:
        found: By module; a joined one under any module of its bench.
        seats: As `find_seats` gives them.
        wanted: The modules that have adapters here.

    Raises:
        ValueError: One changes joined modules as nothing changes each of them; the message is what it is.
    """
    taken_apart: dict[str, Adapter] = {}
    for key, adapter in found.items():
        bench = seats.get(key, ())
        if len(bench) == 1:
            taken_apart[key] = _turned(adapter, bench[0])
            continue
        taken_apart |= _apart(adapter, bench) if _is_joined(adapter, bench) else {key: adapter}
    return {key: adapter for key, adapter in taken_apart.items() if key in wanted}


def _is_joined(adapter: Adapter, bench: Bench) -> bool:
    total = sum(seat.num_outputs for seat in bench)
    if not bench or num_outputs(adapter) != total:
        return False
    if not can_be_joined(_without_lengths(adapter)) or len(adapter.weights.get(LENGTHS, ())) not in (0, total):
        names = " and ".join(seat.key.rpartition(".")[2] for seat in bench)
        raise ValueError(f"{adapter.label} of the joined layers {names} of {bench[0].key.rpartition('.')[0]}")
    return True


def num_outputs(adapter: Adapter) -> int:
    """Of the layer that it is for; 0 where its weights do not tell."""
    weights = adapter.weights
    if any(name.startswith("lokr") for name in weights):
        factors = (next(one for one in (name, f"{name}_a") if one in weights) for name in ("lokr_w1", "lokr_w2"))
        return math.prod(len(weights[name]) for name in factors)
    return next((len(weights[ups]) for ups, _ in _products(adapter)), 0)


def _without_lengths(adapter: Adapter) -> Adapter:
    return Adapter({name: own for name, own in adapter.weights.items() if name != LENGTHS}, adapter.alpha)


def _apart(adapter: Adapter, bench: Bench) -> dict[str, Adapter]:
    products, sizes = _products(adapter), [seat.num_outputs for seat in bench]
    rows = {ups: adapter.weights[ups].split(sizes) for ups, _ in products}
    first_ups, first_downs = products[0]
    width = adapter.weights[first_downs].shape[0]
    # Lengths change a part that the product leaves alone, too.
    all_columns = [slice(0, width)] * len(bench) if LENGTHS in adapter.weights else _own_columns(rows[first_ups], width)
    result: dict[str, Adapter] = {}
    for index, (seat, columns) in enumerate(zip(bench, all_columns, strict=True)):
        if columns is None:
            continue
        own: dict[str, Tensor] = {}
        for ups, downs in products:
            own |= {downs: adapter.weights[downs][columns], ups: rows[ups][index][:, columns]}
        if LENGTHS in adapter.weights:
            own[LENGTHS] = adapter.weights[LENGTHS].split(sizes)[index]
        result[seat.key] = _turned(Adapter(own, adapter.scale * (columns.stop - columns.start)), seat)
    return result


def _own_columns(ups: Sequence[Tensor], width: int) -> list[slice | None]:
    """Which columns belong to each part: those of its own, as `seated` made them, or all of them for each.

    Args:
        ups: Rows of the parts.
        width: Columns of all.

    Returns:
        For each part; None for one that is not changed, unless all have columns and these must be its own.
    """
    used = [up.any(dim=0).nonzero().flatten().tolist() for up in ups]
    changed = [index for index, columns in enumerate(used) if columns]
    for number in (number for number in range(len(ups), max(len(changed), 1) - 1, -1) if width % number == 0):
        size = width // number
        blocks = {index: used[index][0] // size for index in changed}
        if number == len(ups):
            blocks = {index: index for index in range(number)}
        fits = all(used[index][0] // size == used[index][-1] // size == blocks[index] for index in changed)
        if fits and list(blocks.values()) == sorted(set(blocks.values())):
            return [
                slice(blocks[index] * size, (blocks[index] + 1) * size) if index in blocks else None
                for index in range(len(ups))
            ]
    return [slice(0, width) if columns else None for columns in used]


def _turned(adapter: Adapter, seat: Seat) -> Adapter:
    """An adapter as it stands in its place, where both halves of the outputs may be swapped; the same way leads back.

    Whatever acts on inputs, such as rotations and lengths by input, is the same for outputs in any order.
    """
    if not seat.has_swapped_halves:
        return adapter
    weights = dict(adapter.weights)
    for name in _by_outputs(weights):
        if len(weights[name]) % 2:
            raise ValueError(f"a LoKr of {len(weights[name])} blocks has no halves to swap, as {seat.key} needs")
        weights[name] = torch.cat(list(reversed(weights[name].chunk(2))))
    return Adapter(weights, adapter.alpha)


def _by_outputs(weights: Mapping[str, Tensor]) -> set[str]:
    """The weights whose rows go with the outputs, one by one or as blocks of them."""
    names = {ups for ups, _ in _PRODUCTS if ups in weights}
    if any(name.startswith("lokr") for name in weights):
        first, second = (factor if factor in weights else f"{factor}_a" for factor in ("lokr_w1", "lokr_w2"))
        names.add(first if len(weights[first]) > 1 else second)
    return names | ({LENGTHS} if len(weights.get(LENGTHS, ())) > 1 else set())


def can_be_divided(adapter: Adapter) -> bool:
    """Whether nothing of it, such as lengths by input, is told of all outputs together."""
    return LENGTHS not in adapter.weights or LENGTHS in _by_outputs(adapter.weights)


def divided(adapter: Adapter, number: int) -> Iterator[Adapter]:
    """What each of several modules, with as many of the outputs each, takes of an adapter, in order.

    Raises:
        ValueError: A block of a product of Kronecker would belong to two of them.
    """
    by_outputs = _by_outputs(adapter.weights)
    if uneven := next((len(adapter.weights[name]) for name in by_outputs if len(adapter.weights[name]) % number), None):
        raise ValueError(f"a LoKr of {uneven} blocks cannot be divided among {number} layers")
    for index in range(number):
        own = {
            name: weight.chunk(number)[index] if name in by_outputs else weight.clone()
            for name, weight in adapter.weights.items()
        }
        yield Adapter(own, adapter.alpha)


def united(shares: Mapping[int, Adapter], number: int) -> Adapter:
    """One adapter for what the original code has divided: the way back from `divided`, and from any two products.

    Args:
        shares: By their place; those that are missing change nothing.
        number: Of all.

    Raises:
        ValueError: Nothing that changes all outputs at once does the same.
    """
    first = next(iter(shares.values()))
    by_outputs = _by_outputs(first.weights)
    is_alike = len(shares) == number and all(_is_alike(share, first, by_outputs) for share in shares.values())
    if is_alike and can_be_divided(first):
        rows = {name: torch.cat([shares[index].weights[name] for index in range(number)]) for name in by_outputs}
        return Adapter({**first.weights, **rows}, first.alpha)
    bench = [Seat(str(index), num_outputs(first), has_swapped_halves=False) for index in range(number)]
    return seated({str(index): share for index, share in shares.items()}, bench)


def _is_alike(share: Adapter, first: Adapter, by_outputs: Set[str]) -> bool:
    """Whether both differ in their rows only."""
    return (
        share.alpha == first.alpha
        and share.weights.keys() == first.weights.keys()
        and all(
            torch.equal(weight, first.weights[name]) for name, weight in share.weights.items() if name not in by_outputs
        )
    )
