"""Which samples train in which epoch, in which batches: pure functions of (seed, epoch), so a resumed run repeats them.

What is drawn for a picture depends on the seed, the concept's seed, the picture's name in its folder and the number of
the variation, but not on its neighbours: adding or deleting one picture leaves the crops and prompts, and with them the
cached latents, of all others as they were.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from onetrainer_web.config.enums import ConceptType
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import PictureView, chance_for, reads_conditioning, reads_masks
from onetrainer_web.dataset.buckets import Bucket, plan_buckets
from onetrainer_web.dataset.epochs import Draw, EpochOptions, Epochs
from onetrainer_web.dataset.randomness import random_for
from onetrainer_web.dataset.scan import Picture
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.dataset.tags import vary_caption
from onetrainer_web.dataset.views import ViewOptions
from onetrainer_web.pipeline.items import ConceptData, Item, TrainingData, TrainingPicture


@dataclass(frozen=True, slots=True)
class PlanOptions(EpochOptions):
    """What the plan needs of a configuration."""

    reads_masks: bool = False
    """Whether the masks beside the pictures count."""
    is_inpainting: bool = False
    """Whether the model is shown a part of each picture and draws the rest."""
    reads_conditioning: bool = False
    """Whether the conditioning pictures beside the pictures are what the model is shown."""

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
            reads_conditioning=reads_conditioning(config),
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


class Planner(Epochs[ConceptData]):
    """Plans epochs over some data. Its memory only saves time: it changes no result."""

    def __init__(self, data: TrainingData, options: PlanOptions) -> None:
        super().__init__(data.concepts, options)
        self.data = data
        self.options = options
        self._items: dict[Draw, Item] = {}

    def plan_epoch(self, epoch: int) -> EpochPlan:
        """The batches of an epoch, counted from 0."""
        in_buckets: dict[tuple[Size, bool], list[Item]] = defaultdict(list)
        for draw in self.draws(epoch):
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
        return EpochPlan(epoch, tuple(batches), tuple(leftovers), self.buckets(epoch))

    def items(self, epochs: Iterable[int]) -> list[Item]:
        """The different samples of some epochs, leftovers included, in a fixed order: what is to be encoded."""
        periods = [math.lcm(*self.num_variations(concept)) for concept in self.data.concepts]
        different = {self.phase(epoch, periods): epoch for epoch in reversed(list(epochs))}
        draws = dict.fromkeys(draw for epoch in sorted(different.values()) for draw in self.draws(epoch))
        return [self._item(draw) for draw in draws]

    def _item(self, draw: Draw) -> Item:
        item = self._items.get(draw)
        if item is None:
            concept, picture = self.data.concepts[draw.concept], self.picture(draw)
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

    def training_size(self, draw: Draw) -> Size:
        """The size that a sample is trained at, from its view where that is drawn already."""
        return self._items[draw].view.target if draw in self._items else super().training_size(draw)

    def picture(self, draw: Draw) -> TrainingPicture:
        """The picture of a sample, with its captions."""
        return self.data.concepts[draw.concept].pictures[draw.picture]

    def _prompt(self, draw: Draw) -> str:
        concept, picture = self.data.concepts[draw.concept], self.picture(draw)
        seeds = {"concept_seed": concept.config.seed, "seed": self.options.views.seed}
        chance = chance_for("prompt", picture.file.name, draw.text_variation, **seeds)
        caption = chance.choice(picture.captions)
        return vary_caption(caption, concept.config.text, concept.special_tags, chance)


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
