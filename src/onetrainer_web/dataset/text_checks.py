"""Whether what a concept says of its captions can be done: files, tags and modes that it names, and how they vary."""

import math
import os
from collections.abc import Iterable, Iterator, Sequence

from onetrainer_web.config.checks.issue import Issue, Subject, error, warning
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import (
    BalancingStrategy,
    ConceptType,
    PromptSource,
    SpecialTagsMode,
    TrainingMethod,
)
from onetrainer_web.config.output import has_text
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.caption_lengths import too_long
from onetrainer_web.dataset.captions import PromptFileNotFoundError, caption_reader
from onetrainer_web.dataset.file_checks import encoding_issues
from onetrainer_web.dataset.scan import Picture, concept_label
from onetrainer_web.dataset.tags import (
    CAPITALISATIONS,
    SpecialTagsError,
    read_special_tags,
    split_tags,
    unknown_capitalisations,
)

_ENOUGH_VARIATIONS = 10
"""More cost encoding and disk space and teach little that is new."""
_VARIED_PICTURES = {
    "enable_random_flip": "random flip",
    "enable_random_rotate": "random rotation",
    "enable_random_brightness": "random brightness",
    "enable_random_contrast": "random contrast",
    "enable_random_saturation": "random saturation",
    "enable_random_hue": "random hue",
    "enable_random_circular_mask_shrink": "random shrinking to a circle",
    "enable_random_mask_rotate_crop": "random cropping to the mask",
}
"""Switches of a concept that somebody turned on."""


def text_issues(
    subject: Subject, index: int, concept: ConceptConfig, trained: Sequence[Picture], *, moves_crop: bool
) -> Iterator[Issue]:
    """A prompt file, a list of tags or modes that the run would stop at, and random changes that happen only once.

    Args:
        subject: The configuration.
        index: Of the concept.
        concept: The concept.
        trained: Its pictures.
        moves_crop: Whether it makes a difference where some of them are cropped.
    """
    path = f"concepts.{index}.text"
    most_captions = 1
    try:
        captions_of = caption_reader(concept.text, subject.resolve)
    except PromptFileNotFoundError as problem:
        message = f"The prompt file of the concept {concept_label(concept)!r} {_why(problem, concept)}."
        yield subject.needed(f"{path}.prompt_path", "prompt_file_missing", message)
    else:
        is_shared = concept.text.prompt_source == PromptSource.CONCEPT
        seen = trained if subject.deep and not is_shared else trained[:1]
        captions = {picture.name: captions_of(picture) for picture in seen}
        prompts = {name: one.prompts for name, one in captions.items()}
        if subject.deep:
            where = f"{path}.prompt_path" if is_shared else f"concepts.{index}.path"
            yield from encoding_issues(where, captions.values(), is_beside=not is_shared)
        most_captions = max(map(len, prompts.values()))
        if is_shared and set(prompts.values()) == {("",)}:
            message = f"The prompt file of the concept {concept_label(concept)!r} is empty: no picture has a caption."
            yield warning(f"{path}.prompt_path", "prompt_file_empty", message)
        if subject.deep:
            yield from _idle_issues(path, concept, (line for lines in prompts.values() for line in lines))
        longest = {name: max(lines, key=len) for name, lines in prompts.items()}
        if subject.deep and (message := too_long(subject, longest)):
            yield warning(f"concepts.{index}.path", "captions_too_long", message)
    yield from _tag_issues(subject, path, concept)
    if concept.type != ConceptType.VALIDATION:
        yield from _frozen_issues(subject.config, index, concept, most_captions, moves_crop=moves_crop)


def _why(problem: PromptFileNotFoundError, concept: ConceptConfig) -> str:
    file = problem.path
    if not concept.text.prompt_path:
        return "is not named. Enter its path, or choose another prompt source"
    there = "is a folder" if os.path.isdir(file) else f"cannot be read ({problem.reason})"
    what = there if os.path.exists(file) else "does not exist"
    return f"{what}: {file}. Enter the path of a text file with one caption a line"


def _idle_issues(path: str, concept: ConceptConfig, prompts: Iterable[str]) -> Iterator[Issue]:
    """Changes of tags that change no caption, because it has too few tags or they are apart by something else."""
    text = concept.text
    most = max(len(split_tags(prompt, text.tag_delimiter)) for prompt in prompts)
    rest = most - text.keep_tags_count
    idle = ["tag shuffling"] if text.enable_tag_shuffling and rest <= 1 else []
    idle += ["tag dropout"] if text.tag_dropout_enable and text.tag_dropout_probability and rest < 1 else []
    if idle:
        apart = f"apart by {text.tag_delimiter!r}" if text.tag_delimiter else "while the tag delimiter is empty"
        message = (
            f"The concept {concept_label(concept)!r} switches on what will change nothing: {', '.join(idle)}. Its "
            f"captions have {most} tag{'' if most == 1 else 's'} at most {apart}, and the first {text.keep_tags_count} "
            "stay. Correct the tag delimiter, or the number of tags that stay."
        )
        yield warning(f"{path}.tag_delimiter", "tags_not_apart", message)


def _tag_issues(subject: Subject, path: str, concept: ConceptConfig) -> Iterator[Issue]:
    text, label = concept.text, concept_label(concept)
    unknown = unknown_capitalisations(text.caps_randomize_mode)
    if text.caps_randomize_enable and unknown:
        message = (
            f"Capitalisation of the concept {label!r}: {', '.join(unknown)} is unknown. Write some of "
            f"{', '.join(CAPITALISATIONS)}, with commas between them."
        )
        yield error(f"{path}.caps_randomize_mode", "capitalisation_unknown", message)
    if not text.tag_dropout_enable:
        return
    path = f"{path}.tag_dropout_special_tags"
    try:
        special = read_special_tags(text, subject.resolve)
    except SpecialTagsError as problem:
        yield subject.needed(path, "tags_file_missing", str(problem))
        return
    if special.note:
        yield warning(path, "captions_not_utf8", f"{special.note} Save it as UTF-8.")
    if special.literal:
        message = (
            f"Special tags of the concept {label!r} that are no valid regular expressions are taken as they are "
            f"written: {', '.join(special.literal[:5])}."
        )
        yield warning(path, "tags_taken_literally", message)
    if text.tag_dropout_special_tags_mode != SpecialTagsMode.NONE and not (special.plain or special.patterns):
        message = f"The concept {label!r} names no special tags. Enter some, or choose no special tags."
        yield warning(path, "tags_missing", message)
    elif any(os.path.isfile(subject.resolve(tag)) for tag in special.plain):
        message = f"The list of special tags of the concept {label!r} is a file, which has to end in .txt or .csv."
        yield subject.needed(path, "tags_file_missing", message)


def _frozen_issues(
    config: TrainConfig, index: int, concept: ConceptConfig, most_captions: int, *, moves_crop: bool
) -> Iterator[Issue]:
    """Random changes that are drawn once for a picture, because what is made of it is kept."""
    if not config.latent_caching:
        return
    image, text = concept.image, concept.text
    passes = math.ceil(config.epochs * (concept.balancing if _repeats(concept) else 1))
    enough = min(passes, _ENOUGH_VARIATIONS)
    pictures = [name for switch, name in _VARIED_PICTURES.items() if getattr(image, switch)]
    pictures += ["crop jitter"] if moves_crop and image.enable_crop_jitter else []
    sizes = image.resolution_override if image.enable_resolution_override else config.resolution
    pictures += ["the choice among several resolutions"] if "," in sizes else []
    prompts = ["tag shuffling"] if text.enable_tag_shuffling else []
    prompts += ["tag dropout"] if text.tag_dropout_enable and text.tag_dropout_probability else []
    prompts += ["random capitals"] if text.caps_randomize_enable and text.caps_randomize_probability else []
    prompts += ["the choice among several captions"] if most_captions > 1 else []
    for kind, changes, is_frozen in (
        ("image_variations", pictures, True),
        ("text_variations", prompts, not learns_words(config)),
    ):
        if changes and is_frozen and passes > 1 and getattr(concept, kind) == 1:
            message = (
                f"The concept {concept_label(concept)!r} draws this once for each picture and keeps it for all epochs: "
                f"{', '.join(changes)}. Set {kind} to {max(enough, most_captions)}, or turn latent caching off."
            )
            yield warning(f"concepts.{index}.{kind}", "drawn_once", message)


def _repeats(concept: ConceptConfig) -> bool:
    return concept.balancing_strategy == BalancingStrategy.REPEATS and math.isfinite(concept.balancing)


def learns_words(config: TrainConfig) -> bool:
    """Whether prompts are encoded anew at each step, because what encodes them learns."""
    if config.training_method == TrainingMethod.EMBEDDING or any(one.train for one in config.additional_embeddings):
        return True
    return has_text(config) and config.training_method in (TrainingMethod.LORA, TrainingMethod.FINE_TUNE)
