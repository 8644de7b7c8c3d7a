"""What every part of a configuration shares: the base model, the number types with their limits, the enumeration."""

import math
from enum import StrEnum
from typing import Annotated, Any, ClassVar, cast, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator


class ConfigModel(BaseModel):
    """A frozen object of a configuration; numbers may arrive as text, as OneTrainer's files have them."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    version: ClassVar[int] = 0
    """What the file says under `__version`."""

    @model_validator(mode="before")
    @classmethod
    def _drop_version(cls, values: Any) -> Any:
        """`__version` is about the file, not part of the settings; migrations have seen it before."""
        if not isinstance(values, dict) or "__version" not in values:
            return cast(Any, values)
        return {key: value for key, value in cast("dict[str, Any]", values).items() if key != "__version"}


def nested_model(annotation: Any) -> type[ConfigModel] | None:
    """The object that a field of this type holds, itself or in a list or mapping; None for plain values."""
    if isinstance(annotation, type) and issubclass(annotation, ConfigModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := nested_model(part))), None)


class NamedEnum(StrEnum):
    """Values are OneTrainer's member names; reading accepts any case and the aliases of a class."""

    @classmethod
    def aliases(cls) -> dict[str, str]:
        """Other spellings, in lower case, and the values they stand for."""
        return {}

    @classmethod
    def _missing_(cls, value: object) -> "NamedEnum | None":
        if not isinstance(value, str):
            return None
        spelling = value.strip().lower()
        spelling = cls.aliases().get(spelling, spelling).lower()
        return next((member for member in cls if member.value.lower() == spelling), None)


def _refuse_nan(value: float) -> float:
    if math.isnan(value):
        raise ValueError("not a number")
    return value


# JSON has no infinite numbers: files hold the text "inf", which a pattern allows beside numbers.
_OR_INFINITE: dict[str, JsonValue] = {"type": ["number", "string"], "pattern": "^-?inf$"}

Number = Annotated[float, Field(json_schema_extra=_OR_INFINITE), AfterValidator(_refuse_nan)]
"""Any number, infinite too."""
NonNegative = Annotated[float, Field(ge=0, json_schema_extra=_OR_INFINITE), AfterValidator(_refuse_nan)]
"""Zero or more, infinite too."""
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Zero or more, finite."""
Share = Annotated[float, Field(ge=0, le=1)]
"""From 0 (nothing) to 1 (all)."""
LARGEST = 2**53 - 1
"""The largest whole number that a browser holds exactly."""

Whole = Annotated[int, Field(ge=-LARGEST, le=LARGEST)]
"""A whole number, negative too."""
Count = Annotated[int, Field(ge=0, le=LARGEST)]
"""A whole number, zero or more."""
PositiveCount = Annotated[int, Field(ge=1, le=LARGEST)]
"""A whole number, one or more."""
