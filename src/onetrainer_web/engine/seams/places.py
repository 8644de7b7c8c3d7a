"""Where the weights of a model stand in files of its original code, stated as data, and the way there and back.

The original code may name a weight otherwise, hold several in one tensor, divide one among several, turn one, or swap
its halves.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import Tensor

_NUMBER = re.compile(r"\.(\d+)\.")


@dataclass(frozen=True)
class Place:
    """Where a module or weight stands."""

    name: str
    index: int = 0
    """Which one it is of those that stand one after the other in the same tensor."""
    is_transposed: bool = False
    has_swapped_halves: bool = False
    is_convolution: bool = False
    """Whether a matrix stands there as a convolution of 1x1."""
    is_flat: bool = False
    """Whether its rows stand there one behind the other."""
    is_copy: bool = False
    """Whether the same weight stands elsewhere, too."""
    others: tuple[str, ...] = ()
    """Where the rest of it stands, in order, if the original code has several modules for it, each of as many rows."""

    @property
    def names(self) -> tuple[str, ...]:
        """All that it is divided among, usually one."""
        return (self.name, *self.others)


Naming = Callable[[str], Place]
"""The place of each weight of a network."""


Places = Mapping[str, str | Place]
"""Places by the beginnings of names, in which `#` is the first number; the longest one counts, and "" fits all."""

SAME_NAMES: Places = MappingProxyType({"": ""})
"""Everything has the name that it has in diffusers."""
WRAPPED: Places = MappingProxyType({"": "model."})
"""Everything stands in a module `model`, as that of a language model does in one with a head."""


def find_place(name: str, table: Places) -> Place | None:
    """The place of a module or weight by a table, in which a row with the very number counts more than one with `#`."""
    number = _NUMBER.search(name)
    pattern = _NUMBER.sub(".#.", name, count=1)
    own, general = (_longest_start(spelling, table) for spelling in (name, pattern))
    start, rest = (own, name) if own and len(own) >= len(general or "") else (general, pattern)
    if start is None:
        return None
    found = table[start]
    place = Place(found) if isinstance(found, str) else found
    whole = [name + rest[len(start) :] for name in place.names]
    first, *others = [name.replace("#", number.group(1)) for name in whole] if number else whole
    return replace(place, name=first, others=tuple(others))


def _longest_start(name: str, table: Places) -> str | None:
    fitting = [start for start in table if not start or name == start or name.startswith(f"{start}.")]
    return max(fitting, key=len, default=None)


def joined_places(ours: str, names: Sequence[str], theirs: str) -> Places:
    """Places of modules that stand one after the other in the same one of the original code."""
    return {f"{ours}.{name}": Place(theirs, index) for index, name in enumerate(names)}


def naming_by(table: Places) -> Naming:
    """The naming of a network all of whose weights stand in a table."""

    def place_of(name: str) -> Place:
        place = find_place(name, table)
        assert place is not None, f"the original code has no name for {name}"
        return place

    return place_of


def to_places(weights: Mapping[str, Tensor], naming: Naming) -> dict[str, Tensor]:
    """The tensors of a network's original code."""
    pieces: dict[str, dict[int, Tensor]] = defaultdict(dict)
    for name, weight in weights.items():
        place = naming(name)
        shares = weight.chunk(len(place.names)) if place.others else [weight]
        for theirs, share in zip(place.names, shares, strict=True):
            pieces[theirs][place.index] = _turned(share, place)
    return {name: torch.cat([own[i] for i in sorted(own)]) if len(own) > 1 else own[0] for name, own in pieces.items()}


def from_places(shapes: Mapping[str, torch.Size], tensors: Mapping[str, Tensor], naming: Naming) -> dict[str, Tensor]:
    """The weights of a network out of the tensors of its original code.

    Args:
        shapes: Of all weights.
        tensors: By the names of the original code.
        naming: Tells where each weight stands.

    Raises:
        KeyError: There is no such tensor.
        ValueError: It has another size; the message names the weight.
    """
    places = {name: naming(name) for name in shapes}
    sharing: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name in sorted(places, key=lambda name: places[name].index):
        sharing[places[name].names].append(name)
    found: dict[str, Tensor] = {}
    for theirs, ours in sharing.items():
        shares = [tensors[name] for name in theirs]
        whole = torch.cat(shares) if len(shares) > 1 else shares[0]
        sizes = [shapes[name][0] for name in ours]
        parts = whole.split(sizes) if len(ours) > 1 and sum(sizes) == len(whole) else [whole]
        for name, part in zip(ours, parts, strict=False):
            if len(parts) != len(ours) or part.numel() != shapes[name].numel():
                raise ValueError(", ".join(theirs))
            found[name] = _turned(part, replace(places[name], is_convolution=False)).reshape(shapes[name])
    return found


def _turned(weight: Tensor, place: Place) -> Tensor:
    """A weight as it stands in its place; the same turn leads back, but for its shape."""
    if place.is_transposed:
        return weight.T
    if place.has_swapped_halves:
        return torch.cat(list(reversed(weight.chunk(2))))
    if place.is_flat:
        return weight.flatten()
    if place.is_copy:
        return weight.clone()
    return weight[:, :, None, None] if place.is_convolution and weight.ndim == 2 else weight
