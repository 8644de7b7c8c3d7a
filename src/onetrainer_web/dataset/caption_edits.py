"""Changes to many captions at once: worked out first, so that a person sees them before anything is written."""

import re
from collections.abc import Iterable

from pydantic import BaseModel, Field

from onetrainer_web.dataset.library import DatasetPicture
from onetrainer_web.errors import InvalidRequestError

_LONGEST_PATTERN = 500


class CaptionEdit(BaseModel):
    """What to do with each caption, in this order: replace, remove tags, add in front, add behind."""

    find: str = Field(default="", max_length=_LONGEST_PATTERN, description="Text to look for; empty replaces nothing.")
    replace: str = Field(default="", max_length=10_000, description="What to put in its place.")
    match_case: bool = Field(default=False, description="Whether capital letters must be the same.")
    remove_tags: list[str] = Field(default=[], max_length=1000, description="Tags to take out, between commas.")
    prefix: str = Field(default="", max_length=10_000, description="Text to put in front, unless it is there.")
    suffix: str = Field(default="", max_length=10_000, description="Text to put behind, unless it is there.")


class CaptionChange(BaseModel):
    """How one caption would change."""

    name: str = Field(description="Name of the picture.")
    before: str = Field(description="The caption as it is.")
    after: str = Field(description="The caption as it would be.")


class EmptyEditError(InvalidRequestError):
    """An edit that would change nothing whatever the captions are."""

    def __init__(self) -> None:
        super().__init__("Say what to change: find, remove_tags, prefix or suffix.")


def changes_of(edit: CaptionEdit, pictures: Iterable[DatasetPicture]) -> list[CaptionChange]:
    """The captions that the edit changes.

    Raises:
        EmptyEditError: The edit says nothing.
    """
    if not (edit.find or edit.remove_tags or edit.prefix or edit.suffix):
        raise EmptyEditError
    edited = ((picture, apply(edit, picture.caption)) for picture in pictures)
    return [
        CaptionChange(name=picture.name, before=picture.caption, after=after)
        for picture, after in edited
        if after != picture.caption
    ]


def apply(edit: CaptionEdit, caption: str) -> str:
    """The caption after the edit."""
    if edit.find:
        flags = re.NOFLAG if edit.match_case else re.IGNORECASE
        caption = re.sub(re.escape(edit.find), lambda _found: edit.replace, caption, flags=flags)
    if edit.remove_tags:
        unwanted = {tag.strip().lower() for tag in edit.remove_tags}
        caption = ", ".join(tag for part in caption.split(",") if (tag := part.strip()) and tag.lower() not in unwanted)
    if edit.prefix and not caption.startswith(edit.prefix):
        caption = edit.prefix + caption
    if edit.suffix and not caption.endswith(edit.suffix):
        caption += edit.suffix
    return caption
