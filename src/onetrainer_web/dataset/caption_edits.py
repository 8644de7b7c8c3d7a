"""Changes to many captions at once: what becomes of each line."""

import re

from pydantic import BaseModel, Field

from onetrainer_web.dataset.captions import lines_of
from onetrainer_web.errors import InvalidRequestError

_LONGEST_PATTERN = 500
_HANGING = " ,"
"""What does not stay at the end of a text that stands alone: "ohwx, " in front of nothing is "ohwx"."""


class CaptionEdit(BaseModel):
    """What to do with each caption, in this order: replace, remove tags, add in front, add behind."""

    find: str = Field(default="", max_length=_LONGEST_PATTERN, description="Text to look for; empty replaces nothing.")
    replace: str = Field(default="", max_length=10_000, description="What to put in its place.")
    match_case: bool = Field(default=False, description="Whether capital letters must be the same.")
    remove_tags: list[str] = Field(default=[], max_length=1000, description="Tags to take out, between commas.")
    prefix: str = Field(default="", max_length=10_000, description="Text to put in front, unless it is there.")
    suffix: str = Field(default="", max_length=10_000, description="Text to put behind, unless it is there.")


class EmptyEditError(InvalidRequestError):
    """An edit that would change nothing whatever the captions are."""

    def __init__(self) -> None:
        super().__init__("Say what to change: find, remove_tags, prefix or suffix.")


class EditOfLinesError(InvalidRequestError):
    """An edit that would join or part captions."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} holds a line break. Each line of a file is a caption of its own: edit within lines.")


def require_effect(edit: CaptionEdit) -> None:
    """Refuse an edit that cannot be carried out.

    Raises:
        EmptyEditError: It says nothing.
        EditOfLinesError: A text of it has several lines.
    """
    if not (edit.find or edit.remove_tags or edit.prefix or edit.suffix):
        raise EmptyEditError
    for field in ("find", "replace", "prefix", "suffix"):
        if len(lines_of(getattr(edit, field))) > 1:
            raise EditOfLinesError(field)


def apply(edit: CaptionEdit, text: str) -> str:
    """The content of a caption file after an edit of each of its captions; the line ends stay.

    Applied to its own result it changes nothing: a text in front or behind is put there once, and what was found
    within its own replacement ("cat" in "a cat") is left alone.
    """
    if not text.strip():
        return _edited(edit, "")
    edited = re.sub(r"[^\r\n]+", lambda line: _edited_line(edit, line[0]), text)
    return edited if edited.strip() else ""


def _edited_line(edit: CaptionEdit, line: str) -> str:
    caption = line.strip()
    edited = _edited(edit, caption) if caption else caption
    return line if edited == caption else edited


def _edited(edit: CaptionEdit, caption: str) -> str:
    prefix, suffix = edit.prefix.lstrip(), edit.suffix.rstrip()
    alone = ", ".join(part for part in (prefix.strip(_HANGING), suffix.strip(_HANGING)) if part)
    core = "" if caption == alone else caption.removeprefix(prefix).removesuffix(suffix)
    core = _without_tags(edit, _replaced(edit, core))
    return (prefix + core + suffix).strip() if core.strip() else alone


def _replaced(edit: CaptionEdit, caption: str) -> str:
    if not edit.find:
        return caption
    flags = re.NOFLAG if edit.match_case else re.IGNORECASE
    done = f"({re.escape(edit.replace)})|" if edit.find.lower() in edit.replace.lower() else "(?!)()|"
    return re.sub(done + re.escape(edit.find), lambda found: found[1] or edit.replace, caption, flags=flags)


def _without_tags(edit: CaptionEdit, caption: str) -> str:
    unwanted = {tag.strip().lower() for tag in edit.remove_tags}
    tags = [tag for part in caption.split(",") if (tag := part.strip())]
    kept = [tag for tag in tags if tag.lower() not in unwanted]
    return caption if kept == tags else ", ".join(kept)
