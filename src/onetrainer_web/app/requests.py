"""What is said when a run is asked for."""

from pydantic import BaseModel, Field

from onetrainer_web.files.json_files import JsonObject
from onetrainer_web.protocol.tasks import Engine


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
