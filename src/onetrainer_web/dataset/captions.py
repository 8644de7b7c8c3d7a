"""The captions of pictures: where they come from, and how their files are read."""

import codecs
import errno
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from onetrainer_web.config.concepts import ConceptTextConfig
from onetrainer_web.config.enums import PromptSource
from onetrainer_web.dataset.kinds import kind_of_beginning
from onetrainer_web.dataset.scan import Picture
from onetrainer_web.errors import NotFoundError
from onetrainer_web.files.confined import readable, reading

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
"""What no person types; a form feed and the like come along from PDFs."""
_MANY_CONTROLS, _CONTROLS_IN = 4, 20
"""No text has as many of them, one among so many characters."""
_MAX_TEXT_BYTES = 16 * 2**20
_LINE_END = re.compile(r"\r\n|\r|\n")
# UTF-32 first: its little-endian mark begins with the one of UTF-16.
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_JAPANESE_ESCAPE = b"\x1b$"
_GUESSED = ("cp1252", "latin-1", "utf-16-le", "utf-16-be")


class NoTextError(OSError):
    """What should be a text is none."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(errno.EINVAL, what, str(path))


class PromptFileNotFoundError(NotFoundError):
    """The one caption file of a concept cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"The prompt file {path} cannot be read: {reason}. Correct prompt_path or choose another prompt source."
        )
        self.path, self.reason = path, reason


@dataclass(frozen=True, slots=True)
class Captions:
    """The captions one picture can train with."""

    prompts: tuple[str, ...]
    """At least one; "" stands for no caption."""
    note: str | None = None
    """What a person should know about the file, such as its unusual encoding."""


NO_CAPTION = Captions(("",))


def decode_caption(data: bytes) -> tuple[str, str]:
    """Decode the bytes of a caption file.

    Returns:
        The text and the encoding used. Byte order marks are obeyed; without one it is UTF-8, or else Windows' cp1252,
        or else Latin-1, which can read anything. What is half zeros is UTF-16 without its mark; what changes its
        characters by escapes is ISO-2022-JP.
    """
    marked = [encoding for mark, encoding in _BYTE_ORDER_MARKS if data.startswith(mark)]
    if not marked and data.count(0) * 3 > len(data):
        marked = ["utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"]
    if _JAPANESE_ESCAPE in data:
        marked.append("iso2022_jp")
    for encoding in (*marked, "utf-8", "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def lines_of(text: str) -> list[str]:
    """The lines of a person's text, without their ends: LF, CR LF or CR.

    `str.splitlines` also ends a line at eight other characters, such as U+2028, which stand within captions that were
    copied from web pages and PDFs.
    """
    return _LINE_END.split(text)


def is_surely_read(encoding: str) -> bool:
    """Whether `decode_caption` knows, rather than guesses, that a text has this encoding."""
    return encoding not in _GUESSED


def fault_of_text(data: bytes) -> str | None:
    """What a file is that only programs read, such as a picture, an archive or weights; None for a text."""
    if len(data) > _MAX_TEXT_BYTES:
        return f"it is larger than {_MAX_TEXT_BYTES // 2**20} MiB, so no text"
    text, _ = decode_caption(data)
    kind = kind_of_beginning(data[:16]) if _CONTROL.search(data[:16].decode("latin-1")) else None
    controls = len(_CONTROL.findall(text))
    if kind or controls >= _MANY_CONTROLS and controls * _CONTROLS_IN >= len(text):
        return f"it is {f'a {kind}' if kind else 'no text'}"
    return None


def read_captions(path: Path) -> Captions:
    """Read a caption file: one caption a line, stripped, blank lines dropped; none at all is one empty caption.

    Raises:
        OSError: The file cannot be read.
    """
    lines, note = read_lines(path)
    return Captions(tuple(stripped for line in lines if (stripped := line.strip())) or ("",), note)


def read_lines(path: Path) -> tuple[list[str], str | None]:
    """The lines of a person's text file, and what is to be known of its encoding.

    Raises:
        OSError: The file cannot be read, or is no text.
    """
    with reading(path, follow=True) as file:
        data = file.read(_MAX_TEXT_BYTES + 1)
    if fault := fault_of_text(data):
        raise NoTextError(path, fault)
    text, encoding = decode_caption(data)
    note = None
    if encoding not in ("utf-8", "utf-8-sig"):
        note = f"{readable(path.name)} is not UTF-8; it was read as {encoding}."
    elif _CONTROL.search(text):
        note = f"{readable(path.name)} holds control characters, as texts in other encodings do."
    return lines_of(text), note


def caption_reader(text: ConceptTextConfig, resolve: Callable[[str], Path]) -> Callable[[Picture], Captions]:
    """How the captions of a concept's pictures are found.

    Args:
        text: The concept's prompt source.
        resolve: Makes a path of the configuration absolute.

    Returns:
        A function from a picture to its captions; it never fails, but says in the note what went wrong.

    Raises:
        PromptFileNotFoundError: The source is "concept" and its file cannot be read.
    """
    if text.prompt_source == PromptSource.FILENAME:
        return lambda picture: Captions((readable(picture.path.stem),))
    if text.prompt_source == PromptSource.CONCEPT:
        path = resolve(text.prompt_path)
        try:
            shared = read_captions(path)
        except OSError as error:
            raise PromptFileNotFoundError(path, error.strerror or str(error)) from error
        return lambda _picture: shared
    return _read_beside


def _read_beside(picture: Picture) -> Captions:
    if picture.caption_path is None:
        return NO_CAPTION
    try:
        return read_captions(picture.caption_path)
    except OSError as error:
        name = readable(picture.caption_path.name)
        return Captions(("",), f"{name} cannot be read ({error.strerror}); the caption is empty.")
