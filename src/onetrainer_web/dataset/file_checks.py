"""What a person should know of a concept's files before they train: what is left out, shared, guessed or stretched."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from onetrainer_web.config.checks.issue import Issue, warning
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import PromptSource
from onetrainer_web.dataset.buckets import cropped_share
from onetrainer_web.dataset.captions import Captions
from onetrainer_web.dataset.scan import (
    ConceptScan,
    FolderTooLargeError,
    Picture,
    concept_label,
    readable,
    scan_concept,
    shared_captions,
)
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.dataset.unused import by_reason, unused_files

_MAX_NAMED = 5
_TOLD_ENLARGEMENT = 1.25
"""Scaled up to this, a picture still looks sharp."""
_TOLD_CROP = 0.3
"""Share of the area; the seventeen shapes cut at most a seventh off a picture of usual shape."""
NOTABLE_CROP = 0.05
"""Share of the area; with less, it makes no difference where a picture is cropped."""


def named(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more


def emptiness(concept: ConceptConfig, scan: ConceptScan, max_files: int, *, trains_videos: bool) -> str:
    """Why a concept's folder holds nothing to train on, and what to do."""
    label = concept_label(concept)
    start = f"The folder of the concept {label!r} holds no pictures"
    if not concept.include_subdirectories and (below := _pictures_below(concept, scan.folder, max_files)):
        found = named([f"{name} ({count})" for name, count in below.items()])
        return f"{start} itself: {scan.folder}. Its sub-folders do: {found}. Switch on include_subdirectories for them."
    if unused := unused_files(scan, concept.text, trains_videos=trains_videos):
        return f"{start} that train: {scan.folder}. {_listed(unused)}."
    return f"{start}: {scan.folder}. Add some."


def below_issues(path: str, concept: ConceptConfig, scan: ConceptScan, max_files: int) -> Iterator[Issue]:
    """Pictures in sub-folders that do not count, beside those that do."""
    if not concept.include_subdirectories and (below := _pictures_below(concept, scan.folder, max_files)):
        found = named([f"{name} ({count})" for name, count in below.items()])
        message = f"Sub-folders hold more pictures, which do not train: {found}. Switch on include_subdirectories."
        yield warning(path, "pictures_below", message)


def _pictures_below(concept: ConceptConfig, folder: Path, max_files: int) -> dict[str, int]:
    counts: defaultdict[str, int] = defaultdict(int)
    try:
        deeper = scan_concept(concept.model_copy(update={"include_subdirectories": True}), folder, max_files)
    except FolderTooLargeError:
        return {}
    for picture in deeper.pictures:
        if "/" in picture.name:
            counts[picture.name.partition("/")[0]] += 1
    return counts


def file_issues(
    path: str, concept: ConceptConfig, scan: ConceptScan, trained: Sequence[Picture], *, trains_videos: bool
) -> Iterator[Issue]:
    """What names alone tell: files that look like pictures and do not train, and captions that several share.

    Args:
        path: Of the concept's folder in the configuration.
        concept: The concept.
        scan: What its folder holds.
        trained: What of it trains.
        trains_videos: Whether the model learns from videos.
    """
    if unused := unused_files(scan, concept.text, trains_videos=trains_videos):
        some = "One file does not train" if len(unused) == 1 else f"{len(unused)} files do not train"
        yield warning(path, "files_unused", f"{some}: {_listed(unused)}.")
    if concept.text.prompt_source == PromptSource.SAMPLE and (shared := shared_captions(trained)):
        groups = [f"{' and '.join(names)} share {readable(caption.name)}" for caption, names in shared.items()]
        message = f"Pictures have one caption file together: {named(groups)}. Rename them if they need their own."
        yield warning(path, "captions_shared", message)


def encoding_issues(path: str, captions: Iterable[Captions], *, is_beside: bool) -> Iterator[Issue]:
    """Captions that are not UTF-8, by name.

    Args:
        path: What the issue belongs to in the configuration.
        captions: What was read.
        is_beside: Whether they lie beside their pictures, where the page of the data set converts them.
    """
    notes = sorted({one.note for one in captions if one.note})
    if notes:
        cure = "Convert captions to UTF-8 on the data set's page." if is_beside else "Save it as UTF-8."
        yield warning(path, "captions_not_utf8", f"{' '.join(notes[:_MAX_NAMED])}{_more(notes)} {cure}")


@dataclass(frozen=True, slots=True)
class Stretched:
    """What is done to a picture at the resolution that does most."""

    size: Size
    enlarged: float
    """How many times a side grows."""
    cropped: float
    """The share of its area that is cut off, from 0 to 1."""


def stretch(size: Size, targets: Sequence[Size]) -> Stretched:
    """What a picture goes through that trains at one of some sizes."""
    return Stretched(
        size,
        max(max(to.width / size.width, to.height / size.height) for to in targets),
        max(cropped_share(size, to) for to in targets),
    )


def size_issues(path: str, stretched: Mapping[str, Stretched]) -> Iterator[Issue]:
    """Pictures that are much enlarged, and those that lose much of their area, with the numbers.

    Args:
        path: Of the concept's folder in the configuration.
        stretched: What is done to its pictures, by name.
    """
    much = {name: one.enlarged for name, one in stretched.items() if one.enlarged > _TOLD_ENLARGEMENT}
    if much:
        found = named([f"{name} ({stretched[name].size}, {much[name]:.1f} times)" for name in greatest_first(much)])
        message = f"Small pictures are enlarged, which teaches blur: {found}. Replace them or lower the resolution."
        yield warning(path, "pictures_enlarged", message)
    much = {name: one.cropped for name, one in stretched.items() if one.cropped > _TOLD_CROP}
    if much:
        found = named([f"{name} ({stretched[name].size}, {much[name]:.0%})" for name in greatest_first(much)])
        message = f"Pictures lose much of their area to cropping: {found}. Crop them by hand to what matters."
        yield warning(path, "pictures_cropped", message)


def greatest_first(values: Mapping[str, float]) -> list[str]:
    """Names by their numbers."""
    return sorted(values, key=lambda name: -values[name])


def _listed(unused: Sequence[tuple[str, str]]) -> str:
    return "; ".join(_told(names, reason) for reason, names in by_reason(unused))


def _told(names: Sequence[str], reason: str) -> str:
    first, *others = names
    return f"{first} {reason} (likewise {named(others)})" if others else f"{first} {reason}"


def _more(notes: Sequence[str]) -> str:
    return f" {len(notes) - _MAX_NAMED} more are not, either." if len(notes) > _MAX_NAMED else ""
