"""What a concept's folder amounts to, for a person to look at before training."""

import statistics
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.dataset.buckets import Target, cropped_share, plan_buckets, training_size
from onetrainer_web.dataset.captions import caption_reader
from onetrainer_web.dataset.scan import ConceptScan, Picture, readable, scan_concept, shared_captions
from onetrainer_web.dataset.sizes import Size, UnreadablePictureError, read_size
from onetrainer_web.dataset.unused import unused_files
from onetrainer_web.files.confined import MayRead


class Span(BaseModel):
    """Least, average and greatest of a quantity, with the pictures that have the extremes."""

    model_config = ConfigDict(frozen=True)

    least: int = Field(description="Smallest value.")
    least_name: str = Field(description="A picture that has it.")
    average: float = Field(description="Arithmetic mean.")
    greatest: int = Field(description="Largest value.")
    greatest_name: str = Field(description="A picture that has it.")


class BucketStats(BaseModel):
    """The pictures that would be trained at one size."""

    model_config = ConfigDict(frozen=True)

    width: int = Field(description="Width in pixels.")
    height: int = Field(description="Height in pixels.")
    count: int = Field(description="Pictures.")
    left_over: int = Field(description="Pictures that fill no batch when every picture is used once.")
    cropped_percent: float = Field(description="Share of their area that is cut off, on average, 0 to 100.")
    most_cropped_percent: float = Field(description="The same of the picture that loses most.")


class BrokenPicture(BaseModel):
    """A picture that cannot train."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Path within the concept's folder.")
    reason: str = Field(description='Goes on from the name, such as "is cut off".')


class ConceptStats(BaseModel):
    """Numbers about a concept's folder."""

    model_config = ConfigDict(frozen=True)

    num_pictures: int = Field(description="Picture files, broken ones included.")
    num_videos: int = Field(description="Video files.")
    num_masks: int = Field(description="Pictures with a mask beside them.")
    num_conditioning: int = Field(description="Pictures with a conditioning picture beside them.")
    num_captioned: int = Field(description="Pictures with at least one caption that is not empty.")
    num_bytes: int = Field(description="Size of all picture files.")
    pixels: Span | None = Field(description="Width times height of the readable pictures; null when there is none.")
    caption_characters: Span | None = Field(description="Length of the captions; null when there is no picture.")
    uncaptioned: list[str] = Field(description="Pictures without a caption, by name.")
    buckets: list[BucketStats] = Field(description="Training sizes, the fullest first.")
    broken: list[BrokenPicture] = Field(description="Pictures whose header cannot be read.")
    notes: list[str] = Field(description="What else a person should know, such as unusual encodings.")


@dataclass(frozen=True, slots=True)
class BucketRule:
    """How training sizes follow from picture sizes."""

    target: Target
    multiple: int
    is_bucketed: bool
    batch_size: int


def concept_stats(
    concept: ConceptConfig, resolve: Callable[[str], Path], rule: BucketRule, may_read: MayRead | None = None
) -> ConceptStats:
    """Look at every picture's header and caption; no pixels are decoded.

    Args:
        concept: The concept.
        resolve: Makes a path of the configuration absolute.
        rule: For the table of buckets.
        may_read: As for `scan_concept`.

    Raises:
        ConceptFolderNotFoundError: Its folder does not exist.
        PromptFileNotFoundError: Its one prompt file cannot be read.
    """
    scan = scan_concept(concept, resolve(concept.path), may_read=may_read)
    captions_of = caption_reader(concept.text, resolve)
    captions = [captions_of(picture) for picture in scan.pictures]
    names = [picture.name for picture in scan.pictures]
    sizes, broken = _sizes(scan.pictures)
    uncaptioned = [name for name, found in zip(names, captions, strict=True) if not any(found.prompts)]
    lengths = [(len(prompt), name) for name, found in zip(names, captions, strict=True) for prompt in found.prompts]
    return ConceptStats(
        num_pictures=len(scan.pictures),
        num_videos=len(scan.videos),
        num_masks=sum(picture.mask_path is not None for picture in scan.pictures),
        num_conditioning=sum(picture.conditioning_path is not None for picture in scan.pictures),
        num_captioned=len(scan.pictures) - len(uncaptioned),
        num_bytes=_num_bytes(scan),
        pixels=_span([(size.width * size.height, name) for name, size in sizes.items()]),
        caption_characters=_span(lengths),
        uncaptioned=uncaptioned,
        buckets=_buckets(list(sizes.values()), rule),
        broken=broken,
        notes=sorted({found.note for found in captions if found.note}) + _notes(scan, concept),
    )


def _sizes(pictures: Sequence[Picture]) -> tuple[dict[str, Size], list[BrokenPicture]]:
    sizes: dict[str, Size] = {}
    broken: list[BrokenPicture] = []
    for picture in pictures:
        try:
            sizes[picture.name] = read_size(picture.path)
        except UnreadablePictureError as error:
            broken.append(BrokenPicture(name=picture.name, reason=error.reason))
    return sizes, broken


def _notes(scan: ConceptScan, concept: ConceptConfig) -> list[str]:
    found = unused_files(scan, concept.text, trains_videos=True)
    unused = [f"{name} {reason}." for name, reason in found]
    shared = shared_captions((*scan.pictures, *scan.videos))
    return unused + [f"{' and '.join(names)} share {readable(path.name)}." for path, names in shared.items()]


def _num_bytes(scan: ConceptScan) -> int:
    # A file that vanished since the scan is named among the broken ones already.
    return sum(picture.path.stat().st_size for picture in scan.pictures if picture.path.exists())


def _span(values: list[tuple[int, str]]) -> Span | None:
    if not values:
        return None
    (least, least_name), (greatest, greatest_name) = min(values), max(values)
    return Span(
        least=least,
        least_name=least_name,
        average=statistics.fmean(value for value, _ in values),
        greatest=greatest,
        greatest_name=greatest_name,
    )


def _buckets(sizes: list[Size], rule: BucketRule) -> list[BucketStats]:
    trained = [training_size(size, rule.target, rule.multiple, is_bucketed=rule.is_bucketed) for size in sizes]
    cropped: dict[Size, list[float]] = defaultdict(list)
    for size, target in zip(sizes, trained, strict=True):
        cropped[target].append(100 * cropped_share(size, target))
    return [
        BucketStats(
            width=bucket.size.width,
            height=bucket.size.height,
            count=bucket.count,
            left_over=bucket.left_over,
            cropped_percent=round(statistics.fmean(cropped[bucket.size]), 1),
            most_cropped_percent=round(max(cropped[bucket.size]), 1),
        )
        for bucket in plan_buckets(trained, rule.batch_size)
    ]
