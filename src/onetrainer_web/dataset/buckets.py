"""Aspect-ratio buckets: pictures of similar shape are trained at one size, by OneTrainer's rule.

Seventeen shapes, from 4:1 over 1:1 to 1:4, are each scaled to the area of a square of the target resolution, and their
sides rounded to the model's multiple. A picture goes to the bucket whose height/width is nearest to its own.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from onetrainer_web.config.resolution import parse_sides
from onetrainer_web.dataset.sizes import Size

_LONG_SIDES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0)
ASPECTS = tuple(sorted({*_LONG_SIDES, *(1 / side for side in _LONG_SIDES)}))
"""Height divided by width of the ideal buckets, widest first."""

Target = int | Size
"""A side in pixels, standing for the area of its square; or one exact size."""


def parse_resolution(text: str) -> tuple[Target, ...]:
    """The targets of a resolution field: "512", "512,768" or "1024x768" (width x height).

    Raises:
        InvalidConfigError: A part is neither a number nor WIDTHxHEIGHT, or out of range.
    """
    return tuple(Size(*sides) if len(sides) == 2 else sides[0] for sides in parse_sides(text))


@lru_cache(maxsize=256)
def bucket_sizes(target_px: int, multiple: int) -> tuple[Size, ...]:
    """All buckets of a target resolution, widest first, without doubles.

    Args:
        target_px: Side of the square whose area every bucket has.
        multiple: Every side is a multiple of this.
    """
    # Of a shape with height/width a and area t², the height is t·√a and the width t/√a.
    sizes = (
        Size(_round_to(target_px / math.sqrt(aspect), multiple), _round_to(target_px * math.sqrt(aspect), multiple))
        for aspect in ASPECTS
    )
    return tuple(dict.fromkeys(sizes))


@lru_cache(maxsize=65536)
def bucket_for(width: int, height: int, target_px: int, multiple: int) -> Size:
    """The bucket of a picture: the one with the least difference in height/width; of equals, the wider."""
    aspect = height / width
    return min(bucket_sizes(target_px, multiple), key=lambda bucket: abs(bucket.height / bucket.width - aspect))


def lowest_side(targets: Iterable[Target]) -> int:
    """The shortest side that any of the resolutions asks for, in pixels."""
    return min(min(target) if isinstance(target, Size) else target for target in targets)


def training_size(size: Size, target: Target, multiple: int, *, is_bucketed: bool) -> Size:
    """The size a picture is trained at.

    Without bucketing every picture becomes a square of the target resolution. OneTrainer leaves its side as it is;
    here it is rounded to the model's multiple, because any other size stops the model with an error.
    """
    if isinstance(target, Size):
        return Size(_round_to(target.width, multiple), _round_to(target.height, multiple))
    if is_bucketed:
        return bucket_for(size.width, size.height, target, multiple)
    side = _round_to(target, multiple)
    return Size(side, side)


def cover(size: Size, target: Size) -> Size:
    """The size to scale a picture to so that it just covers `target`, its shape kept."""
    scale = max(target.width / size.width, target.height / size.height)
    return Size(max(target.width, round(size.width * scale)), max(target.height, round(size.height * scale)))


def cropped_share(size: Size, target: Size) -> float:
    """The share of a picture's area that is cut off when it trains at `target`, from 0 to 1."""
    scaled = cover(size, target)
    return 1 - target.width * target.height / (scaled.width * scaled.height)


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many samples are trained at one size."""

    size: Size
    count: int
    kept: int
    """Samples that fill whole batches."""
    left_over: int
    """Samples that do not, and so do not train in this epoch."""
    is_video: bool = False
    """Whether its samples are clips of videos, which share no batch with pictures."""


def plan_buckets(sizes: Iterable[Size], batch_size: int) -> tuple[Bucket, ...]:
    """Count the samples of each training size, the fullest bucket first, and how many of them fill batches."""
    counts = Counter(sizes)
    return tuple(
        Bucket(size, count, kept=count - count % batch_size, left_over=count % batch_size)
        for size, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    )


def _round_to(length: float, multiple: int) -> int:
    return max(1, round(length / multiple)) * multiple
