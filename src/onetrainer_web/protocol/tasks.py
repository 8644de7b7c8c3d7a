"""What a run does: its task, a class for each kind.

What the rest of the house has to know of a kind are facts of its class; nobody asks for a kind by its name. A new kind
is a class here, a module of its name in `engine/tasks`, and its page.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.config.files import config_of_run
from onetrainer_web.config.training import TrainConfig


class Engine(StrEnum):
    """Who trains."""

    NATIVE = "native"
    ONETRAINER = "onetrainer"


class RunKind(StrEnum):
    """What a run does."""

    TRAIN = "train"
    SAMPLE = "sample"


class _Task(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    config: dict[str, Any] = Field(description="The complete configuration, packed: concepts and samples inside.")

    engines: ClassVar[frozenset[Engine]] = frozenset({Engine.NATIVE})
    """Who can do it."""
    is_training: ClassVar[bool] = False
    """Whether /api/training speaks of it, data sets are kept for it, and others are told when it has ended."""
    gives_way: ClassVar[bool] = False
    """Whether it ends when another run needs its device."""
    can_be_spread: ClassVar[bool] = False
    """Whether several devices can do it together."""

    @property
    def is_spread(self) -> bool:
        """Whether several devices are to do it together."""
        return self.can_be_spread and self.config.get("multi_gpu") is True

    @classmethod
    def of(cls, config: TrainConfig) -> Self:
        """The task that a configuration asks for."""
        return cls(config=config_of_run(config))


class TrainTask(_Task):
    """Train a model."""

    kind: Literal[RunKind.TRAIN] = RunKind.TRAIN

    engines = frozenset(Engine)
    is_training = True
    can_be_spread = True


class SampleTask(_Task):
    """Keep a model warm and draw samples from it."""

    kind: Literal[RunKind.SAMPLE] = RunKind.SAMPLE

    gives_way = True


Task = Annotated[TrainTask | SampleTask, Field(discriminator="kind")]

TASKS: Mapping[RunKind, type[Task]] = {RunKind.TRAIN: TrainTask, RunKind.SAMPLE: SampleTask}

KINDS = " ".join(f"{kind}: {task.__doc__}" for kind, task in TASKS.items())
"""What each kind is, for readers."""
