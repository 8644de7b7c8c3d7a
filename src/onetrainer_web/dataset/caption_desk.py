"""Editing the captions of a data set: one, all at once, from another encoding, and back."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel, Field

from onetrainer_web.dataset.caption_edits import CaptionEdit, apply, require_effect
from onetrainer_web.dataset.caption_files import (
    WRITING,
    Undone,
    encoded,
    read_bytes,
    revision_of,
    rewrite,
    shown_text,
    take_back,
    typed_bytes,
)
from onetrainer_web.dataset.captions import decode_caption, fault_of_text, is_surely_read, lines_of
from onetrainer_web.dataset.file_checks import named
from onetrainer_web.dataset.library import CAPTION_EXTENSION, DatasetLibrary
from onetrainer_web.dataset.scan import Picture
from onetrainer_web.errors import InvalidRequestError, OneTrainerWebError

ENCODINGS = {
    "cp1252": "Western European (Windows)",
    "gb18030": "Chinese, simplified (GBK, GB 18030)",
    "big5": "Chinese, traditional (Big5)",
    "cp932": "Japanese (Shift-JIS)",
    "euc-jp": "Japanese (EUC)",
    "cp949": "Korean (Windows)",
    "cp1251": "Cyrillic (Windows)",
    "koi8-r": "Cyrillic (KOI8-R)",
    "cp1250": "Central European (Windows)",
    "cp1253": "Greek (Windows)",
    "cp1254": "Turkish (Windows)",
    "cp1255": "Hebrew (Windows)",
    "cp1256": "Arabic (Windows)",
    "cp874": "Thai (Windows)",
    "utf-16-le": "UTF-16 without a mark, little-endian",
    "utf-16-be": "UTF-16 without a mark, big-endian",
}
"""What captions that are not UTF-8 may be written in, with what to call it."""
_EXAMPLES = 5
_EXAMPLE_LINES = 5


class CaptionChange(BaseModel):
    """How the captions of a file would change."""

    name: str = Field(description="Name of the picture.")
    before: str = Field(description="The captions as they are, one a line.")
    after: str = Field(description="The captions as they would be.")


class CaptionText(BaseModel):
    """The captions of a picture now."""

    caption: str = Field(description="Content of its caption file.")
    revision: str = Field(description="Of that content; see If-Match.")


class CaptionExample(BaseModel):
    """A caption file read in an encoding."""

    name: str = Field(description="Name of the caption file.")
    text: str = Field(description="What it says then, its first lines.")


class CaptionEncoding(BaseModel):
    """An encoding that the caption files may have."""

    encoding: str = Field(description="Its name, for POST …/captions/convert.")
    label: str = Field(description="What people call it.")
    examples: list[CaptionExample] = Field(description="Some of the files read in it.")


class CaptionEncodings(BaseModel):
    """Caption files that are not UTF-8, and what they may be."""

    files: list[str] = Field(description="Names of caption files, and of text files beside no picture, as of prompts.")
    encodings: list[CaptionEncoding] = Field(description="Encodings that all of them can be read in.")


class CaptionsChangedError(OneTrainerWebError):
    """Captions are no longer what the sender saw."""

    status = 412

    def __init__(self, captions: Mapping[str, CaptionText]) -> None:
        changed = "was" if len(captions) == 1 else "were"
        super().__init__(f"{named([*captions])} {changed} changed by somebody else meanwhile. Nothing was written.")
        self.details = {"captions": {name: text.model_dump() for name, text in captions.items()}}


class SharedCaptionError(InvalidRequestError):
    """Two texts for one file."""

    def __init__(self, names: Iterable[str], path: Path) -> None:
        super().__init__(
            f"{' and '.join(names)} share the caption file {path.name}: send one text for them, or rename a picture."
        )


class CaptionEncodingError(InvalidRequestError):
    """Captions whose encoding is not known, or not the one that was chosen."""


class CaptionDesk:
    """The captions of one data set."""

    def __init__(self, library: DatasetLibrary, name: str) -> None:
        """Take the data set `name`.

        Raises:
            DatasetNotFoundError: There is none.
        """
        self._library = library
        self._name = name
        self._folder = library.folder(name)

    def write(self, captions: Mapping[str, str], revisions: Collection[str] | None = None) -> dict[str, str]:
        """Write the captions of pictures: name → text; an empty text removes the caption file.

        Args:
            captions: All are written, or none. More than one can be taken back.
            revisions: Those that the sender saw; None writes over whatever is there.

        Returns:
            The new revisions by name.

        Raises:
            DatasetFileNotFoundError: One of the pictures does not exist.
            CaptionsChangedError: One of the captions has another revision.
            SharedCaptionError: Two pictures have one caption file, and different texts.
        """
        with WRITING:
            paths = {name: self._caption_path(name) for name in captions}
            contents = {name: read_bytes(path) for name, path in paths.items()}
            if revisions is not None:
                self._require_seen(contents, revisions)
            changed: dict[str, bytes | None] = {}
            for name, text in captions.items():
                file_name, data = paths[name].name, typed_bytes(text, contents[name])
                if changed.get(file_name, data) != data:
                    raise SharedCaptionError([one for one, path in paths.items() if path == paths[name]], paths[name])
                changed[file_name] = data
            rewrite(self._folder, changed, is_remembered=len(changed) > 1)
            return {name: revision_of(name, changed[path.name]) for name, path in paths.items()}

    def preview(self, edit: CaptionEdit) -> list[CaptionChange]:
        """The captions that an edit of all would change.

        Raises:
            EmptyEditError: The edit says nothing.
            EditOfLinesError: A text of it has several lines.
            CaptionEncodingError: Some captions can only be guessed.
        """
        return [change for change, _ in self._edited(edit).values()]

    def edit(self, edit: CaptionEdit) -> list[CaptionChange]:
        """Edit all captions; can be taken back. See `preview`."""
        with WRITING:
            edited = self._edited(edit)
            if edited:
                contents = {name: data for name, (_, data) in edited.items()}
                rewrite(self._folder, contents, is_remembered=True)
            return [change for change, _ in edited.values()]

    def undo(self) -> Undone:
        """Take back the last change of several captions.

        Raises:
            NothingToUndoError: None is remembered.
        """
        return take_back(self._folder)

    def encodings(self) -> CaptionEncodings:
        """The caption files, and those of prompts, that are not UTF-8, and the encodings that they may be in."""
        files = self._not_utf8()
        unclear = {name: data for name, data in files.items() if not is_surely_read(decode_caption(data)[1])}
        possible = [
            CaptionEncoding(
                encoding=encoding,
                label=label,
                examples=[
                    CaptionExample(name=name, text=_start_of(data.decode(encoding)))
                    for name, data in list(unclear.items())[:_EXAMPLES]
                ],
            )
            for encoding, label in ENCODINGS.items()
            if all(_is_readable(data, encoding) for data in unclear.values())
        ]
        return CaptionEncodings(files=list(files), encodings=possible)

    def convert(self, encoding: str) -> int:
        """Make all captions and prompt files UTF-8; can be taken back.

        Args:
            encoding: What those without a byte order mark are in.

        Returns:
            The number of files.

        Raises:
            CaptionEncodingError: The encoding is unknown, or a file cannot be read in it.
        """
        if encoding not in ENCODINGS:
            raise CaptionEncodingError(
                f"{encoding!r} is no encoding of captions. Choose one of {', '.join(ENCODINGS)}."
            )
        with WRITING:
            files = self._not_utf8()
            wrong = [name for name, data in files.items() if not _is_readable(data, _encoding_of(data, encoding))]
            if wrong:
                raise CaptionEncodingError(f"{named(wrong)} cannot be read as {ENCODINGS[encoding]}. Choose another.")
            converted = {name: data.decode(_encoding_of(data, encoding)).encode() for name, data in files.items()}
            if converted:
                rewrite(self._folder, converted, is_remembered=True)
        return len(converted)

    def _caption_path(self, name: str) -> Path:
        return caption_path(self._library.picture(self._name, name))

    def _require_seen(self, contents: Mapping[str, bytes | None], revisions: Collection[str]) -> None:
        found = {name: revision_of(name, data) for name, data in contents.items()}
        changed = {
            name: CaptionText(caption=shown_text(contents[name] or b""), revision=revision)
            for name, revision in found.items()
            if revision not in revisions
        }
        if changed:
            raise CaptionsChangedError(changed)

    def _edited(self, edit: CaptionEdit) -> dict[str, tuple[CaptionChange, bytes | None]]:
        """By name of the caption file: what changes, and its new content."""
        require_effect(edit)
        edited: dict[str, tuple[CaptionChange, bytes | None]] = {}
        unclear: list[str] = []
        for picture in self._library.scan(self._name):
            path = caption_path(picture)
            data = read_bytes(path) or b""
            if fault := fault_of_text(data):
                raise CaptionEncodingError(f"{path.name} cannot be edited: {fault}. Replace or remove it first.")
            text, encoding = decode_caption(data)
            after = apply(edit, text)
            if after == text or path.name in edited:
                continue
            if not is_surely_read(encoding):
                unclear.append(path.name)
            content = encoded(after, encoding)
            change = CaptionChange(name=picture.name, before=shown_text(data), after=shown_text(content or b""))
            edited[path.name] = (change, content)
        if unclear:
            raise CaptionEncodingError(f"{named(unclear)}: what they say is a guess. Convert captions to UTF-8 first.")
        return edited

    def _not_utf8(self) -> dict[str, bytes]:
        paths = {picture.caption_path for picture in self._library.scan(self._name) if picture.caption_path}
        paths.update(self._library.lone_texts(self._name))
        contents = {path.name: read_bytes(path) or b"" for path in sorted(paths)}
        texts = {name: data for name, data in contents.items() if not fault_of_text(data)}
        return {name: data for name, data in texts.items() if not decode_caption(data)[1].startswith("utf-8")}


def caption_path(picture: Picture) -> Path:
    """Where the caption of a picture is, or would be."""
    return picture.caption_path or picture.path.with_suffix(CAPTION_EXTENSION)


def _start_of(text: str) -> str:
    return "\n".join(lines_of(text.strip())[:_EXAMPLE_LINES])


def _encoding_of(data: bytes, chosen: str) -> str:
    found = decode_caption(data)[1]
    return found if is_surely_read(found) else chosen


def _is_readable(data: bytes, encoding: str) -> bool:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)
