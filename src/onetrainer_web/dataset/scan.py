"""Which files of a concept's folder are training pictures, by OneTrainer's rules."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.errors import InvalidRequestError, NotFoundError
from onetrainer_web.files.confined import MayRead, readable, stays

PLUG_INS = {".heic": "pillow_heif", ".heif": "pillow_heif", ".hif": "pillow_heif", ".jxl": "pillow_jxl"}
"""Endings that Pillow reads only with a package of the extra `pictures`."""
PICTURE_EXTENSIONS = frozenset(ending for ending, package in PLUG_INS.items() if find_spec(package)) | {
    *(".bmp", ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".webp", ".avif"),
}
VIDEO_EXTENSIONS = frozenset({".webm", ".mkv", ".flv", ".avi", ".mov", ".wmv", ".mp4", ".mpeg", ".m4v"})
CAPTION_EXTENSIONS = (".txt", ".caption")
MASK_SUFFIX = "-masklabel"
CONDITIONING_SUFFIX = "-condlabel"
SIDE_PICTURE_EXTENSION = ".png"
_QUOTES = " \t\"'“”‘’"


class ConceptFolderNotFoundError(NotFoundError):
    """The folder of a concept does not exist."""

    def __init__(self, concept: str, path: str, folder: Path) -> None:
        reason = f"does not exist: {folder}. Correct its path or disable the concept."
        if path != path.strip(_QUOTES):
            reason = f"is written as {path}. Take off the quotation marks and blanks around the path."
        elif folder.is_file():
            reason = f"is a file: {folder}. Give the folder that the file is in."
        super().__init__(f"The folder of the concept {concept!r} {reason}")
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
    """`<stem>.txt`, or else `<name>.txt`, `<stem>.caption` or `<name>.caption`, if there is one."""
    mask_path: Path | None
    """`<stem>-masklabel.png`, if there is one."""
    conditioning_path: Path | None
    """`<stem>-condlabel.png`, if there is one."""

    @property
    def beside(self) -> set[Path]:
        """The files that belong to it."""
        return {path for path in (self.caption_path, self.mask_path, self.conditioning_path) if path}


@dataclass(frozen=True, slots=True)
class ConceptScan:
    """What a concept's folder holds."""

    folder: Path
    pictures: tuple[Picture, ...]
    """Sorted by full path."""
    videos: tuple[Picture, ...]
    """Sorted by path; only video models train on them."""
    others: tuple[Path, ...]
    """All other files but those that belong to a picture or video, and hidden ones; see `unused_files`."""


def is_video(path: Path | str) -> bool:
    """Whether a file is a video, by its name."""
    return os.path.splitext(path)[1].lower() in VIDEO_EXTENSIONS


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


def scan_concept(
    concept: ConceptConfig, folder: Path, max_files: int | None = None, may_read: MayRead | None = None
) -> ConceptScan:
    """Find the pictures of a concept.

    Extensions count in either case. Hidden sub-folders, masks and conditioning pictures are passed over.

    Args:
        concept: Says whether sub-folders count.
        folder: The concept's path, resolved.
        max_files: How many files and folders may be passed on the way; None for any number.
        may_read: Where links may lead, others are passed over; None for anywhere.

    Raises:
        ConceptFolderNotFoundError: `folder` is no folder.
        FolderTooLargeError: It holds more than `max_files`.
    """
    pictures: list[Picture] = []
    videos: list[Picture] = []
    others: list[Path] = []
    for files in _concept_files(concept, folder, max_files, may_read):
        found = [files.picture(name) for name in files.trained()]
        videos += [one for one in found if is_video(one.path)]
        pictures += [one for one in found if not is_video(one.path)]
        others += files.others(found)
    return ConceptScan(
        folder=folder,
        pictures=tuple(sorted(pictures, key=lambda picture: str(picture.path))),
        videos=tuple(sorted(videos, key=lambda video: str(video.path))),
        others=tuple(sorted(others)),
    )


def page_of_concept(
    concept: ConceptConfig, folder: Path, page: slice, *, with_videos: bool, may_read: MayRead | None = None
) -> tuple[list[Picture], int]:
    """Some pictures of a concept in the order of `scan_concept`, videos behind them, and how many there are.

    Raises:
        ConceptFolderNotFoundError: `folder` is no folder.
    """
    found = [
        (is_clip, os.path.join(files.folder, name), files, name)
        for files in _concept_files(concept, folder, None, may_read)
        for name in files.trained()
        if not (is_clip := is_video(name)) or with_videos
    ]
    found.sort(key=lambda one: one[:2])
    return [files.picture(name) for _, _, files, name in found[page]], len(found)


def _concept_files(
    concept: ConceptConfig, folder: Path, max_files: int | None, may_read: MayRead | None
) -> "Iterator[FolderFiles]":
    """The files of each folder of a concept; arguments and errors are those of `scan_concept`."""
    if not concept.path or not folder.is_dir():
        raise ConceptFolderNotFoundError(concept_label(concept), concept.path, folder)
    num_passed = 0
    for inside, names in _folders(folder, concept.include_subdirectories, partial(_stays, may_read=may_read)):
        num_passed += 1 + len(names)
        if max_files is not None and num_passed > max_files:
            raise FolderTooLargeError(concept_label(concept), folder, max_files)
        yield FolderFiles(folder, inside, names)


def _stays(entry: os.DirEntry[str], may_read: MayRead | None) -> bool:
    """As `stays`; what a folder tells of its files spares a look at each."""
    return may_read is None or entry.is_file(follow_symlinks=False) or stays(Path(entry), may_read)


def links_out(concept: ConceptConfig, folder: Path, may_read: MayRead) -> list[str]:
    """Names of the files in a concept's folder that are links to what may not be read."""
    if not concept.path or not folder.is_dir():
        return []
    folders = _folders(folder, concept.include_subdirectories, lambda entry: not _stays(entry, may_read))
    return [readable((inside / name).relative_to(folder).as_posix()) for inside, names in folders for name in names]


def shared_captions(pictures: Iterable[Picture]) -> dict[Path, list[str]]:
    """Caption files that belong to several pictures, with their names."""
    names: defaultdict[Path, list[str]] = defaultdict(list)
    for picture in pictures:
        if picture.caption_path:
            names[picture.caption_path].append(picture.name)
    return {path: sharing for path, sharing in names.items() if len(sharing) > 1}


def lone_texts(pictures: Iterable[Picture], others: Iterable[Path]) -> list[Path]:
    """The text files among `others` that lie beside no picture, as the one prompt file of a concept may."""
    beside = {base for one in pictures for base in (_lower(one.path), _lower(one.path.with_suffix("")))}
    texts = (path for path in others if path.suffix.lower() in CAPTION_EXTENSIONS)
    return sorted(path for path in texts if _lower(path.with_suffix("")) not in beside)


def _lower(path: Path) -> Path:
    return path.with_name(path.name.lower())


def _folders(
    folder: Path, include_subdirectories: bool, is_wanted: Callable[[os.DirEntry[str]], bool]
) -> Iterator[tuple[Path, list[str]]]:
    """Each folder, and what in it is no folder and wanted; in one that cannot be looked at there is nothing."""
    names: list[str] = []
    below: list[Path] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not entry.is_dir():
                names += [entry.name] if is_wanted(entry) else []
            elif include_subdirectories and not entry.is_symlink() and not entry.name.startswith("."):
                below.append(Path(entry))
    yield folder, names
    for inside in below:
        yield from _folders(inside, include_subdirectories, is_wanted)


class FolderFiles:
    """The files of one folder, which belong together by their names, in either case."""

    def __init__(self, root: Path, folder: Path, file_names: Iterable[str]) -> None:
        inside = folder.relative_to(root).as_posix()
        self._prefix = "" if inside == "." else f"{inside}/"
        self.folder = folder
        self._names = set(file_names)
        self._odd: defaultdict[str, list[str]] = defaultdict(list)
        """Names that are not in lower case, by what they are in it."""
        for name in self._names:
            if (lower := name.lower()) != name:
                self._odd[lower].append(name)

    def is_trained(self, name: str) -> bool:
        """Whether a file is a training picture or video, by its name."""
        stem, extension = os.path.splitext(name.lower())
        if extension in VIDEO_EXTENSIONS:
            return True
        return extension in PICTURE_EXTENSIONS and not stem.endswith((MASK_SUFFIX, CONDITIONING_SUFFIX))

    def trained(self) -> list[str]:
        """All training pictures and videos, by name."""
        return sorted(name for name in self._names if self.is_trained(name))

    def siblings(self, name: str) -> list[str]:
        """Other training pictures and videos whose names differ from this one in case or behind the last dot alone."""
        stem = os.path.splitext(name.lower())[0]
        alike = [one for ending in (*PICTURE_EXTENSIONS, *VIDEO_EXTENSIONS) for one in self._alike(stem + ending)]
        return [one for one in alike if one != name and self.is_trained(one)]

    def caption(self, name: str) -> str | None:
        """The caption file of a picture."""
        stem = os.path.splitext(name)[0]
        captions = (self._beside(base + ending) for ending in CAPTION_EXTENSIONS for base in (stem, name))
        return next((found for found in captions if found), None)

    def picture(self, name: str) -> Picture:
        """A picture with what belongs to it."""
        stem = os.path.splitext(name)[0]
        return Picture(
            path=self.folder / name,
            name=readable(self._prefix + name),
            caption_path=self.path(self.caption(name)),
            mask_path=self.path(self._beside(f"{stem}{MASK_SUFFIX}{SIDE_PICTURE_EXTENSION}")),
            conditioning_path=self.path(self._beside(f"{stem}{CONDITIONING_SUFFIX}{SIDE_PICTURE_EXTENSION}")),
        )

    def others(self, found: Sequence[Picture]) -> list[Path]:
        """All files but hidden ones and those of some pictures."""
        used = {path.name for one in found for path in (one.path, *one.beside)}
        return [self.folder / name for name in self._names - used if not name.startswith(".")]

    def path(self, name: str | None) -> Path | None:
        """Of a file that has a name."""
        return self.folder / name if name else None

    def discard(self, name: str) -> None:
        """A file is gone."""
        self._names.discard(name)
        if name in self._odd.get(name.lower(), ()):
            self._odd[name.lower()].remove(name)

    def _beside(self, name: str) -> str | None:
        """The file of this name, or the only one whose name differs in case alone."""
        if name in self._names:
            return name
        alike = self._alike(name.lower())
        return alike[0] if len(alike) == 1 else None

    def _alike(self, lower: str) -> list[str]:
        """The files that are called so in lower case."""
        return [*self._odd.get(lower, ()), *([lower] if lower in self._names else [])]
