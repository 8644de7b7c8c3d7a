"""The one rule for text that requests bring: no control characters, no halves of characters; and numbers in text.

A file name, an environment variable and a header can hold none of them, a terminal obeys them, and nobody types them.
"""

import re
from typing import Annotated, Any, cast

from pydantic import AfterValidator

_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Anywhere; tabs and line breaks are text."""
_REFUSED_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def find_refused(value: Any) -> str | None:
    """The first refused character in a JSON value of any depth, as its code (U+0000); None when there is none."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if found := _REFUSED.search(one):
                return _code(found)
        elif isinstance(one, dict):
            both = cast("dict[str, Any]", one)
            waiting += [*both.keys(), *both.values()]
        elif isinstance(one, list):
            waiting += cast("list[Any]", one)
    return None


def find_refused_in_line(text: str) -> str | None:
    """The first character, as its code, that a text of one line cannot hold; None when there is none."""
    found = _REFUSED_IN_A_LINE.search(text)
    return _code(found) if found else None


def _checked_line(text: str) -> str:
    if code := find_refused_in_line(text):
        raise ValueError(f"this must be one line without control characters, and holds {code}")
    return text


ONE_LINE = AfterValidator(_checked_line)
Line = Annotated[str, ONE_LINE]
"""A name, a key, a password."""


def whole_number(text: str) -> int | None:
    """The number that a text is, of nine digits at most; None for another text. Longer ones nothing here can have."""
    digits = text.strip()
    return int(digits) if digits.isdecimal() and len(digits) <= 9 else None


def counted(number: int, thing: str) -> str:
    """So many of a thing: 1 epoch, 2 epochs."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _code(found: re.Match[str]) -> str:
    return f"U+{ord(found[0]):04X}"
