"""The bytes of caption files: written so that a file keeps its ways, and the last change of many taken back."""

import base64
import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path

from pydantic import Base64Bytes, BaseModel, Field, ValidationError

from onetrainer_web.dataset.captions import decode_caption, fault_of_text, is_surely_read, lines_of
from onetrainer_web.dataset.scan import CAPTION_EXTENSIONS
from onetrainer_web.errors import NotFoundError
from onetrainer_web.files.atomic import replacing_file
from onetrainer_web.files.confined import NotAFileError, read_file

_MEMORY = ".captions-before.json"
"""Beside the pictures, so that it goes with them; hidden, so that it is no part of a download."""

WRITING = threading.Lock()
"""Held from reading a caption until what came of it is written, so that no two of them overtake each other."""


class NothingToUndoError(NotFoundError):
    """No change of many captions is remembered."""

    def __init__(self) -> None:
        super().__init__("There is no change of captions to take back.")


class Undone(BaseModel):
    """What taking back a change of captions did."""

    restored: int = Field(ge=0, description="Caption files that are as they were before the change.")
    kept: list[str] = Field(description="Caption files that were changed since, and stay as they are.")


class _Before(BaseModel):
    before: Base64Bytes | None
    after: str


class _Memory(BaseModel):
    files: dict[str, _Before]


def read_bytes(path: Path) -> bytes | None:
    """The content of a file; None when there is none."""
    try:
        return read_file(path, follow=True)
    except FileNotFoundError:
        return None


def revision_of(name: str, data: bytes | None) -> str:
    """Changes with every change of the caption file `data` of the picture `name`."""
    return hashlib.sha256(name.encode(errors="surrogatepass") + b"\0" + (data or b"")).hexdigest()[:16]


def shown_text(data: bytes) -> str:
    """The captions of a file as a person edits them: a line each, ended by LF alone; nothing of what is no text."""
    if fault_of_text(data):
        return ""
    return "\n".join(lines_of(decode_caption(data)[0])).strip()


def typed_bytes(text: str, before: bytes | None) -> bytes | None:
    """A text that a person typed as the content of a caption file; None when it is empty, for no file.

    It keeps the byte order mark, the line ends and the line end at the end that the file had.
    """
    if not text.strip():
        return None
    old, encoding = decode_caption(b"" if before is None or fault_of_text(before) else before)
    first_end = old[len(lines_of(old)[0]) :]
    end = "\r\n" if first_end.startswith("\r\n") else first_end[:1] or "\n"
    last = end if old.endswith(("\r", "\n")) else ""
    return encoded(end.join(lines_of(text.rstrip("\r\n"))) + last, encoding)


def encoded(text: str, encoding: str) -> bytes | None:
    """The content of a caption file, with its byte order mark if it had one; UTF-8 where the encoding was guessed."""
    return text.encode(encoding if is_surely_read(encoding) else "utf-8") if text.strip() else None


def rewrite(folder: Path, changed: Mapping[str, bytes | None], *, is_remembered: bool) -> None:
    """Write caption files, None for none; hold `WRITING`.

    Args:
        folder: Where they are.
        changed: Content by file name.
        is_remembered: Whether `take_back` shall bring back what they held; it forgets the change before.
    """
    if is_remembered:
        before = {name: _Before(before=_base64(folder / name), after=_digest(data)) for name, data in changed.items()}
        with replacing_file(folder / _MEMORY) as file:
            file.write(_Memory(files=before).model_dump_json().encode())
    for name, data in changed.items():
        _write(folder / name, data)


def can_take_back(folder: Path) -> bool:
    """Whether a change of many captions is remembered."""
    return (folder / _MEMORY).is_file()


def take_back(folder: Path) -> Undone:
    """Bring back the captions before the last remembered change, but those that were changed since.

    Raises:
        NothingToUndoError: None is remembered.
    """
    with WRITING:
        try:
            memory = _Memory.model_validate_json(read_file(folder / _MEMORY))
        except (FileNotFoundError, NotAFileError, ValidationError) as error:
            raise NothingToUndoError from error
        # The folder may have come from elsewhere, with a memory that names files outside.
        files = {name: one for name, one in memory.files.items() if _is_caption(name)}
        as_left = {name for name, one in files.items() if _digest(read_bytes(folder / name)) == one.after}
        for name in as_left:
            _write(folder / name, files[name].before)
        (folder / _MEMORY).unlink()
        unlike = (name for name in files.keys() - as_left if read_bytes(folder / name) != files[name].before)
        return Undone(restored=len(as_left), kept=sorted(unlike))


def _is_caption(name: str) -> bool:
    return name == Path(name).name and "\\" not in name and name.lower().endswith(CAPTION_EXTENSIONS)


def _write(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
        return
    with replacing_file(path) as file:
        file.write(data)


def _base64(path: Path) -> bytes | None:
    data = read_bytes(path)
    return None if data is None else base64.b64encode(data)


def _digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()
