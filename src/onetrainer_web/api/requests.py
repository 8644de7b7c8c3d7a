"""Bodies that several endpoints take."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field


def _no_truth_value(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


Number = Annotated[float, BeforeValidator(_no_truth_value)]
WholeNumber = Annotated[int, BeforeValidator(_no_truth_value)]


class StopRequest(BaseModel):
    """How to stop."""

    save: bool = Field(default=True, description="Back up and save the model first.")
    timeout_s: Number = Field(
        default=60.0, gt=0, le=86400, description="Seconds the trainer has to answer before it is made to end."
    )
