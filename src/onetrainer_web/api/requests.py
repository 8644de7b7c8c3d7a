"""Bodies that several endpoints take."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field

from onetrainer_web.protocol.tasks import Engine

JsonObject = dict[str, Any]


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


Number = Annotated[float, BeforeValidator(_no_truth_value)]
WholeNumber = Annotated[int, BeforeValidator(_no_truth_value)]


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


class StopRequest(BaseModel):
    """How to stop."""

    save: bool = Field(default=True, description="Back up and save the model first.")
    timeout_s: Number = Field(
        default=60.0, gt=0, le=86400, description="Seconds the trainer has to answer before it is made to end."
    )
