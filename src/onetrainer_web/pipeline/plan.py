"""Which samples train in which epoch, in which batches: pure functions of (seed, epoch), so a resumed run repeats them.

What is drawn for a picture depends on the seed, the concept's seed, the picture's name in its folder and the number of
the variation, but not on its neighbours: adding or deleting one picture leaves the crops and prompts, and with them the
cached latents, of all others as they were.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from onetrainer_web.config.enums import BalancingStrategy, ConceptType
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import PictureView, chance_for, reads_masks
from onetrainer_web.dataset.buckets import Bucket, plan_buckets
from onetrainer_web.dataset.randomness import random_for
from onetrainer_web.dataset.scan import Picture
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.dataset.views import ViewOptions, Views
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.pipeline.items import ConceptData, Item, TrainingData, TrainingPicture
from onetrainer_web.pipeline.tags import vary_caption

_UNLIMITED = 2**62


class NoFullBatchError(InvalidConfigError):
    """No bucket fills a batch."""

    def __init__(self, batch_size: int, buckets: Iterable[Bucket]) -> None:
        counts = ", ".join(f"{bucket.size}: {bucket.count}" for bucket in buckets) or "none"
        super().__init__(
            f"No batch of {batch_size} can be filled with pictures of one size (samples per size: {counts}). "
            "Lower batch_size, add pictures, raise the concepts' balancing, or switch aspect_ratio_bucketing off."
        )


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the plan needs of a configuration."""

    batch_size: int
    views: ViewOptions
    caches_pictures: bool
    """Pictures vary over `image_variations` only; otherwise anew in every pass."""
    caches_prompts: bool
    """Prompts vary over `text_variations` only; otherwise anew in every pass."""
    reads_masks: bool = False
    """Whether the masks beside the pictures count."""
    is_inpainting: bool = False
    """Whether the model is shown a part of each picture and draws the rest."""
    reads_conditioning: bool = False
    """Whether the conditioning pictures beside the pictures are what an inpainting model is shown."""

    @classmethod
    def of(cls, config: TrainConfig, multiple: int, *, caches_prompts: bool = True) -> "PlanOptions":
        """Take them from a configuration.

        Args:
            config: The run's configuration.
            multiple: Every side is a multiple of this many pixels.
            caches_prompts: False when a text encoder is trained, so that its output cannot be kept.

        Raises:
            InvalidConfigError: The resolution or the number of frames is not understood.
        """
        is_inpainting = facts(config.model_type).has_mask_input
        return cls(
            batch_size=config.batch_size,
            views=ViewOptions.of(config, multiple),
            caches_pictures=config.latent_caching,
            caches_prompts=config.latent_caching and caches_prompts,
            reads_masks=reads_masks(config),
            is_inpainting=is_inpainting,
            reads_conditioning=is_inpainting and config.custom_conditioning_image,
        )

    def used_files(self, picture: Picture) -> Picture:
        """A picture with those of its files that count."""
        return replace(
            picture,
            mask_path=picture.mask_path if self.reads_masks else None,
            conditioning_path=picture.conditioning_path if self.reads_conditioning else None,
        )


@dataclass(frozen=True, slots=True)
class EpochPlan:
    """The samples of one epoch."""

    epoch: int
    batches: tuple[tuple[Item, ...], ...]
    """In order of training; all pictures of a batch have one target size."""
    leftovers: tuple[Item, ...]
    """Samples that fill no batch; which ones, changes from epoch to epoch."""
    buckets: tuple[Bucket, ...]
    """The fullest first."""

    @property
    def samples(self) -> tuple[Item, ...]:
        """All of them, those left over at the end."""
        return (*(item for batch in self.batches for item in batch), *self.leftovers)


class _Draw(NamedTuple):
    """Which sample: enough to make it, and what equal samples have in common."""

    concept: int
    picture: int
    image_variation: int
    text_variation: int


class Planner:
    """Plans epochs over some data. Its memory only saves time: it changes no result."""

    def __init__(self, data: TrainingData, options: PlanOptions) -> None:
        self.data = data
        self.options = options
        self._items: dict[_Draw, Item] = {}
        self._bucket_tables: dict[tuple[int, ...], tuple[Bucket, ...]] = {}
        self._views = [Views(concept.config, options.views) for concept in data.concepts]

    def plan_epoch(self, epoch: int) -> EpochPlan:
        """The batches of an epoch, counted from 0."""
        in_buckets: dict[tuple[Size, bool], list[Item]] = defaultdict(list)
        for draw in self._draws(epoch):
            item = self._item(draw)
            in_buckets[item.view.target, item.view.clip is not None].append(item)
        batches: list[tuple[Item, ...]] = []
        leftovers: list[Item] = []
        batch_size = self.options.batch_size
        for (size, is_video), items in sorted(in_buckets.items()):
            kind = "clips" if is_video else "samples"
            random_for(self.options.views.seed, kind, epoch, str(size)).shuffle(items)
            num_kept = len(items) - len(items) % batch_size
            batches += [tuple(items[start : start + batch_size]) for start in range(0, num_kept, batch_size)]
            leftovers += items[num_kept:]
        random_for(self.options.views.seed, "batches", epoch).shuffle(batches)
        return EpochPlan(epoch, tuple(batches), tuple(leftovers), self._buckets(epoch))

    def count_steps(self, num_epochs: int) -> list[int]:
        """The number of batches of each epoch.

        Raises:
            NoFullBatchError: There is none in all of them.
        """
        steps = [
            sum(bucket.kept for bucket in self._buckets(epoch)) // self.options.batch_size
            for epoch in range(num_epochs)
        ]
        if num_epochs and not any(steps):
            raise NoFullBatchError(self.options.batch_size, self._buckets(0))
        return steps

    def items(self, epochs: Iterable[int]) -> list[Item]:
        """The different samples of some epochs, leftovers included, in a fixed order: what is to be encoded."""
        periods = [math.lcm(*self._num_variations(concept)) for concept in self.data.concepts]
        different = {self._phase(epoch, periods): epoch for epoch in reversed(list(epochs))}
        draws = dict.fromkeys(draw for epoch in sorted(different.values()) for draw in self._draws(epoch))
        return [self._item(draw) for draw in draws]

    def _draws(self, epoch: int) -> Iterator[_Draw]:
        """The pictures of an epoch; each epoch goes on through a concept's list where the last one ended."""
        for index, concept in enumerate(self.data.concepts):
            num_samples = samples_per_epoch(concept)
            num_images, num_texts = self._num_variations(concept)
            for position in range(epoch * num_samples, (epoch + 1) * num_samples):
                turn, picture = divmod(position, len(concept.pictures))
                yield _Draw(index, picture, turn % num_images, turn % num_texts)

    def _num_variations(self, concept: ConceptData) -> tuple[int, int]:
        """Of a picture and of its prompt, before they come round."""
        return (
            concept.config.image_variations if self.options.caches_pictures else _UNLIMITED,
            concept.config.text_variations if self.options.caches_prompts else _UNLIMITED,
        )

    def _phase(self, epoch: int, periods: Iterable[int]) -> tuple[int, ...]:
        """Where an epoch starts in each concept's list, repeated `periods` times: equal phases have equal draws."""
        return tuple(
            epoch * samples_per_epoch(concept) % (max(1, len(concept.pictures)) * period)
            for concept, period in zip(self.data.concepts, periods, strict=True)
        )

    def _buckets(self, epoch: int) -> tuple[Bucket, ...]:
        # With one target, all variations of a whole picture have one size.
        periods = [
            self._num_variations(concept)[0] if len(views.targets) > 1 or _is_cut_to_masks(concept) else 1
            for concept, views in zip(self.data.concepts, self._views, strict=True)
        ]
        phase = self._phase(epoch, periods)
        if phase not in self._bucket_tables:
            sizes = [(self._training_size(draw), self._picture(draw).num_frames) for draw in self._draws(epoch)]
            self._bucket_tables[phase] = _plan_buckets(sizes, self.options.batch_size)
        return self._bucket_tables[phase]

    def _item(self, draw: _Draw) -> Item:
        item = self._items.get(draw)
        if item is None:
            concept, picture = self.data.concepts[draw.concept], self._picture(draw)
            view = self._views[draw.concept].draw(picture, draw.image_variation)
            item = self._make_item(concept, picture, view, self._prompt(draw))
            if self.options.caches_pictures and self.options.caches_prompts:  # otherwise no draw comes twice
                self._items[draw] = item
        return item

    def _make_item(self, concept: ConceptData, picture: TrainingPicture, view: PictureView, prompt: str) -> Item:
        files = self.options.used_files(picture.file)
        return Item(
            path=files.path,
            mask_path=files.mask_path,
            conditioning_path=files.conditioning_path,
            is_inpainted=self.options.is_inpainting,
            name=f"{concept.label}/{files.name}",
            concept=concept.label,
            size=view.window.size if view.window else picture.size,
            view=view,
            prompt=prompt,
            loss_weight=concept.config.loss_weight,
            is_prior=concept.config.type is ConceptType.PRIOR_PREDICTION,
        )

    def _training_size(self, draw: _Draw) -> Size:
        if draw in self._items:
            return self._items[draw].view.target
        return self._views[draw.concept].draw_size(self._picture(draw), draw.image_variation)

    def _picture(self, draw: _Draw) -> TrainingPicture:
        return self.data.concepts[draw.concept].pictures[draw.picture]

    def _prompt(self, draw: _Draw) -> str:
        concept, picture = self.data.concepts[draw.concept], self._picture(draw)
        seeds = {"concept_seed": concept.config.seed, "seed": self.options.views.seed}
        chance = chance_for("prompt", picture.file.name, draw.text_variation, **seeds)
        caption = chance.choice(picture.captions)
        return vary_caption(caption, concept.config.text, concept.special_tags, chance)


def samples_per_epoch(concept: ConceptData) -> int:
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


def _is_cut_to_masks(concept: ConceptData) -> bool:
    return any(picture.masked for picture in concept.pictures)


class ValidationPlanner(Planner):
    """Each picture once, alone in its batch: at the first target, cropped in the middle, with its first caption."""

    def plan_epoch(self, epoch: int) -> EpochPlan:
        """The same for every epoch."""
        items = self.items([epoch])
        buckets = plan_buckets((item.view.target for item in items), batch_size=1)
        return EpochPlan(epoch, tuple((item,) for item in items), (), buckets)

    def count_steps(self, num_epochs: int) -> list[int]:
        """One for each picture."""
        return [self.data.num_pictures] * num_epochs

    def items(self, epochs: Iterable[int]) -> list[Item]:
        """All pictures, whatever the epochs."""
        del epochs
        return [
            self._make_item(concept, picture, views.middle(picture), picture.captions[0])
            for concept, views in zip(self.data.concepts, self._views, strict=True)
            for picture in concept.pictures
        ]
