"""An embedding: a few new word vectors under a placeholder."""

from uuid import uuid4

from pydantic import Field

from onetrainer_web.config.base import ConfigModel, Count, PositiveCount
from onetrainer_web.config.enums import TimeUnit


def _draw_uuid() -> str:
    return str(uuid4())


class TrainEmbeddingConfig(ConfigModel):
    """Which word vectors are trained or added, and what they start from."""

    uuid: str = Field(default_factory=_draw_uuid)
    model_name: str = ""
    placeholder: str = "<embedding>"
    train: bool = True
    stop_training_after: Count | None = None
    stop_training_after_unit: TimeUnit = TimeUnit.NEVER
    token_count: PositiveCount | None = 1
    initial_embedding_text: str = "*"
    is_output_embedding: bool = False
