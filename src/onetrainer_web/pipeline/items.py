"""From concepts to what can train: every usable picture with its size and captions, and the unusable ones by name."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ConceptType
from onetrainer_web.config.recurring import Doing
from onetrainer_web.dataset.augment import PictureView
from onetrainer_web.dataset.captions import caption_reader
from onetrainer_web.dataset.scan import CONDITIONING_SUFFIX, concept_labels, scan_concept
from onetrainer_web.dataset.sizes import Size, UnreadablePictureError
from onetrainer_web.dataset.tags import SpecialTags, read_special_tags
from onetrainer_web.dataset.unused import unused_files
from onetrainer_web.dataset.views import ClipLength, SizedPicture, read_sized
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.files.confined import readable
from onetrainer_web.pipeline.watch import Watch
from onetrainer_web.protocol.events import SkippedPicture

TRAINED_TYPES = (ConceptType.STANDARD, ConceptType.PRIOR_PREDICTION)
"""Concepts whose samples fill the batches; those of the type VALIDATION only measure."""


class NoPicturesError(InvalidConfigError):
    """The concepts hold nothing to train on."""

    def __init__(self, types: Collection[ConceptType], num_broken: int) -> None:
        broken = f" ({num_broken} cannot be read)" if num_broken else ""
        super().__init__(
            f"The enabled concepts of type {' or '.join(kind.value for kind in types)} hold no usable picture{broken}. "
            "Add pictures to their folders or correct their paths."
        )
        self.num_broken = num_broken


@dataclass(frozen=True, slots=True)
class TrainingPicture(SizedPicture):
    """One with its captions."""

    captions: tuple[str, ...]
    """At least one."""


@dataclass(frozen=True, slots=True)
class ConceptData:
    """A concept with its usable pictures, in OneTrainer's order."""

    config: ConceptConfig
    label: str
    """Different for each concept."""
    special_tags: SpecialTags
    pictures: tuple[TrainingPicture, ...]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """All concepts of some types."""

    concepts: tuple[ConceptData, ...]
    skipped: tuple[SkippedPicture, ...]
    """Files that do not train, with the reason."""
    notes: tuple[str, ...] = ()
    """What a person should know, one sentence each."""

    @property
    def num_pictures(self) -> int:
        """Usable pictures of all concepts."""
        return sum(len(concept.pictures) for concept in self.concepts)

    def without(self, broken: Sequence[SkippedPicture]) -> "TrainingData":
        """The same without pictures that turned out to be broken; the views of the others stay as they are."""
        paths = {picture.path for picture in broken}
        concepts = tuple(
            replace(
                concept,
                pictures=tuple(picture for picture in concept.pictures if readable(picture.file.path) not in paths),
            )
            for concept in self.concepts
        )
        return replace(self, concepts=concepts, skipped=(*self.skipped, *broken))


@dataclass(frozen=True, slots=True)
class Item:
    """One training sample: a picture, what is made of it, and its prompt."""

    path: Path
    mask_path: Path | None
    """White where the picture is to be learned; None when there is no mask or masks do not count."""
    conditioning_path: Path | None
    """What an inpainting model is shown instead of the picture with its masked part grey; the reference of others."""
    is_inpainted: bool
    """Whether the model is shown a part of the picture and draws the rest; without a mask, all of it."""
    name: str
    """Concept label and path within the concept, for reports."""
    concept: str
    """Label of its concept."""
    size: Size
    """Of the file, upright, or of the part of it that is used."""
    view: PictureView
    prompt: str
    loss_weight: float
    is_prior: bool
    """Whether the model is to keep what it makes of this sample without training."""

    @property
    def num_frames(self) -> int:
        """1 for a picture."""
        return self.view.clip.num_frames if self.view.clip else 1


@dataclass(frozen=True, slots=True)
class Uses:
    """What counts of a folder besides its pictures and captions."""

    masks: bool = False
    references: bool = False
    """Whether each picture needs its conditioning picture, which the model draws after."""
    clip: ClipLength | None = None
    """How much of a video is trained on at once; None passes videos over."""


_NO_REFERENCE = f"has no reference; put it beside the picture, with {CONDITIONING_SUFFIX}.png behind the name"


@dataclass(slots=True)
class _Findings:
    skipped: list[SkippedPicture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def collect_data(
    concepts: Sequence[ConceptConfig],
    types: Collection[ConceptType],
    resolve: Callable[[str], Path],
    watch: Watch | None = None,
    uses: Uses = Uses(),
) -> TrainingData:
    """Read the headers and captions of all pictures of the enabled concepts of some types.

    Args:
        concepts: The configuration's concepts.
        types: Which of them.
        resolve: Makes a path of the configuration absolute (`Workspace.resolve`).
        watch: Gets the progress; may stop the work.
        uses: What else counts.

    Raises:
        ConceptFolderNotFoundError: The folder of an enabled concept does not exist.
        PromptFileNotFoundError: A concept's one prompt file cannot be read.
        SpecialTagsError: A concept's special tags cannot be used.
        StopRequested: The watch said so.
    """
    chosen = [concept for concept in concepts if concept.enabled and concept.type in types]
    labels = concept_labels(chosen)
    findings = _Findings()
    watch = watch or Watch()
    collected = tuple(
        _collect_concept(concept, label, resolve, findings, watch, uses)
        for concept, label in zip(chosen, labels, strict=True)
    )
    return TrainingData(collected, tuple(findings.skipped), tuple(findings.notes))


def require_pictures(data: TrainingData, types: Collection[ConceptType] = TRAINED_TYPES) -> None:
    """Refuse to go on without pictures.

    Args:
        data: What was found.
        types: What was looked for, for the message.

    Raises:
        NoPicturesError: There are none.
    """
    if data.num_pictures == 0:
        raise NoPicturesError(types, len(data.skipped))


def _collect_concept(
    concept: ConceptConfig,
    label: str,
    resolve: Callable[[str], Path],
    findings: _Findings,
    watch: Watch,
    uses: Uses,
) -> ConceptData:
    scan = scan_concept(concept, resolve(concept.path))
    captions_of = caption_reader(concept.text, resolve)
    videos = scan.videos if uses.clip else ()
    unused = unused_files(scan, concept.text, trains_videos=uses.clip is not None)
    findings.skipped += [SkippedPicture(path=readable(scan.folder / name), reason=reason) for name, reason in unused]
    cuts_to_masks = uses.masks and concept.image.enable_random_mask_rotate_crop
    pictures: list[TrainingPicture] = []
    for number, file in enumerate((*scan.pictures, *videos)):
        watch.check(Doing.READING_PICTURES, number, len(scan.pictures) + len(videos))
        if uses.references and file.conditioning_path is None:
            findings.skipped.append(SkippedPicture(path=readable(file.path), reason=_NO_REFERENCE))
            continue
        captions = captions_of(file)
        if captions.note:
            findings.notes.append(f"{label}: {captions.note}")
        try:
            sized = read_sized(file, uses.clip, cuts_to_masks=cuts_to_masks)
            pictures.append(
                TrainingPicture(file, sized.size, captions.prompts, masked=sized.masked, num_frames=sized.num_frames)
            )
        except UnreadablePictureError as error:
            findings.skipped.append(SkippedPicture(path=readable(file.path), reason=error.reason))
    if not pictures:
        findings.notes.append(f"The concept {label!r} holds no usable picture.")
    return ConceptData(concept, label, read_special_tags(concept.text, resolve), tuple(pictures))
