"""Checking a configuration together with the pictures that it names."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onetrainer_web.config.checks.issue import Issue, Subject, warning
from onetrainer_web.config.checks.timing import length_issues, num_steps
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import BalancingStrategy, ConceptType, PromptSource
from onetrainer_web.config.repair import Note
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.config.validation import ValidationReport, find_issues, issues_of_notes, report
from onetrainer_web.dataset.buckets import Target, parse_resolution, training_size
from onetrainer_web.dataset.file_checks import emptiness, encoding_issues, file_issues, named, size_issues
from onetrainer_web.dataset.scan import (
    ConceptFolderNotFoundError,
    ConceptScan,
    FolderTooLargeError,
    Picture,
    concept_label,
    scan_concept,
)
from onetrainer_web.dataset.sizes import Size, UnreadablePictureError, read_size
from onetrainer_web.errors import InvalidConfigError

MAX_FILES = 100_000
"""Looked at in a concept's folder while a configuration is edited, which takes about a second."""


def validate_with_pictures(
    config: TrainConfig, workspace: Path, *, notes: Sequence[Note] = (), deep: bool = False
) -> ValidationReport:
    """Check a configuration, the folders of its concepts and what their pictures amount to.

    Args:
        config: The configuration.
        workspace: Where relative paths start.
        notes: What reading it could not take as it stood.
        deep: Whether a run is about to start: pictures are opened, and what is missing is an error.
    """
    pictures = _Pictures()
    of_pictures = list(_picture_issues(Subject(config, workspace, deep), pictures))
    steps = num_steps(config, pictures.num_samples) if pictures.is_complete else None
    return report([*issues_of_notes(notes), *find_issues(Subject(config, workspace, deep, steps)), *of_pictures])


@dataclass
class _Pictures:
    """What the concepts of a run amount to in one epoch."""

    num_samples: int = 0
    sizes: Counter[Size] = field(default_factory=Counter[Size])
    """Samples by the size they are trained at; only filled by the deep check."""
    has_chance: bool = False
    """Whether some pictures are trained at a size that chance decides."""
    has_training: bool = False
    """Whether a concept that is learned from holds pictures."""
    has_masks: bool = False
    """Whether one of them has a mask."""
    is_complete: bool = True
    """Whether every enabled concept could be looked at."""


def _picture_issues(subject: Subject, pictures: _Pictures) -> Iterator[Issue]:
    """What is wrong with the pictures of all concepts; `pictures` is filled with what they amount to."""
    for index, concept in enumerate(subject.config.concepts or ()):
        if concept.enabled and concept.path:
            yield from _concept_issues(subject, index, concept, pictures)
    if pictures.is_complete and pictures.num_samples:
        yield from _batch_issues(subject, pictures)
        yield from length_issues(subject.config, pictures.num_samples)
    elif pictures.is_complete and pictures.has_training:
        message = "An epoch takes no picture at all, so there is no step. Raise the balancing of a concept."
        yield subject.needed("concepts", "no_pictures", message)
    if subject.config.masked_training and pictures.is_complete and pictures.has_training and not pictures.has_masks:
        message = "No picture has a mask. It lies beside its picture: cat-masklabel.png beside cat.jpg or cat.png."
        yield warning("masked_training", "masks_missing", message)


def _concept_issues(subject: Subject, index: int, concept: ConceptConfig, pictures: _Pictures) -> Iterator[Issue]:
    path = f"concepts.{index}.path"
    try:
        scan = scan_concept(concept, subject.resolve(concept.path), None if subject.deep else MAX_FILES)
    except FolderTooLargeError as problem:
        pictures.is_complete = False
        message = f"{problem} They are looked at when a run starts; correct the path if you mean another folder."
        yield warning(path, "concept_folder_large", message)
        return
    except (ConceptFolderNotFoundError, OSError, ValueError) as problem:
        pictures.is_complete = False
        yield subject.needed(path, "concept_folder_missing", _sentence(problem))
        return
    trained = (*scan.pictures, *(scan.videos if subject.facts.is_video else ()))
    if not trained:
        pictures.is_complete = False
        yield subject.needed(path, "concept_folder_empty", emptiness(concept, scan, MAX_FILES))
        return
    yield from _caption_issues(path, concept, trained)
    yield from file_issues(path, concept, scan, trained)
    if concept.type != ConceptType.VALIDATION:
        pictures.has_training = True
        pictures.has_masks |= any(picture.mask_path for picture in trained)
        pictures.num_samples += _samples(concept, len(trained))
        yield from _balancing_issues(index, concept, len(trained))
    if subject.deep:
        yield from encoding_issues(path, concept, trained, subject.resolve)
        yield from _open_pictures(subject, path, concept, scan, pictures)


def _balancing_issues(index: int, concept: ConceptConfig, num_pictures: int) -> Iterator[Issue]:
    if 0 < concept.balancing < math.inf and not _samples(concept, num_pictures):
        message = (
            f"The concept {concept_label(concept)!r} takes no picture: its {num_pictures} at a balancing of "
            f"{concept.balancing:g} are 0 in an epoch. Raise it to {_least(concept, num_pictures):.3g} or more."
        )
        yield warning(f"concepts.{index}.balancing", "concept_without_effect", message)


def _least(concept: ConceptConfig, num_pictures: int) -> float:
    """The balancing that takes one picture."""
    is_factor = concept.balancing_strategy == BalancingStrategy.REPEATS
    return math.ceil(1000 / num_pictures) / 1000 if is_factor else 1


def _caption_issues(path: str, concept: ConceptConfig, trained: Sequence[Picture]) -> Iterator[Issue]:
    without = [picture.name for picture in trained if picture.caption_path is None]
    if concept.text.prompt_source == PromptSource.SAMPLE and without:
        message = f"{len(without)} of {len(trained)} pictures have no caption file: {named(without)}."
        yield warning(path, "captions_missing", message)


def _open_pictures(
    subject: Subject, path: str, concept: ConceptConfig, scan: ConceptScan, pictures: _Pictures
) -> Iterator[Issue]:
    sizes_by_name: dict[str, Size] = {}
    broken: list[str] = []
    for picture in scan.pictures:
        try:
            sizes_by_name[picture.name] = read_size(picture.path)
        except UnreadablePictureError as problem:
            broken.append(f"{picture.name} {problem.reason}")
    if broken:
        some = "One picture" if len(broken) == 1 else f"{len(broken)} pictures"
        message = f"{some} cannot be used: {named(broken)}. Replace or remove them."
        yield (warning if sizes_by_name else subject.needed)(path, "pictures_broken", message)
    sizes = list(sizes_by_name.values())
    targets = _targets(subject.config, concept)
    multiple, is_bucketed = subject.facts.bucket_multiple, subject.config.aspect_ratio_bucketing
    yield from size_issues(path, sizes_by_name, targets, multiple, is_bucketed=is_bucketed)
    if concept.type == ConceptType.VALIDATION or not sizes:
        return
    if len(targets) != 1:
        pictures.has_chance = True
        return
    counts = Counter(training_size(size, targets[0], multiple, is_bucketed=is_bucketed) for size in sizes)
    share = _samples(concept, len(sizes)) / len(sizes)
    pictures.sizes.update({size: math.ceil(count * share) for size, count in counts.items()})


def _batch_issues(subject: Subject, pictures: _Pictures) -> Iterator[Issue]:
    batch = subject.config.batch_size
    if pictures.num_samples < batch:
        message = (
            f"A batch of {batch} is larger than the {pictures.num_samples} pictures of an epoch: no step. Lower it."
        )
        yield subject.needed("batch_size", "no_full_batch", message)
        return
    if pictures.has_chance or not pictures.sizes:
        return
    (size, largest), *_ = pictures.sizes.most_common(1)
    if largest < batch:
        message = (
            f"No group of pictures of similar shape fills a batch of {batch}; the largest has {largest} of {size}. "
            "Lower the batch size, or crop pictures to fewer shapes."
        )
        yield subject.needed("batch_size", "no_full_batch", message)
    elif left := sum(count % batch for count in pictures.sizes.values()):
        message = (
            f"{left} pictures of an epoch fill no batch of {batch} and wait for another epoch. Lower it to use all."
        )
        yield warning("batch_size", "pictures_left_over", message)


def _sentence(problem: Exception) -> str:
    if isinstance(problem, ConceptFolderNotFoundError):
        return str(problem)
    return f"The folder of a concept cannot be looked at: {problem}. Correct its path or disable the concept."


def _samples(concept: ConceptConfig, num_pictures: int) -> int:
    """Pictures that an epoch takes from a concept."""
    if not math.isfinite(concept.balancing):
        return 0
    is_factor = concept.balancing_strategy == BalancingStrategy.REPEATS
    return math.floor(num_pictures * concept.balancing) if is_factor else int(concept.balancing)


def _targets(config: TrainConfig, concept: ConceptConfig) -> tuple[Target, ...]:
    """The resolutions of a concept, among which chance decides; none of an unreadable one."""
    image = concept.image
    try:
        return parse_resolution(image.resolution_override if image.enable_resolution_override else config.resolution)
    except InvalidConfigError:
        return ()
