"""One thing that was looked at, and what to do about it."""

from pydantic import BaseModel, Field


class Finding(BaseModel):
    """One thing that was looked at."""

    subject: str = Field(description="What was looked at.")
    is_fine: bool = Field(description="Whether nothing about it stands in the way of training.")
    text: str = Field(description="What was found, and what to do about it.")


def fine(subject: str, text: str) -> Finding:
    """What stands in nobody's way."""
    return Finding(subject=subject, is_fine=True, text=text)


def lacking(subject: str, text: str) -> Finding:
    """What stands in the way of training."""
    return Finding(subject=subject, is_fine=False, text=text)
