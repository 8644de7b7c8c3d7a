"""Textual inversion: only the vectors of a new word learn (Gal et al. 2022)."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.parts.embedding_setup import wanted_embeddings
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError
from onetrainer_web.engine.seams.interfaces import Family, Method, ParameterGroup, SaveTarget
from onetrainer_web.engine.weights.embeddings import write_beside, write_embedding


class Embedding(Method):
    """Trains the embedding of the configuration, and what additional ones it has."""

    keeps_untrained = True

    @classmethod
    def check(cls, config: TrainConfig, family: Family) -> None:
        """Refuse models that know no embeddings."""
        wanted_embeddings(config)
        cls.output_format(config, family)

    @classmethod
    def output_format(cls, config: TrainConfig, family: Family) -> ModelFormat:
        """There is one."""
        del family
        chosen = config.output_model_format
        if chosen is not ModelFormat.SAFETENSORS:
            raise UnsupportedSettingError("output_model_format", chosen.value, [ModelFormat.SAFETENSORS.value])
        return chosen

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
