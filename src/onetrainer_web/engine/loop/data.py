"""The pictures and prompts of a run: planned, encoded where that can be done once, and handed out in batches."""

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ConceptType
from onetrainer_web.config.families import facts
from onetrainer_web.dataset.augment import reads_masks, reads_references
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.dataset.views import ClipLength
from onetrainer_web.engine.loop.encoders import FamilyEncoders
from onetrainer_web.engine.loop.remaining import describe_data
from onetrainer_web.engine.runtime.environment import cache_limit_bytes
from onetrainer_web.engine.runtime.randomness import numpy_generator
from onetrainer_web.engine.runtime.run import Run
from onetrainer_web.files.confined import readable
from onetrainer_web.files.json_files import load_json
from onetrainer_web.pipeline.batches import Batch, BatchSource
from onetrainer_web.pipeline.cache import TensorCache
from onetrainer_web.pipeline.encode import FillReport, PictureId, check_pictures, fill_cache, fill_prompts
from onetrainer_web.pipeline.entries import HINT, side_by_side
from onetrainer_web.pipeline.items import (
    TRAINED_TYPES,
    Item,
    TrainingData,
    Uses,
    collect_data,
    require_pictures,
)
from onetrainer_web.pipeline.plan import EpochPlan, Planner, PlanOptions, ValidationPlanner
from onetrainer_web.protocol.events import BucketCount, Skipped, SkippedPicture


def read_concepts(run: Run) -> list[ConceptConfig]:
    """All concepts of a run, out of its configuration or the file that it names; none when that is missing."""
    if run.config.concepts is not None:
        return run.config.concepts
    path = run.paths.workspace.resolve(run.config.concept_file_name)
    return [ConceptConfig.model_validate(concept) for concept in load_json(path)] if path.is_file() else []


class TrainingSet:
    """All epochs of a run, or what measures it: samples of the concepts of some types."""

    def __init__(self, run: Run, encoders: FamilyEncoders, types: Collection[ConceptType] = TRAINED_TYPES) -> None:
        """Read and plan; nothing is encoded yet.

        Raises:
            OneTrainerWebError: There is nothing to train on.
            StopRequested: The run was told to stop.
        """
        config = run.config
        self._config = config
        self._encoders = encoders
        self._ranks = run.ranks
        self._reporter = run.reporter
        self._watch = run.watch()
        self._cache = TensorCache(run.paths.cache) if config.latent_caching else None
        self._keys: dict[PictureId, str] = {}
        self._filled: set[Item] = set()
        self._source = BatchSource(encoders, self._cache, self._keys, config.dataloader_threads)
        self._types = types
        self._is_trained = ConceptType.VALIDATION not in types
        self._is_reported = False
        """Whether what does not train was named."""
        self._drops_captions = self._is_trained and any(
            getattr(config, encoder.part).dropout_probability > 0 for encoder in facts(config.model_type).encoders
        )
        uses = Uses(reads_masks(config), reads_references(config), ClipLength.of(config))
        found = collect_data(read_concepts(run), types, run.paths.workspace.resolve, self._watch, uses)
        self._planner = self._plan(found)

    def prepare(self, first_epoch: int) -> None:
        """Encode what the first epoch of the plan needs; then the number of steps is certain.

        Raises:
            OneTrainerWebError: There is nothing to train on, or it cannot be encoded.
            StopRequested: The run was told to stop.
        """
        self._encode(first_epoch)
        self._check_others(first_epoch)
        self._prune()
        self._report()

    def count_steps(self) -> list[int]:
        """The batches of each epoch, unless further pictures turn out to be broken."""
        return self._planner.count_steps(self._config.epochs)

    @property
    def num_pictures(self) -> int:
        """Usable pictures of all concepts."""
        return self._planner.data.num_pictures

    def captions(self) -> dict[str, list[str]]:
        """All captions of each concept that is to be learned, by its label."""
        return {
            concept.label: [caption for picture in concept.pictures for caption in picture.captions]
            for concept in self._planner.data.concepts
            if concept.config.type is ConceptType.STANDARD
        }

    def describe(self) -> dict[str, Any]:
        """What a backup remembers of the pictures."""
        return describe_data(self._config, self._planner.data)

    def start_epoch(self, epoch: int) -> EpochPlan:
        """The plan of an epoch, with everything that it needs encoded."""
        self._encode(epoch)
        return self._planner.plan_epoch(epoch)

    def batches(self, plan: EpochPlan, places: Iterable[int]) -> Iterator[Batch]:
        """Some batches of an epoch, by their places in it."""
        return self._source.batches(replace(plan, batches=tuple(plan.batches[place] for place in places)))

    def conditions(self, batch: Batch, global_step: int, device: torch.device) -> dict[str, Tensor]:
        """What tells the model what to draw, for one step: encoded before, or now when a text encoder learns.

        Caption dropout puts the empty prompt in place of some captions, as guided sampling does for its comparison.
        References are dropped for a whole batch: those of one batch are put together.
        """
        told = {**self._prompt_conditions(batch, global_step), **self._encoders.picture_conditions(batch)}
        if self._drops_references(global_step):
            del told[HINT]
        return {name: tensor.to(device) for name, tensor in told.items()}

    def _drops_references(self, global_step: int) -> bool:
        probability = self._config.reference_dropout_probability
        if not (self._is_trained and probability and reads_references(self._config)):
            return False
        return bool(numpy_generator("reference dropout", global_step).random() < probability)

    def _prompt_conditions(self, batch: Batch, global_step: int) -> dict[str, Tensor]:
        dropped = self._dropped(len(batch.prompts), global_step)
        if self._encoders.text_identity is None:
            prompts = ["" if index in dropped else prompt for index, prompt in enumerate(batch.prompts)]
            return self._encoders.conditions(prompts)
        conditions = dict(batch.conditioning)
        if dropped:
            for name, (empty,) in self._source.conditioning([""]).items():
                kept = conditions[name]
                conditions[name] = side_by_side([empty if row in dropped else own for row, own in enumerate(kept)])
        return conditions

    def bucket_counts(self) -> list[BucketCount]:
        """How the samples of the first epoch fall into picture sizes, and what they cost."""
        plan = self._planner.plan_epoch(0)
        shown: dict[tuple[Size, bool], list[Item]] = defaultdict(list)
        for item in plan.samples:
            shown[item.view.target, item.view.clip is not None].append(item)
        return [
            BucketCount(
                width=bucket.size.width,
                height=bucket.size.height,
                kept=bucket.kept,
                left_over=bucket.left_over,
                is_video=bucket.is_video,
                repeated=bucket.count - len({item.path for item in shown[bucket.size, bucket.is_video]}),
                cropped=sum(item.view.is_cropped for item in shown[bucket.size, bucket.is_video]),
            )
            for bucket in plan.buckets
        ]

    def _plan(self, data: TrainingData) -> Planner:
        require_pictures(data, self._types)
        multiple = facts(self._config.model_type).bucket_multiple
        is_cached = self._encoders.text_identity is not None
        planner = Planner if self._is_trained else ValidationPlanner
        return planner(data, PlanOptions.of(self._config, multiple, caches_prompts=is_cached))

    def _encode(self, epoch: int) -> None:
        """Encode what an epoch lacks; pictures that turn out to be broken leave the plan, by name."""
        if self._cache is None:
            return
        items = [item for item in self._planner.items([epoch]) if item not in self._filled]
        reports = self._ranks.of_each("encoding", partial(self._fill, self._ranks.share(items), self._cache))
        for report in reports:
            self._keys |= report.picture_keys
        self._filled.update(items)
        if broken := [picture for report in reports for picture in report.broken]:
            self._leave_out(broken)
            self._encode(epoch)

    def _fill(self, items: Sequence[Item], cache: TensorCache) -> FillReport:
        report = fill_cache(items, self._encoders, cache, self._watch, self._config.dataloader_threads)
        if self._drops_captions:
            fill_prompts([""], self._encoders, cache, self._watch)
        return report

    def _check_others(self, first_epoch: int) -> None:
        """Decode the pictures that the first epoch does not show, and their masks.

        What is broken leaves the plan before the first step, whichever epoch a run starts in: the same for a run that
        is resumed as for one that was never interrupted.
        """
        shown = {path for path, _ in self._keys}
        pictures = (picture.file for concept in self._planner.data.concepts for picture in concept.pictures)
        others = [self._planner.options.used_files(picture) for picture in pictures if picture.path not in shown]
        memory = self._cache and self._cache.whole_files
        own, num_threads = self._ranks.share(others), self._config.dataloader_threads
        found = self._ranks.of_each("checking", lambda: check_pictures(own, self._watch, num_threads, memory))
        if broken := [picture for each in found for picture in each]:
            self._leave_out(broken)
            self._encode(first_epoch)

    def _leave_out(self, broken: Sequence[SkippedPicture]) -> None:
        if self._is_reported:  # otherwise the first report names them
            self._reporter.write(Skipped(pictures=list(broken)))
        self._planner = self._plan(self._planner.data.without(broken))

    def _prune(self) -> None:
        """Keep the cache within its limit and free of leftovers; what this run needs stays in any case."""
        cache, limit = self._cache, cache_limit_bytes()
        if cache is None:
            return
        for used in self._ranks.of_each("used entries", lambda: cache.used):
            cache.use(used)

        def prune() -> None:
            with suppress(OSError):  # what others delete at the same time, or of a disk that cannot be written
                cache.prune(sys.maxsize if limit is None else limit)

        self._ranks.of_first("pruning", prune)

    def _dropped(self, num_prompts: int, global_step: int) -> set[int]:
        """Which captions of a step are dropped."""
        if not self._drops_captions:
            return set()
        probability = max(
            getattr(self._config, encoder.part).dropout_probability
            for encoder in facts(self._config.model_type).encoders
        )
        drawn = numpy_generator("caption dropout", global_step).random(num_prompts)
        return {index for index, chance in enumerate(drawn) if chance < probability}

    def _report(self) -> None:
        """Name what does not train."""
        self._is_reported = True
        for note in self._planner.data.notes:
            self._reporter.warn(note)
        batch_size = self._config.batch_size
        left_over = [
            SkippedPicture(
                path=readable(item.path),
                reason=f"fills no batch of {batch_size} at {item.view.target} in the first epoch",
            )
            for item in self._planner.plan_epoch(0).leftovers
        ]
        pictures = [*self._planner.data.skipped, *left_over]
        if pictures:
            self._reporter.write(Skipped(pictures=pictures))
