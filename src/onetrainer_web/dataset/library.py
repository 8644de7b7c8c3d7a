"""The data sets of a workspace: folders of pictures and videos, with captions beside them, to look at and edit."""

import re
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, Field

from onetrainer_web.config.atomic import replacing_file
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.dataset.captions import decode_caption
from onetrainer_web.dataset.scan import (
    CONDITIONING_SUFFIX,
    MASK_SUFFIX,
    PICTURE_EXTENSIONS,
    VIDEO_EXTENSIONS,
    Picture,
    is_video,
    scan_concept,
)
from onetrainer_web.errors import InvalidRequestError, NotFoundError, OneTrainerWebError

MAX_NAME_LENGTH = 100
CAPTION_EXTENSION = ".txt"
_SHOWN = PICTURE_EXTENSIONS | VIDEO_EXTENSIONS
_KEPT = _SHOWN | {CAPTION_EXTENSION}
_NAME = re.compile(r"[^\W_.][\w .+()-]*")


class DatasetNotFoundError(NotFoundError):
    """No data set has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no data set {name!r}. GET /api/datasets names those that exist.")
        self.name = name


class DatasetNameError(InvalidRequestError):
    """A name that no data set can have, or that is taken."""


class DatasetFileError(InvalidRequestError):
    """A file name that has no place in a data set."""

    def __init__(self, name: str) -> None:
        kinds = ", ".join(sorted(_KEPT))
        super().__init__(
            f"{name[:MAX_NAME_LENGTH]!r} has no place in a data set: give a plain file name that ends in {kinds}."
        )
        self.name = name


class DatasetFileExistsError(OneTrainerWebError):
    """A data set has a file of this name, which was not to be replaced."""

    status = 412

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is already there. Send it without If-None-Match to replace it.")
        self.name = name


class DatasetFileNotFoundError(NotFoundError):
    """A data set has no such file."""

    def __init__(self, dataset: str, name: str) -> None:
        super().__init__(
            f"The data set {dataset!r} has no picture {name!r}. It may have been deleted; reload the list."
        )


class DatasetSummary(BaseModel):
    """A data set at a glance."""

    name: str = Field(description="Name of its folder.")
    path: str = Field(description="The folder as a concept's path: relative to the workspace.")
    num_pictures: int = Field(description="Pictures.")
    num_videos: int = Field(description="Videos.")
    num_captioned: int = Field(description="Pictures and videos with a caption file.")
    modified: datetime = Field(description="Last change of the folder, UTC.")


class DatasetPicture(BaseModel):
    """A picture or video and its caption."""

    name: str = Field(description="Name of the file.")
    caption: str = Field(description="Content of its caption file; empty without one.")
    has_caption: bool = Field(description="Whether there is a caption file.")
    size: int = Field(description="Bytes of the file.")
    is_video: bool = Field(description="Whether it is a video: those train video models.")


class DatasetLibrary:
    """The folders below one folder, each a data set."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def summaries(self) -> list[DatasetSummary]:
        """All data sets, by name."""
        folders = sorted(path for path in self._root.iterdir() if path.is_dir() and _NAME.fullmatch(path.name))
        return [self._summary(folder) for folder in folders]

    def create(self, name: str) -> DatasetSummary:
        """Make an empty data set.

        Raises:
            DatasetNameError: It cannot be called so, or there is one of this name.
        """
        if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name):
            raise DatasetNameError(
                f"{name[:MAX_NAME_LENGTH]!r} is no name for a data set: use letters, digits, spaces and _ . + - ( ), "
                f"beginning with a letter or digit, {MAX_NAME_LENGTH} characters at most."
            )
        try:
            (self._root / name).mkdir()
        except FileExistsError as error:
            raise DatasetNameError(f"There is a data set {name!r} already. Choose another name.") from error
        return self._summary(self._root / name)

    def delete(self, name: str) -> int:
        """Delete a data set with all its files.

        Returns:
            The bytes they took.
        """
        folder = self._folder(name)
        freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        shutil.rmtree(folder)
        return freed

    def pictures(self, name: str, search: str = "") -> list[DatasetPicture]:
        """The pictures and videos of a data set by name; with `search`, those that have it in their name or caption."""
        found = [_describe(picture) for picture in self._scan(name)]
        needle = search.lower()
        return (
            [one for one in found if needle in one.name.lower() or needle in one.caption.lower()] if needle else found
        )

    def files(self, name: str) -> tuple[Path, list[Path]]:
        """The folder of a data set and all files in it; links, which could lead anywhere, are left out."""
        folder = self._folder(name)
        return folder, sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())

    def picture_path(self, name: str, file_name: str) -> Path:
        """The file of a picture or video.

        Raises:
            DatasetFileNotFoundError: There is none of this name.
        """
        path = self._folder(name) / _checked(file_name, _SHOWN)
        if not path.is_file():
            raise DatasetFileNotFoundError(name, file_name)
        return path

    def writing(self, name: str, file_name: str, *, replaces: bool = True) -> AbstractContextManager[BinaryIO]:
        """A file to write a picture, video or caption into; it appears under its name when all is written, or never.

        Raises:
            DatasetFileExistsError: There is one of this name, and it is not to be replaced.
        """
        target = self._folder(name) / _checked(file_name, _KEPT)
        if not replaces and target.exists():
            raise DatasetFileExistsError(file_name)
        return replacing_file(target)

    def delete_picture(self, name: str, file_name: str) -> None:
        """Delete a picture or video with its caption, mask and conditioning picture, unless another one shares them."""
        path = self.picture_path(name, file_name)
        path.unlink()
        if any(other.path.stem == path.stem for other in self._scan(name)):  # cat.jpg beside cat.png
            return
        for ending in (CAPTION_EXTENSION, f"{MASK_SUFFIX}.png", f"{CONDITIONING_SUFFIX}.png"):
            path.with_name(path.stem + ending).unlink(missing_ok=True)

    def write_captions(self, name: str, captions: Mapping[str, str]) -> None:
        """Write the captions of pictures: file name → text; an empty text removes the caption file.

        Raises:
            DatasetFileNotFoundError: One of the pictures does not exist; nothing is written then.
        """
        paths = {self.picture_path(name, file_name): caption for file_name, caption in captions.items()}
        for path, caption in paths.items():
            text_path = path.with_suffix(CAPTION_EXTENSION)
            if not caption.strip():
                text_path.unlink(missing_ok=True)
                continue
            with self.writing(name, text_path.name) as file:
                file.write(caption.encode())

    def relative_path(self, name: str) -> str:
        """The folder of a data set as a concept names it."""
        return f"{self._root.name}/{self._folder(name).name}"

    def _folder(self, name: str) -> Path:
        folder = self._root / name
        if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(name) or not folder.is_dir():
            raise DatasetNotFoundError(name)
        return folder

    def _scan(self, name: str) -> list[Picture]:
        folder = self._folder(name)
        found = scan_concept(ConceptConfig(path=str(folder)), folder)
        return sorted((*found.pictures, *found.videos), key=lambda one: one.name)

    def _summary(self, folder: Path) -> DatasetSummary:
        found = self._scan(folder.name)
        num_videos = sum(is_video(one.path) for one in found)
        return DatasetSummary(
            name=folder.name,
            path=self.relative_path(folder.name),
            num_pictures=len(found) - num_videos,
            num_videos=num_videos,
            num_captioned=sum(one.caption_path is not None for one in found),
            modified=datetime.fromtimestamp(folder.stat().st_mtime, UTC),
        )


def _checked(file_name: str, extensions: frozenset[str]) -> str:
    is_plain = file_name == Path(file_name).name and not file_name.startswith(".") and file_name.isprintable()
    is_short = len(file_name.encode(errors="replace")) <= 255
    if not (is_plain and is_short and "\\" not in file_name and Path(file_name).suffix.lower() in extensions):
        raise DatasetFileError(file_name)
    return file_name


def _describe(picture: Picture) -> DatasetPicture:
    caption = decode_caption(picture.caption_path.read_bytes())[0].strip() if picture.caption_path else ""
    return DatasetPicture(
        name=picture.name,
        caption=caption,
        has_caption=picture.caption_path is not None,
        size=picture.path.stat().st_size,
        is_video=is_video(picture.path),
    )
