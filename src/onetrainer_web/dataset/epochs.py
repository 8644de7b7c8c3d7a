"""Which pictures an epoch takes and how many batches they fill: the trainer plans by it, and the checks count by it.

Each epoch goes on through a concept's list where the last one ended, so that with a balancing below 1 all pictures have
their turn.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, NamedTuple, Protocol, TypeVar

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import BalancingStrategy
from onetrainer_web.dataset.buckets import Bucket, plan_buckets
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.dataset.views import SizedPicture, ViewOptions, Views
from onetrainer_web.errors import InvalidConfigError

_UNLIMITED = 2**62
_MAX_COUNTED = 300_000
"""Samples that the length of a run is counted by, which takes about a second."""


class NoFullBatchError(InvalidConfigError):
    """No bucket fills a batch."""

    def __init__(self, batch_size: int, buckets: Iterable[Bucket]) -> None:
        counts = ", ".join(f"{bucket.size}: {bucket.count}" for bucket in buckets) or "none"
        super().__init__(
            f"No batch of {batch_size} can be filled with pictures of one size (samples per size: {counts}). "
            "Lower batch_size, add pictures, raise the concepts' balancing, or switch aspect_ratio_bucketing off."
        )


@dataclass(frozen=True, slots=True)
class EpochOptions:
    """What counting needs of a configuration."""

    batch_size: int
    views: ViewOptions
    caches_pictures: bool
    """Pictures vary over `image_variations` only; otherwise anew in every pass."""
    caches_prompts: bool
    """Prompts vary over `text_variations` only; otherwise anew in every pass."""


class SizedConcept(Protocol):
    """A concept with pictures whose sizes are known."""

    @property
    def config(self) -> ConceptConfig:
        """Its settings."""
        ...

    @property
    def label(self) -> str:
        """What people call it."""
        ...

    @property
    def pictures(self) -> Sequence[SizedPicture]:
        """Those that can be used, in the order of training."""
        ...


_Concept = TypeVar("_Concept", bound=SizedConcept)


class Draw(NamedTuple):
    """Which sample: enough to make it, and what equal samples have in common."""

    concept: int
    picture: int
    image_variation: int
    text_variation: int


@dataclass(frozen=True, slots=True)
class RunLength:
    """What the epochs of a run amount to."""

    steps: int
    """Batches of all epochs."""
    fewest_left_over: int
    """Samples of an epoch that fill no batch, where that is fewest."""
    never: tuple[Draw, ...]
    """One sample of each picture that is in no batch of any epoch, whatever is drawn."""


class Epochs(Generic[_Concept]):
    """The samples of each epoch over some concepts. Its memory only saves time: it changes no result."""

    def __init__(self, concepts: Sequence[_Concept], options: EpochOptions) -> None:
        self._concepts = concepts
        self._epoch_options = options
        self._views = [Views(concept.config, options.views) for concept in concepts]
        self._bucket_tables: dict[tuple[int, ...], tuple[Bucket, ...]] = {}

    @property
    def num_samples(self) -> int:
        """Of one epoch."""
        return sum(map(samples_per_epoch, self._concepts))

    def count_steps(self, num_epochs: int) -> list[int]:
        """The number of batches of each epoch.

        Raises:
            NoFullBatchError: There is none in all of them.
        """
        batch_size = self._epoch_options.batch_size
        steps = [sum(bucket.kept for bucket in self.buckets(epoch)) // batch_size for epoch in range(num_epochs)]
        if num_epochs and not any(steps):
            raise NoFullBatchError(batch_size, self.buckets(0))
        return steps

    def length(self, num_epochs: int) -> RunLength:
        """What that many epochs amount to; those behind the first `_MAX_COUNTED` samples, as the ones before."""
        num_samples, batch_size = self.num_samples, self._epoch_options.batch_size
        counted = min(num_epochs, _MAX_COUNTED // max(1, num_samples))
        if not counted:  # more in one epoch than anybody waits for: as if all were of one size
            return RunLength(num_samples // batch_size * num_epochs, 0, ())
        tables = [self.buckets(epoch) for epoch in range(counted)]
        kept = [sum(bucket.kept for bucket in table) for table in tables]
        steps = sum(number // batch_size for number in kept)
        return RunLength(steps * num_epochs // counted, num_samples - max(kept), self._never(tables))

    def _never(self, tables: Sequence[Sequence[Bucket]]) -> tuple[Draw, ...]:
        """One sample of each picture that lies in no full bucket of any epoch; `tables` are those of the epochs."""
        if all(bucket.kept for table in tables for bucket in table):
            return ()
        lonely: dict[tuple[int, int], Draw] = {}
        trained: set[tuple[int, int]] = set()
        for epoch, table in enumerate(tables):
            full = {(bucket.size, bucket.is_video) for bucket in table if bucket.kept}
            for draw in self.draws(epoch):
                picture = (draw.concept, draw.picture)
                if (self.training_size(draw), self.picture(draw).num_frames is not None) in full:
                    trained.add(picture)
                else:
                    lonely.setdefault(picture, draw)
        return tuple(draw for picture, draw in lonely.items() if picture not in trained)

    def draws(self, epoch: int) -> Iterator[Draw]:
        """The pictures of an epoch, counted from 0."""
        for index, concept in enumerate(self._concepts):
            num_samples = samples_per_epoch(concept)
            num_images, num_texts = self.num_variations(concept)
            for position in range(epoch * num_samples, (epoch + 1) * num_samples):
                turn, picture = divmod(position, len(concept.pictures))
                yield Draw(index, picture, turn % num_images, turn % num_texts)

    def num_variations(self, concept: SizedConcept) -> tuple[int, int]:
        """Of a picture and of its prompt, before they come round."""
        return (
            concept.config.image_variations if self._epoch_options.caches_pictures else _UNLIMITED,
            concept.config.text_variations if self._epoch_options.caches_prompts else _UNLIMITED,
        )

    def phase(self, epoch: int, periods: Iterable[int]) -> tuple[int, ...]:
        """Where an epoch starts in each concept's list, repeated `periods` times: equal phases have equal draws."""
        return tuple(
            epoch * samples_per_epoch(concept) % (max(1, len(concept.pictures)) * period)
            for concept, period in zip(self._concepts, periods, strict=True)
        )

    def buckets(self, epoch: int) -> tuple[Bucket, ...]:
        """How many samples of an epoch are trained at each size, the fullest bucket first."""
        # With one target, all variations of a whole picture have one size.
        periods = [
            self.num_variations(concept)[0] if len(views.targets) > 1 or _is_cut_to_masks(concept) else 1
            for concept, views in zip(self._concepts, self._views, strict=True)
        ]
        phase = self.phase(epoch, periods)
        if phase not in self._bucket_tables:
            sizes = [(self.training_size(draw), self.picture(draw).num_frames) for draw in self.draws(epoch)]
            self._bucket_tables[phase] = _plan_buckets(sizes, self._epoch_options.batch_size)
        return self._bucket_tables[phase]

    def training_size(self, draw: Draw) -> Size:
        """The size that a sample is trained at."""
        return self._views[draw.concept].draw_size(self.picture(draw), draw.image_variation)

    def picture(self, draw: Draw) -> SizedPicture:
        """The picture of a sample."""
        return self._concepts[draw.concept].pictures[draw.picture]


def samples_per_epoch(concept: SizedConcept) -> int:
    """How many samples of a concept an epoch has, by its balancing: rounded down, 0 without pictures.

    Raises:
        InvalidConfigError: The balancing is infinite.
    """
    config = concept.config
    if not math.isfinite(config.balancing):
        raise InvalidConfigError(f"The balancing of the concept {concept.label!r} is infinite; give it a number.")
    if not concept.pictures:
        return 0
    is_repeats = config.balancing_strategy == BalancingStrategy.REPEATS
    return math.floor(len(concept.pictures) * config.balancing) if is_repeats else int(config.balancing)


def _plan_buckets(sizes: Sequence[tuple[Size, int | None]], batch_size: int) -> tuple[Bucket, ...]:
    """The buckets of pictures and of videos, from each sample's size and number of frames, the fullest first."""
    pictures = plan_buckets((size for size, num_frames in sizes if num_frames is None), batch_size)
    videos = plan_buckets((size for size, num_frames in sizes if num_frames is not None), batch_size)
    marked = (replace(bucket, is_video=True) for bucket in videos)
    return tuple(sorted((*pictures, *marked), key=lambda bucket: -bucket.count))


def _is_cut_to_masks(concept: SizedConcept) -> bool:
    return any(picture.masked for picture in concept.pictures)
