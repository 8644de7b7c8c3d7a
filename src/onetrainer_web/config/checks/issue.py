"""What a check finds, and what it is given to look at."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.config.families import facts
from onetrainer_web.config.hub import downloaded
from onetrainer_web.config.model_facts import ModelFacts
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME, TrainConfig
from onetrainer_web.tiny.paths import tiny_model_folder


class Severity(StrEnum):
    """Whether a run can start in spite of it."""

    ERROR = "error"
    WARNING = "warning"


class Issue(BaseModel):
    """Something wrong or doubtful about a configuration."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(description="Dotted path of the setting to look at first.")
    severity: Severity = Field(description="error: a run cannot start. warning: it can, but look at it.")
    code: str = Field(description="Stable name of the kind of problem.")
    message: str = Field(description="What is wrong and what to do.")


@dataclass(frozen=True)
class Subject:
    """A configuration under examination."""

    config: TrainConfig
    workspace: Path | None
    """Where relative paths start; None leaves out everything that depends on the machine."""
    deep: bool
    """Whether the run is about to start: what it needs must be there."""
    num_steps: int | None = None
    """Batches that the run goes through; None while the pictures are not counted."""

    @property
    def facts(self) -> ModelFacts:
        """What is known about the model type."""
        return facts(self.config.model_type)

    def needed(self, path: str, code: str, message: str) -> Issue:
        """An issue about something that a run needs but a configuration may lack while it is being edited."""
        return (error if self.deep else warning)(path, code, message)

    def resolve(self, path: str) -> Path:
        """A path of the configuration as an absolute one; needs a workspace."""
        assert self.workspace is not None
        return self.workspace / os.path.expanduser(path)  # Path.expanduser stops at the home of an unknown user

    def model_place(self, name: str) -> Path:
        """The file or folder of a model on this machine, or what is downloaded of it; needs a workspace.

        Nothing lies there where the model is not here.
        """
        if name == EMBEDDED_MODEL_NAME:
            return tiny_model_folder()
        path = self.resolve(name)
        return path if os.path.exists(path) else downloaded(name, self.hub_cache) or path

    @property
    def hub_cache(self) -> Path | None:
        """Where the run keeps what it downloads; None is where the Hugging Face libraries do by themselves."""
        cache = self.config.huggingface_cache_dir
        return self.resolve(cache) if cache else None


Check = Callable[[Subject], Iterable[Issue]]


def error(path: str, code: str, message: str) -> Issue:
    """An issue that keeps a run from starting."""
    return Issue(path=path, severity=Severity.ERROR, code=code, message=message)


def warning(path: str, code: str, message: str) -> Issue:
    """An issue that a run can start with."""
    return Issue(path=path, severity=Severity.WARNING, code=code, message=message)
