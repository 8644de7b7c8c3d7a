"""How much memory a training will take, as the estimator says it and the server passes it on."""

from pydantic import BaseModel, Field

from onetrainer_web.files.json_files import JsonObject


class Held(BaseModel):
    """Something in memory."""

    what: str = Field(description="What it is: a part of the model, adapters, gradients, optimizer, activations.")
    bytes: int = Field(description="How much of it there is when most is held.")


class PhaseEstimate(BaseModel):
    """One thing that a training does, when most is held on the card."""

    phase: str = Field(description="loading, encoding pictures, encoding prompts, training or sampling.")
    bytes: int = Field(description="The most that is held on the card at once.")
    held: list[Held] = Field(description="What that is, the largest first.")
    unknown: str | None = Field(default=None, description="Why this could not be found out; the numbers are 0 then.")


class Estimate(BaseModel):
    """What a training holds at most, found by its own code on tensors without numbers."""

    phases: list[PhaseEstimate] = Field(description="In the order in which they come.")
    peak_bytes: int = Field(description="The most that tensors take on the card at once, over all phases.")
    context_bytes: int = Field(description="Assumed: what the driver and its libraries take besides.")
    slack_bytes: int = Field(description="Assumed: what lies between tensors and cannot be used.")
    total_bytes: int = Field(description="All three together: what the card has to have.")
    main_memory_bytes: int = Field(description="The most that tensors take in main memory at once.")
    sizes: str = Field(description="Where the sizes of the model come from.")
    notes: list[str] = Field(default=[], description="What else is to be known.")


class Switch(BaseModel):
    """A change of the configuration that needs less, and what it costs."""

    changes: dict[str, bool | float | int | str] = Field(description="Dotted path of a setting → its value.")
    total_bytes: int = Field(description="What the card has to have with it.")
    main_memory_bytes: int = Field(description="What main memory has to have with it.")
    price: str = Field(description="What it costs in time or exactness, roughly.")


class EstimateQuestion(BaseModel):
    """What the estimator process is asked."""

    config: JsonObject
    workspace: str
    """Where relative paths of the configuration start."""
    with_switches: bool = False
    """Whether to look for what needs less, too; each takes as long as the estimate itself."""


class EstimateAnswer(BaseModel):
    """One line of its answer: exactly one of these."""

    estimate: Estimate | None = None
    switch: Switch | None = None
    error: str | None = None
    """Why there is no estimate."""
