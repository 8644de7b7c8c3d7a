"""Captions that are longer than a model's text encoder takes: what follows is cut off and never seen."""

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from onetrainer_web.config.architectures import BASE_KEY
from onetrainer_web.config.checks.issue import Subject
from onetrainer_web.config.families import CLIP_TOKENS
from onetrainer_web.config.model_facts import TextEncoder
from onetrainer_web.config.prefaces import Preface
from onetrainer_web.config.tensor_header import HeaderError, read_header
from onetrainer_web.dataset.file_checks import greatest_first, named
from onetrainer_web.dataset.token_counts import TokenCounter, token_counter
from onetrainer_web.files.confined import read_file

_PIECES = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_")
_MARK = re.compile(r"<\|.*?\|>|\[[A-Z_]+\]")
"""What a preface may begin with and only its own tokenizer knows."""
_LETTERS = 8
"""Of a word that is usually one token; longer ones are several."""


def too_long(subject: Subject, captions: Mapping[str, str]) -> str | None:
    """Which captions are cut off, in one sentence; None where none is, or nobody reads them.

    Args:
        subject: The configuration, which names the model with its tokenizer.
        captions: The longest caption of each picture, by the picture's name.
    """
    encoder = _reader(subject)
    if encoder is None:
        return None
    folder = _folder_of(subject) / encoder.tokenizer
    tokens = _tokens(subject, encoder, folder)
    # No token stands for less than a byte, so most captions need no tokenizer.
    most = tokens - encoder.end_tokens - max((len(one.text) for one in encoder.prefaces), default=0)
    candidates = {name: text for name, text in captions.items() if len(text.encode(errors="replace")) >= most}
    if not candidates:
        return None
    counter = token_counter(folder)
    room, count = _counted(encoder, tokens, counter) if counter else _estimated(encoder, tokens)
    lengths = {name: length for name, text in candidates.items() if (length := count(text)) > room}
    if not lengths:
        return None
    about = "" if counter else "about "
    found = named([f"{name} ({about}{lengths[name]})" for name in greatest_first(lengths)])
    some = "One caption is" if len(lengths) == 1 else f"{len(lengths)} captions are"
    longer = " Raise the sequence length, or shorten them." if encoder.has_sequence_length else " Shorten them."
    return (
        f"{some} longer than the {room} tokens that the text encoder takes, and what follows is cut off: "
        f"{found}. A token is a short word, a part of a long one or a sign.{longer}"
    )


def _folder_of(subject: Subject) -> Path:
    """The folder of the base model; of one in one file, that of the model which the file says it was made from."""
    place = subject.model_place(subject.config.base_model_name)
    if not place.is_file():
        return place
    try:
        base = read_header(place).metadata.get(BASE_KEY, "")
    except (HeaderError, OSError):
        return place
    return subject.model_place(base) if base else place


def _counted(encoder: TextEncoder, tokens: int, counter: TokenCounter) -> tuple[int, Callable[[str], int]]:
    """How many tokens a prompt may have, and how to count them, by the tokenizer itself."""
    known = (one for one in encoder.prefaces if counter.knows(_first_word(one.text)))
    preface = next(known, encoder.prefaces[0] if encoder.prefaces else Preface("", 0)).text
    length = counter.count(preface)
    ends = encoder.end_tokens if counter.end_tokens is None else counter.end_tokens
    return tokens - ends - length, lambda text: counter.count(preface + text) - length


def _estimated(encoder: TextEncoder, tokens: int) -> tuple[int, Callable[[str], int]]:
    """The same without a tokenizer: about as many tokens as CLIP's makes."""
    return tokens - encoder.end_tokens - (encoder.prefaces[0].tokens if encoder.prefaces else 0), _estimate


def _first_word(preface: str) -> str:
    found = _MARK.match(preface)
    return found[0] if found else preface


def _reader(subject: Subject) -> TextEncoder | None:
    """The text encoder of a run that reads most of a prompt; None where none is in use."""
    used = [one for one in subject.facts.encoders if not one.can_leave_out or getattr(subject.config, one.part).include]
    return max(used, key=lambda one: one.tokens, default=None)


def _tokens(subject: Subject, encoder: TextEncoder, folder: Path) -> int:
    """Tokens that are read, those around a prompt included: as set, as the files of a CLIP say, or as many as usual."""
    if encoder.has_sequence_length:
        return getattr(subject.config, f"{encoder.part}_sequence_length") or encoder.tokens
    if encoder.tokens != CLIP_TOKENS:
        return encoder.tokens
    try:
        limit = json.loads(read_file(folder / "tokenizer_config.json", follow=True))["model_max_length"]
    except (OSError, ValueError, KeyError, TypeError):
        return CLIP_TOKENS
    return limit if isinstance(limit, int) and encoder.end_tokens < limit < CLIP_TOKENS else CLIP_TOKENS


def _estimate(text: str) -> int:
    return sum(math.ceil(len(piece) / _LETTERS) for piece in _PIECES.findall(text))
