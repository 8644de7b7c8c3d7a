"""How a caption is varied: dropping, capitalising and shuffling its tags."""

import csv
import random
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from onetrainer_web.config.concepts import ConceptTextConfig
from onetrainer_web.config.enums import SpecialTagsMode, TagDropoutMode
from onetrainer_web.dataset.captions import read_lines
from onetrainer_web.errors import InvalidConfigError

_REGEX_CHARACTERS = frozenset(".^$*+?{}[]\\|()")
CAPITALISATIONS: dict[str, Callable[[str, random.Random], str]] = {
    "capslock": lambda tag, _: tag.upper(),
    "title": lambda tag, _: string.capwords(tag, " "),  # `str.title` would make "don't" "Don'T"
    "first": lambda tag, _: tag.capitalize(),
    "random": lambda tag, chance: "".join(chance.choice((c.lower(), c.upper())) for c in tag),
}


class SpecialTagsError(InvalidConfigError):
    """The special tags of a concept cannot be used."""


@dataclass(frozen=True, slots=True)
class SpecialTags:
    """The tags that dropping treats differently."""

    plain: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    literal: tuple[str, ...] = ()
    """Tags that look like regular expressions and are none."""
    is_regex: bool = False
    """Whether regular expressions are allowed; then a tag in brackets, `(hat)`, counts without them, too."""
    note: str | None = None
    """What a person should know about the file that lists them, such as its unusual encoding."""

    def has(self, tag: str) -> bool:
        """Whether `tag` is one of them, as a whole."""
        spellings = {tag, tag.strip("()")} if self.is_regex else {tag}
        return any(
            spelling in self.plain or any(pattern.fullmatch(spelling) for pattern in self.patterns)
            for spelling in spellings
        )


def read_special_tags(text: ConceptTextConfig, resolve: Callable[[str], Path]) -> SpecialTags:
    """The special tags of a concept: written in the field, or in the .txt or .csv file that it names.

    Of a .csv it is the first column. With regular expressions allowed, a tag counts as one only if it has characters
    that mean something there and is a valid one: `:)` is what it looks like.

    Raises:
        SpecialTagsError: The file cannot be read.
    """
    if text.tag_dropout_special_tags_mode == SpecialTagsMode.NONE:
        return SpecialTags()
    tags, note = _listed_tags(text, resolve)
    if not text.tag_dropout_special_tags_regex:
        return SpecialTags(frozenset(tags), note=note)
    expressions = {tag: _expression(tag) for tag in tags if _REGEX_CHARACTERS & set(tag)}
    patterns = {tag: pattern for tag, pattern in expressions.items() if pattern}
    literal = tuple(tag for tag, pattern in expressions.items() if not pattern)
    return SpecialTags(frozenset(tags) - patterns.keys(), tuple(patterns.values()), literal, is_regex=True, note=note)


def _listed_tags(text: ConceptTextConfig, resolve: Callable[[str], Path]) -> tuple[list[str], str | None]:
    """The tags, and what is to be known of the encoding of the file that lists them."""
    listed = text.tag_dropout_special_tags.strip()
    if not listed.lower().endswith((".txt", ".csv")):
        return split_tags(listed, text.tag_delimiter), None
    path = resolve(listed)
    try:
        lines, note = read_lines(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecialTagsError(
            f"The file of special tags {path} cannot be read: {reason}. Correct its path."
        ) from error
    if listed.lower().endswith(".csv"):
        return [tag for row in csv.reader(lines) if row and (tag := row[0].strip())], note
    return [tag for line in lines for tag in split_tags(line, text.tag_delimiter)], note


def _expression(tag: str) -> re.Pattern[str] | None:
    try:
        return re.compile(tag)
    except re.error:
        return None


def vary_caption(caption: str, text: ConceptTextConfig, special: SpecialTags, chance: random.Random) -> str:
    """Vary a caption as its concept says; without any variation switched on it stays as it is, letter by letter.

    Tags are joined by the delimiter and one space. Lower case is applied whenever it is set, without
    `caps_randomize_enable` too, as in OneTrainer.

    Raises:
        InvalidConfigError: A capitalisation mode is unknown.
    """
    is_dropping = text.tag_dropout_enable and text.tag_dropout_probability > 0
    if text.caps_randomize_lowercase:
        caption = caption.lower()
    if not (is_dropping or text.caps_randomize_enable or text.enable_tag_shuffling):
        return caption
    tags = split_tags(caption, text.tag_delimiter)
    if is_dropping:
        tags = _drop_tags(tags, text, special, chance)
    if text.caps_randomize_enable:
        tags = _capitalise(tags, text, chance)
    if text.enable_tag_shuffling:
        rest = tags[text.keep_tags_count :]
        chance.shuffle(rest)
        tags = tags[: text.keep_tags_count] + rest
    return f"{text.tag_delimiter.rstrip(' ')} ".join(tags)


def unknown_capitalisations(modes: str) -> list[str]:
    """What of a list of modes is none; of an empty list, the list."""
    return [mode for mode in _modes(modes) or [repr(modes)] if mode not in CAPITALISATIONS]


def _modes(text: str) -> list[str]:
    return [mode.strip().lower() for mode in text.split(",") if mode.strip()]


def split_tags(text: str, delimiter: str) -> list[str]:
    """The tags of a caption; without a delimiter it is one tag."""
    parts = text.split(delimiter) if delimiter else [text]
    return [stripped for part in parts if (stripped := part.strip())]


def _drop_tags(tags: list[str], text: ConceptTextConfig, special: SpecialTags, chance: random.Random) -> list[str]:
    """Keep the first tags; of the others, drop all at once (FULL), each alone (RANDOM), or later ones more readily."""
    kept, rest = tags[: text.keep_tags_count], tags[text.keep_tags_count :]
    probability = text.tag_dropout_probability
    drops_all = chance.random() < probability

    def is_dropped(position: int, tag: str) -> bool:
        drawn = chance.random()
        if special.has(tag) != (text.tag_dropout_special_tags_mode == SpecialTagsMode.BLACKLIST):
            return False
        if text.tag_dropout_mode == TagDropoutMode.FULL:
            return drops_all
        is_weighted = text.tag_dropout_mode == TagDropoutMode.RANDOM_WEIGHTED
        return drawn < probability * ((position + 1) / len(rest) if is_weighted else 1)

    return kept + [tag for position, tag in enumerate(rest) if not is_dropped(position, tag)]


def _capitalise(tags: list[str], text: ConceptTextConfig, chance: random.Random) -> list[str]:
    if unknown_capitalisations(text.caps_randomize_mode):
        known = ", ".join(CAPITALISATIONS)
        raise InvalidConfigError(f"caps_randomize_mode is {text.caps_randomize_mode!r}; it takes some of: {known}.")
    modes = _modes(text.caps_randomize_mode)
    return [
        CAPITALISATIONS[chance.choice(modes)](tag, chance) if chance.random() < text.caps_randomize_probability else tag
        for tag in tags
    ]
