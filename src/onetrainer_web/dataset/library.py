"""The data sets of a workspace: folders of pictures and videos, with captions beside them, to look at and edit."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, Field

from onetrainer_web.dataset.caption_files import read_bytes, revision_of, shown_text
from onetrainer_web.dataset.listings import LISTINGS, Listing
from onetrainer_web.dataset.names import is_name, problem_of_new
from onetrainer_web.dataset.scan import (
    CAPTION_EXTENSIONS,
    PICTURE_EXTENSIONS,
    PLUG_INS,
    VIDEO_EXTENSIONS,
    Picture,
    is_video,
    lone_texts,
)
from onetrainer_web.errors import InvalidRequestError, NotFoundError, OneTrainerWebError
from onetrainer_web.files.atomic import replacing_file
from onetrainer_web.files.confined import MayRead, everything, files_below, readable, remove, stays

CAPTION_EXTENSION = ".txt"
_SHOWN = PICTURE_EXTENSIONS | VIDEO_EXTENSIONS
_KEPT = _SHOWN | frozenset(CAPTION_EXTENSIONS)
_TOLD_CHARACTERS = 100


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
        ending = Path(name).suffix.lower()
        kinds = ", ".join(sorted(_KEPT))
        reason = f"give a plain file name that ends in {kinds}"
        if ending in PLUG_INS.keys() - _KEPT:
            reason = f"files that end in {ending} need the extra `pictures`: pip install 'onetrainer-web[pictures]'"
        super().__init__(f"{name[:_TOLD_CHARACTERS]!r} has no place in a data set: {reason}.")
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
    linked_to: str | None = Field(description="Where it really lies when its folder is a link; null when it is none.")
    num_pictures: int = Field(description="Pictures.")
    num_videos: int = Field(description="Videos.")
    num_captioned: int = Field(description="Pictures and videos with a caption file.")
    modified: datetime = Field(description="Last change of the folder, UTC.")


class DatasetPicture(BaseModel):
    """A picture or video and its caption."""

    name: str = Field(description="Name of the file.")
    caption: str = Field(description="Its captions, one a line; empty without a caption file.")
    has_caption: bool = Field(description="Whether there is a caption file.")
    revision: str = Field(description="Of the caption; send it as If-Match to change only what you saw.")
    shared_with: list[str] = Field(description="Other pictures with the same caption file.")
    size: int = Field(description="Bytes of the file.")
    is_video: bool = Field(description="Whether it is a video: those train video models.")


class DatasetLibrary:
    """The folders below one folder, each a data set."""

    def __init__(self, root: Path, may_read: MayRead = everything) -> None:
        """Open the library.

        Args:
            root: The folder of data sets.
            may_read: Where data sets may lie whose folder is a link.
        """
        self._root = root
        self._may_read = may_read

    def summaries(self) -> list[DatasetSummary]:
        """All data sets, by name."""
        return [self._summary(folder) for folder in sorted(self._root.iterdir()) if self._is_dataset(folder)]

    def create(self, name: str) -> DatasetSummary:
        """Make an empty data set.

        Raises:
            DatasetNameError: It cannot be called so, or there is one of this name.
        """
        if problem := problem_of_new(name):
            raise DatasetNameError(f"{name[:_TOLD_CHARACTERS]!r} is no name for a data set: {problem}.")
        try:
            (self._root / name).mkdir()
        except FileExistsError as error:
            raise DatasetNameError(f"There is a data set {name!r} already. Choose another name.") from error
        return self._summary(self._root / name)

    def delete(self, name: str) -> int:
        """Delete a data set with all its files; of one that is a link only the link.

        Returns:
            The bytes they took.
        """
        return remove(self.folder(name))

    def pictures(
        self, name: str, search: str = "", offset: int = 0, limit: int | None = None
    ) -> tuple[list[DatasetPicture], int]:
        """Some pictures and videos of a data set by name, and how many there are in all.

        Args:
            name: The data set.
            search: Only those that have this in their name or caption: all captions are read.
            offset: Pictures to pass over.
            limit: Pictures to give at most; None for all.
        """
        listing = LISTINGS.of(self.folder(name))
        names = listing.names
        if search:
            needle = search.lower()
            names = [one for one in names if needle in one.lower() or needle in _caption(listing, one).lower()]
        end = None if limit is None else offset + limit
        return [_describe(listing, one) for one in names[offset:end]], len(names)

    def files(self, name: str) -> tuple[Path, list[Path]]:
        """The folder of a data set and its pictures, videos, captions and masks; links are left out."""
        folder = self.folder(name)
        kept = (path for path, _ in files_below(folder) if path.suffix.lower() in _KEPT)
        return folder, sorted(path for path in kept if not path.name.startswith("."))

    def picture_path(self, name: str, file_name: str) -> Path:
        """The file of a picture or video, never one outside the data set.

        Raises:
            DatasetFileNotFoundError: There is none of this name.
        """
        path = self.folder(name) / _checked(file_name, _SHOWN)
        if not path.is_file() or not stays(path, self.holds(name)):
            raise DatasetFileNotFoundError(name, file_name)
        return path

    def holds(self, name: str) -> MayRead:
        """Where links in a data set may lead: into the data set."""
        folder = self.folder(name).resolve()
        return lambda path: path.is_relative_to(folder)

    def writing(self, name: str, file_name: str, *, replaces: bool = True) -> AbstractContextManager[BinaryIO]:
        """A file to write a picture, video or caption into; it appears under its name when all is written, or never.

        Raises:
            DatasetFileExistsError: There is one of this name, and it is not to be replaced.
        """
        target = self.folder(name) / _checked(file_name, _KEPT)
        if not replaces and target.exists():
            raise DatasetFileExistsError(file_name)
        return replacing_file(target)

    def delete_picture(self, name: str, file_name: str) -> None:
        """Delete a picture or video with its caption, mask and conditioning picture, unless another one shares them."""
        self.picture_path(name, file_name)
        LISTINGS.delete(self.folder(name), file_name)

    def picture(self, name: str, file_name: str) -> Picture:
        """A picture or video with what belongs to it.

        Raises:
            DatasetFileNotFoundError: There is none of this name.
        """
        self.picture_path(name, file_name)
        return LISTINGS.of(self.folder(name)).files.picture(file_name)

    def relative_path(self, name: str) -> str:
        """The folder of a data set as a concept names it."""
        return f"{self._root.name}/{self.folder(name).name}"

    def folder(self, name: str) -> Path:
        """The folder of a data set.

        Raises:
            DatasetNotFoundError: There is none of this name.
        """
        folder = self._root / name
        if not self._is_dataset(folder):
            raise DatasetNotFoundError(name)
        return folder

    def scan(self, name: str) -> list[Picture]:
        """The pictures and videos of a data set by name."""
        listing = LISTINGS.of(self.folder(name))
        return [listing.files.picture(one) for one in listing.names]

    def lone_texts(self, name: str) -> list[Path]:
        """The text files of a data set that lie beside no picture, as the one prompt file of a concept may."""
        pictures = self.scan(name)
        return lone_texts(pictures, LISTINGS.of(self.folder(name)).files.others(pictures))

    def _is_dataset(self, folder: Path) -> bool:
        is_named = folder.parent == self._root and is_name(folder.name)
        return is_named and folder.is_dir() and stays(folder, self._may_read)

    def _summary(self, folder: Path) -> DatasetSummary:
        listing = LISTINGS.of(folder)
        return DatasetSummary(
            name=folder.name,
            path=self.relative_path(folder.name),
            linked_to=readable(folder.resolve()) if folder.is_symlink() else None,
            num_pictures=len(listing.names) - listing.num_videos,
            num_videos=listing.num_videos,
            num_captioned=listing.num_captioned,
            modified=datetime.fromtimestamp(folder.stat().st_mtime, UTC),
        )


def _checked(file_name: str, extensions: frozenset[str]) -> str:
    if not (is_name(file_name) and Path(file_name).suffix.lower() in extensions):
        raise DatasetFileError(file_name)
    return file_name


def _caption(listing: Listing, name: str) -> str:
    path = listing.files.path(listing.files.caption(name))
    return shown_text((path and read_bytes(path)) or b"")


def _describe(listing: Listing, name: str) -> DatasetPicture:
    picture = listing.files.picture(name)
    data = read_bytes(picture.caption_path) if picture.caption_path else None
    sharing = listing.shared.get(picture.caption_path.name, []) if picture.caption_path else []
    return DatasetPicture(
        name=picture.name,
        caption=shown_text(data or b""),
        has_caption=picture.caption_path is not None,
        revision=revision_of(picture.name, data),
        shared_with=[readable(one) for one in sharing if one != name],
        size=picture.path.stat().st_size,
        is_video=is_video(name),
    )
