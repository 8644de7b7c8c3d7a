"""One adapter in memory, under the names that OneTrainer and LyCORIS give its weights."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from onetrainer_web.config.adapter_keys import DOWN, LENGTHS, RANKED, kinds_of
from onetrainer_web.config.settings.options import label_of_value


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
        kind = next(map(label_of_value, kinds_of(self.weights)), "unknown")
        return f"an adapter of the kind {kind}{' with DoRA' if LENGTHS in self.weights else ''}"

    @property
    def size(self) -> str:
        """How large it is, for messages."""
        shapes = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in self.weights.items())
        return f"rank {self.rank}" if DOWN in self.weights else shapes


Adapters = Mapping[str, Adapter]
"""By `<part>.<module path>`."""
