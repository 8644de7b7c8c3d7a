"""What is said when a run is asked for."""

from typing import Annotated

from pydantic import BaseModel, Field, JsonValue, StringConstraints

from onetrainer_web.config.text import ONE_LINE
from onetrainer_web.config.variants import MAX_VARIANTS
from onetrainer_web.files.json_files import JsonObject
from onetrainer_web.protocol.tasks import KINDS, Engine, RunKind

MAX_NAME_LENGTH = 200
_Stripped = StringConstraints(strip_whitespace=True)
RunName = Annotated[
    str, _Stripped, ONE_LINE, Field(min_length=1, max_length=MAX_NAME_LENGTH, description="Readable name.")
]


Tag = Annotated[str, _Stripped, ONE_LINE, Field(min_length=1, max_length=40)]


class ConfigSource(BaseModel):
    """Where a configuration comes from; at least one of the two."""

    config_path: str | None = Field(
        default=None,
        max_length=4096,
        description="A file on the server's machine, absolute or relative to the workspace, or the name of a listed "
        "configuration.",
        examples=["demo_lora"],
    )
    config_dict: JsonObject | None = Field(
        default=None, description="A configuration in OneTrainer's keys; what it leaves out has its default."
    )


class EngineChoice(BaseModel):
    """Who shall train."""

    engine: Engine | None = Field(
        default=None,
        description="native: this project's trainer. onetrainer: the OneTrainer installation that the server was "
        "given. Left out: the server's usual one, or OneTrainer for what only it can train.",
    )


class NewTraining(ConfigSource, EngineChoice):
    """A training to start."""


class RunSource(ConfigSource, EngineChoice):
    """What a run, or several, shall be made from."""

    name: Annotated[str, _Stripped, ONE_LINE] = Field(
        default="", max_length=MAX_NAME_LENGTH, description="Readable name; empty takes the id."
    )
    parent: str | None = Field(
        default=None,
        max_length=255,
        description="The run that it is made from. Without config_path and config_dict it is made as that one was: "
        "with its configuration and, unless `engine` says otherwise, by its trainer.",
    )


class NewRun(RunSource):
    """A run to make."""

    kind: RunKind = Field(default=RunKind.TRAIN, description=KINDS)


class NewVariants(RunSource):
    """Trainings to make from one configuration."""

    vary: dict[str, list[JsonValue]] = Field(
        description="Dotted path of a setting → the values to try. Every combination is a run; "
        f"{MAX_VARIANTS} at most. Names get the values behind them."
    )
