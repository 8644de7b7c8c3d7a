"""Textual inversion: only the vectors of a new word learn (Gal et al. 2022)."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from onetrainer_web.engine.seams.interfaces import Method, ParameterGroup, SaveTarget
from onetrainer_web.engine.weights.embeddings import write_beside, write_embedding


class Embedding(Method):
    """Trains the embedding of the configuration, and what additional ones it has."""

    keeps_untrained = True

    def prepare(self, backup: Path | None) -> list[ParameterGroup]:
        """Nothing of the model itself learns."""
        del backup
        return []

    @contextmanager
    def untrained(self) -> Generator[None]:
        """With the vectors that the training began with."""
        with self.model.embeddings.untrained():
            yield

    def write_weights(self, folder: Path) -> None:
        """Embeddings go into every backup."""
        del folder

    def save(self, target: SaveTarget) -> str:
        """Write the embedding, and additional ones beside it."""
        first, *others = self.model.embeddings.all
        write_embedding(target, first, self.family)
        write_beside(target, others, self.family)
        return ""

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return f"{self.family.architecture}/textual-inversion"
