"""Which names files and folders may have: those that are there any, new ones such that every system can hold them."""

import unicodedata
from pathlib import PurePosixPath

MAX_NEW_LENGTH = 100
_MAX_BYTES = 255
_NOT_ON_WINDOWS = '<>:"|?*'
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"{kind}{number}" for kind in ("com", "lpt") for number in "123456789¹²³"))
)


def is_name(name: str) -> bool:
    """Whether a text is the name of a file or folder that is not hidden, and leads nowhere else."""
    try:
        is_short = len(name.encode()) <= _MAX_BYTES
    except UnicodeEncodeError:  # bytes from another machine; no address can hold them
        return False
    has_controls = any(unicodedata.category(character) == "Cc" for character in name)
    is_plain = name == PurePosixPath(name).name and "\\" not in name and not name.startswith(".")
    return bool(name) and is_short and is_plain and not has_controls


def problem_of_new(name: str) -> str | None:
    """Why no new data set can have this name; goes on from it. None if it can."""
    if not is_name(name):
        return "give a plain name without slashes, that does not begin with a dot"
    if len(name) > MAX_NEW_LENGTH:
        return f"{MAX_NEW_LENGTH} characters are the most"
    if name != name.strip() or name.endswith("."):
        return "take off the blank or dot at its end, which Windows cannot hold"
    if found := [character for character in _NOT_ON_WINDOWS if character in name]:
        return f"Windows cannot hold {' '.join(found)} in a name"
    if name.split(".")[0].rstrip().lower() in _DEVICES:
        return "Windows has a device of this name"
    return None
