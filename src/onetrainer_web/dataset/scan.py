"""Which files of a concept's folder are training pictures, by OneTrainer's rules."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.errors import InvalidRequestError, NotFoundError

PICTURE_EXTENSIONS = frozenset({".bmp", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".avif"})
VIDEO_EXTENSIONS = frozenset({".webm", ".mkv", ".flv", ".avi", ".mov", ".wmv", ".mp4", ".mpeg", ".m4v"})
MASK_SUFFIX = "-masklabel"
CONDITIONING_SUFFIX = "-condlabel"


class ConceptFolderNotFoundError(NotFoundError):
    """The folder of a concept does not exist."""

    def __init__(self, concept: str, folder: Path) -> None:
        super().__init__(
            f"The folder of the concept {concept!r} does not exist: {folder}. Correct its path or disable the concept."
        )
        self.concept = concept
        self.folder = folder


class FolderTooLargeError(InvalidRequestError):
    """A folder holds more than there is time to look at."""

    def __init__(self, concept: str, folder: Path, max_files: int) -> None:
        super().__init__(f"The folder of the concept {concept!r} holds more than {max_files:,} files: {folder}.")
        self.folder = folder


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file and the files that belong to it."""

    path: Path
    name: str
    """Path within the concept's folder, with forward slashes: the same on every machine, and `readable`."""
    caption_path: Path | None
    """`<stem>.txt`, if there is one."""
    mask_path: Path | None
    """`<stem>-masklabel.png`, if there is one."""
    conditioning_path: Path | None
    """`<stem>-condlabel.png`, if there is one."""


@dataclass(frozen=True, slots=True)
class ConceptScan:
    """What a concept's folder holds."""

    folder: Path
    pictures: tuple[Picture, ...]
    """Sorted by full path."""
    videos: tuple[Picture, ...]
    """Sorted by path; only video models train on them."""


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its name."""
    return path.suffix.lower() in VIDEO_EXTENSIONS


def readable(path: Path | str) -> str:
    """A path or its last part as text that can be written anywhere.

    A name from another machine may hold bytes that are no UTF-8; Python keeps them as halves of characters, which no
    JSON can hold. They are written as `\\udc` and their digits.
    """
    return str(path).encode(errors="backslashreplace").decode()


def concept_label(concept: ConceptConfig) -> str:
    """How a concept is called: by its name, or else by the last part of its path."""
    return concept.name or Path(concept.path).name or "unnamed concept"


def concept_labels(concepts: list[ConceptConfig]) -> list[str]:
    """A different label for each concept: of equal ones, the second becomes "name (1)", the third "name (2)"."""
    labels: list[str] = []
    for concept in concepts:
        label = candidate = concept_label(concept)
        number = 0
        while candidate in labels:
            number += 1
            candidate = f"{label} ({number})"
        labels.append(candidate)
    return labels


def scan_concept(concept: ConceptConfig, folder: Path, max_files: int | None = None) -> ConceptScan:
    """Find the pictures of a concept.

    Extensions count in either case. Hidden sub-folders, masks and conditioning pictures are passed over.

    Args:
        concept: Says whether sub-folders count.
        folder: The concept's path, resolved.
        max_files: How many files and folders may be passed on the way; None for any number.

    Raises:
        ConceptFolderNotFoundError: `folder` is no folder.
        FolderTooLargeError: It holds more than `max_files`.
    """
    if not concept.path or not folder.is_dir():
        raise ConceptFolderNotFoundError(concept_label(concept), folder)
    pictures: list[Picture] = []
    videos: list[Picture] = []
    num_passed = 0
    for inside, file_names in _folders(folder, concept.include_subdirectories):
        num_passed += 1 + len(file_names)
        if max_files is not None and num_passed > max_files:
            raise FolderTooLargeError(concept_label(concept), folder, max_files)
        present = set(file_names)
        for name in file_names:
            stem, extension = os.path.splitext(name)
            if extension.lower() in VIDEO_EXTENSIONS:
                videos.append(_picture(folder, inside, name, present))
            elif extension.lower() in PICTURE_EXTENSIONS and not stem.endswith((MASK_SUFFIX, CONDITIONING_SUFFIX)):
                pictures.append(_picture(folder, inside, name, present))
    return ConceptScan(
        folder=folder,
        pictures=tuple(sorted(pictures, key=lambda picture: str(picture.path))),
        videos=tuple(sorted(videos, key=lambda video: str(video.path))),
    )


def _folders(folder: Path, include_subdirectories: bool) -> Iterator[tuple[Path, list[str]]]:
    for inside, subfolders, file_names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if include_subdirectories and not name.startswith(".")]
        yield Path(inside), file_names


def _picture(folder: Path, inside: Path, name: str, present: set[str]) -> Picture:
    stem = os.path.splitext(name)[0]

    def beside(file_name: str) -> Path | None:
        return inside / file_name if file_name in present else None

    return Picture(
        path=inside / name,
        name=readable((inside / name).relative_to(folder).as_posix()),
        caption_path=beside(f"{stem}.txt"),
        mask_path=beside(f"{stem}{MASK_SUFFIX}.png"),
        conditioning_path=beside(f"{stem}{CONDITIONING_SUFFIX}.png"),
    )
