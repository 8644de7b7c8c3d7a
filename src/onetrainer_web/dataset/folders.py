"""Looks around on the machine for folders of pictures."""

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, Field

from onetrainer_web.dataset.scan import PICTURE_EXTENSIONS
from onetrainer_web.errors import InvalidRequestError, NotFoundError
from onetrainer_web.files.confined import readable


class FolderNotFoundError(NotFoundError):
    """There is no such folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"There is no folder {str(path)!r} on the server's machine.")
        self.path = path


class FolderClosedError(InvalidRequestError):
    """The server may not look into a folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"The server's user may not look into {str(path)!r}. Change the folder's permissions.")
        self.path = path


class Folder(BaseModel):
    """A folder of the machine."""

    name: str = Field(description="Its last part.")
    path: str = Field(description="As a concept's path: relative to the workspace inside it, else absolute.")
    num_pictures: int = Field(description="Pictures in it, those of its folders not counted.")


def folder_names(path: Path, is_allowed: Callable[[Path], bool]) -> list[str]:
    """Names of the folders in `path` that may be looked into, by name; those that are hidden or no text are left out.

    Raises:
        FolderNotFoundError: It is no folder.
        FolderClosedError: The system refuses.
    """
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if entry.is_dir() and _can_be_named(entry.name)]
    except PermissionError as error:
        raise FolderClosedError(path) from error
    except OSError as error:  # none there, a file, a name too long
        raise FolderNotFoundError(path) from error
    return sorted((name for name in names if is_allowed((path / name).resolve())), key=str.lower)


def _can_be_named(name: str) -> bool:
    return not name.startswith(".") and readable(name) == name


def describe_folder(path: Path, shown: str) -> Folder:
    """A folder, called `shown`, and what it holds; one that the system refuses to open holds nothing."""
    try:
        with os.scandir(path) as entries:
            num_pictures = sum(os.path.splitext(entry.name)[1].lower() in PICTURE_EXTENSIONS for entry in entries)
    except OSError:
        num_pictures = 0
    return Folder(name=path.name or str(path), path=shown, num_pictures=num_pictures)
