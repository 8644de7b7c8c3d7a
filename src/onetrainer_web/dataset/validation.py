"""Checking a configuration together with the pictures that it names."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onetrainer_web.config.checks.issue import Issue, Subject, warning
from onetrainer_web.config.checks.timing import length_issues
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import BalancingStrategy, ConceptType, PromptSource
from onetrainer_web.config.families import facts
from onetrainer_web.config.repair import Note
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.config.validation import ValidationReport, find_issues, issues_of_notes, report
from onetrainer_web.dataset.augment import reads_conditioning, reads_masks, reads_references
from onetrainer_web.dataset.buckets import Target, parse_resolution, training_size
from onetrainer_web.dataset.epochs import EpochOptions, Epochs, RunLength, samples_per_epoch
from onetrainer_web.dataset.file_checks import (
    NOTABLE_CROP,
    Stretched,
    below_issues,
    emptiness,
    file_issues,
    named,
    size_issues,
    stretch,
)
from onetrainer_web.dataset.scan import (
    ConceptFolderNotFoundError,
    FolderTooLargeError,
    Picture,
    concept_label,
    is_video,
    scan_concept,
)
from onetrainer_web.dataset.sizes import Size, UnreadablePictureError, check_beside, read_size
from onetrainer_web.dataset.text_checks import text_issues
from onetrainer_web.dataset.views import ClipLength, SizedPicture, ViewOptions, read_sized
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
    subject, pictures = Subject(config, workspace, deep), _Pictures()
    of_pictures = [*_picture_issues(subject, pictures), *_sample_issues(subject)]
    length = None
    if pictures.is_complete and (epochs := _epochs(config, pictures.concepts)) and epochs.num_samples:
        length = epochs.length(config.epochs)
        of_pictures += [*_batch_issues(subject, epochs, length), *length_issues(config, length.steps)]
    steps = length.steps if length else None
    return report([*issues_of_notes(notes), *find_issues(Subject(config, workspace, deep, steps), notes), *of_pictures])


def _sample_issues(subject: Subject) -> Iterator[Issue]:
    """Pictures that samples draw into and cannot be read; the others are drawn all the same."""
    for index, sample in enumerate(subject.config.samples or ()) if subject.deep else ():
        for key in ("base_image_path", "mask_image_path"):
            name = getattr(sample, key)
            if not (name and sample.enabled and sample.sample_inpainting):
                continue
            try:
                read_size(subject.resolve(name))
            except UnreadablePictureError as problem:
                message = f"Sample {index + 1} cannot be drawn: {name} {problem.reason}. Choose another picture."
                yield warning(f"samples.{index}.{key}", "sample_picture_broken", message)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A concept that is learned from, with its pictures; before they are opened, all count as of one size."""

    config: ConceptConfig
    label: str
    pictures: tuple[SizedPicture, ...]


@dataclass
class _Pictures:
    """What the concepts of a run hold."""

    concepts: list[_Counted] = field(default_factory=list[_Counted])
    has_masks: bool = False
    """Whether one of them has a mask."""
    is_complete: bool = True
    """Whether every enabled concept could be looked at."""


def _picture_issues(subject: Subject, pictures: _Pictures) -> Iterator[Issue]:
    """What is wrong with the pictures of all concepts; `pictures` is filled with what they amount to."""
    for index, concept in enumerate(subject.config.concepts or ()):
        if concept.enabled and concept.path:
            yield from _concept_issues(subject, index, concept, pictures)
    has_training = any(concept.pictures for concept in pictures.concepts)
    if pictures.is_complete and has_training and not any(map(_samples_of, pictures.concepts)):
        message = "An epoch takes no picture at all, so there is no step. Raise the balancing of a concept."
        yield subject.needed("concepts", "no_pictures", message)
    if subject.config.masked_training and pictures.is_complete and has_training and not pictures.has_masks:
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
        yield subject.needed(
            path, "concept_folder_empty", emptiness(concept, scan, MAX_FILES, trains_videos=subject.facts.is_video)
        )
        return
    yield from _caption_issues(path, concept, trained)
    yield from _reference_issues(subject, path, trained)
    yield from file_issues(path, concept, scan, trained, trains_videos=subject.facts.is_video)
    sized, moves_crop = tuple(SizedPicture(picture, Size(1, 1)) for picture in trained), False
    if subject.deep:
        sized, broken = _open(subject, concept, trained)
        yield from _broken_issues(subject, path, sized, broken)
        stretched = _stretched(subject, concept, sized)
        if concept.type != ConceptType.VALIDATION:  # what is only measured teaches nothing
            yield from size_issues(path, stretched)
        moves_crop = any(one.cropped > NOTABLE_CROP for one in stretched.values())
        yield from below_issues(path, concept, scan, MAX_FILES)
    yield from text_issues(subject, index, concept, trained, moves_crop=moves_crop)
    if concept.type != ConceptType.VALIDATION:
        counted = _Counted(concept, concept_label(concept), sized)
        pictures.concepts.append(counted)
        pictures.has_masks |= any(picture.mask_path for picture in trained)
        yield from _balancing_issues(index, counted)


def _balancing_issues(index: int, counted: _Counted) -> Iterator[Issue]:
    concept, num_pictures = counted.config, len(counted.pictures)
    if num_pictures and 0 < concept.balancing < math.inf and not _samples_of(counted):
        message = (
            f"The concept {counted.label!r} takes no picture: its {num_pictures} at a balancing of "
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
        some = "One picture has" if len(without) == 1 else f"{len(without)} of {len(trained)} pictures have"
        message = f"{some} no caption file: {named(without)}."
        yield warning(path, "captions_missing", message)


def _reference_issues(subject: Subject, path: str, trained: Sequence[Picture]) -> Iterator[Issue]:
    without = [picture.name for picture in trained if picture.conditioning_path is None]
    if reads_references(subject.config) and without:
        some = "One picture has" if len(without) == 1 else f"{len(without)} of {len(trained)} pictures have"
        message = (
            f"{some} no reference and cannot train: {named(without)}. It lies beside its picture: cat-condlabel.png "
            "beside cat.jpg."
        )
        is_some = len(without) < len(trained)
        yield (warning if is_some else subject.needed)(path, "references_missing", message)


def _open(
    subject: Subject, concept: ConceptConfig, trained: Sequence[Picture]
) -> tuple[tuple[SizedPicture, ...], list[str]]:
    """The pictures and videos of a concept with their sizes, and those that cannot be used with the reason."""
    config, sized, broken = subject.config, list[SizedPicture](), list[str]()
    has_masks, has_conditioning = reads_masks(config), reads_conditioning(config)
    cuts_to_masks = has_masks and concept.image.enable_random_mask_rotate_crop
    clip = _clip(config)
    for picture in trained:
        if clip is None and is_video(picture.path):
            continue
        try:
            check_beside(
                picture.path,
                picture.mask_path if has_masks else None,
                picture.conditioning_path if has_conditioning else None,
            )
            sized.append(read_sized(picture, clip, cuts_to_masks=cuts_to_masks))
        except UnreadablePictureError as problem:
            broken.append(f"{picture.name} {problem.reason}")
    return tuple(sized), broken


def _broken_issues(
    subject: Subject, path: str, sized: Sequence[SizedPicture], broken: Sequence[str]
) -> Iterator[Issue]:
    if broken:
        some = "One picture" if len(broken) == 1 else f"{len(broken)} pictures"
        them = "it" if len(broken) == 1 else "them"
        message = f"{some} cannot be used: {named(broken)}. Replace or remove {them}."
        yield (warning if sized else subject.needed)(path, "pictures_broken", message)


def _clip(config: TrainConfig) -> ClipLength | None:
    try:
        return ClipLength.of(config)
    except InvalidConfigError:
        return None  # `check_frames` says so


def _epochs(config: TrainConfig, concepts: Sequence[_Counted]) -> Epochs[_Counted] | None:
    """The epochs of a run as the trainer plans them; None where other checks say why nothing can be counted."""
    if not all(math.isfinite(concept.config.balancing) for concept in concepts):
        return None
    try:
        views = ViewOptions.of(config, facts(config.model_type).bucket_multiple)
        return Epochs(concepts, EpochOptions(config.batch_size, views, config.latent_caching, caches_prompts=True))
    except InvalidConfigError:
        return None


def _batch_issues(subject: Subject, epochs: Epochs[_Counted], length: RunLength) -> Iterator[Issue]:
    batch, num_samples = subject.config.batch_size, epochs.num_samples
    if num_samples < batch:
        pictures = "1 picture" if num_samples == 1 else f"{num_samples} pictures"
        message = f"An epoch has {pictures}, too few for a batch of {batch}: no step. Lower the batch size."
        yield subject.needed("batch_size", "no_full_batch", message)
    elif not length.steps:
        largest = epochs.buckets(0)[0]
        message = (
            f"No group of pictures of similar shape fills a batch of {batch}; the largest has {largest.count} of "
            f"{largest.size}. Lower the batch size, or crop pictures to fewer shapes."
        )
        yield subject.needed("batch_size", "no_full_batch", message)
    elif subject.deep:
        yield from _left_over_issues(subject, epochs, length)


def _left_over_issues(subject: Subject, epochs: Epochs[_Counted], length: RunLength) -> Iterator[Issue]:
    batch, num_never = subject.config.batch_size, len(length.never)
    if num_never:
        found = named([f"{epochs.picture(draw).file.name} ({epochs.training_size(draw)})" for draw in length.never])
        some = "One picture never trains" if num_never == 1 else f"{num_never} pictures never train"
        message = (
            f"{some}: a batch needs {batch} of one size, and in no epoch so many have theirs: {found}. Lower the batch "
            "size, or crop to sizes that more pictures have."
        )
        yield warning("batch_size", "pictures_never_trained", message)
    if (left := length.fewest_left_over - num_never) > 0:
        some = "One picture of each epoch fills" if left == 1 else f"{left} pictures of each epoch fill"
        rest = "do not train, since there is one epoch" if subject.config.epochs == 1 else "others in the next epoch"
        message = f"{some} no batch of {batch} ({rest}). Lower the batch size to use all."
        yield warning("batch_size", "pictures_left_over", message)


def _sentence(problem: Exception) -> str:
    if isinstance(problem, ConceptFolderNotFoundError):
        return str(problem)
    return f"The folder of a concept cannot be looked at: {problem}. Correct its path or disable the concept."


def _samples_of(counted: _Counted) -> int:
    """Pictures that an epoch takes from a concept."""
    return samples_per_epoch(counted) if math.isfinite(counted.config.balancing) else 0


def _stretched(subject: Subject, concept: ConceptConfig, sized: Sequence[SizedPicture]) -> dict[str, Stretched]:
    """What is done to the pictures of a concept, by name; videos are left out."""
    config, multiple = subject.config, subject.facts.bucket_multiple
    if not (targets := _targets(config, concept)):
        return {}
    return {
        one.file.name: stretch(
            one.size,
            [training_size(one.size, to, multiple, is_bucketed=config.aspect_ratio_bucketing) for to in targets],
        )
        for one in sized
        if one.num_frames is None
    }


def _targets(config: TrainConfig, concept: ConceptConfig) -> tuple[Target, ...]:
    """The resolutions of a concept, among which chance decides; none of an unreadable one."""
    image = concept.image
    try:
        return parse_resolution(image.resolution_override if image.enable_resolution_override else config.resolution)
    except InvalidConfigError:
        return ()
