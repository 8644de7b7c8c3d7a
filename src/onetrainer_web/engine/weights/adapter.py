"""One adapter in memory, under the names that OneTrainer and LyCORIS give its weights."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from torch import Tensor

from onetrainer_web.config.adapter_keys import DOWN, LENGTHS

_KINDS = {"lora": "LoRA", "hada": "LoHa", "lokr": "LoKr", "oft_": "OFT"}
RANKED = (DOWN, "hada_w1_b", "lokr_w2_b", "lokr_w1_b")
"""Weights that have the rank as their first axis."""


@dataclass(frozen=True)
class Adapter:
    """What changes one module."""

    weights: Mapping[str, Tensor]
    """By their names in files."""
    alpha: float | None
    """The strength is alpha divided by the rank; None means the rank itself."""

    @property
    def rank(self) -> int | None:
        """Inner size of the factors; None when they are whole."""
        return next((self.weights[name].shape[0] for name in RANKED if name in self.weights), None)

    @property
    def scale(self) -> float:
        """What the product of the factors is multiplied by."""
        return 1.0 if self.alpha is None or self.rank is None else self.alpha / self.rank

    @property
    def label(self) -> str:
        """What kind it is, for messages."""
        return label_of(self.weights)

    @property
    def size(self) -> str:
        """How large it is, for messages."""
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in self.weights.items())
        return f"rank {self.rank}" if DOWN in self.weights else shapes


def label_of(names: Collection[str]) -> str:
    """What kind of adapter has weights of these names, for messages."""
    starts = {name[:4] for name in names}
    kind = next((label for start, label in _KINDS.items() if start in starts), "unknown")
    return f"an adapter of the kind {kind}{' with DoRA' if LENGTHS in names else ''}"


Adapters = Mapping[str, Adapter]
"""By `<part>.<module path>`."""
