"""Captions that are longer than a model's text encoder takes: what follows is cut off and never seen."""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path

from onetrainer_web.config.checks.issue import Subject
from onetrainer_web.config.families import CLIP_TOKENS, TextEncoder
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME
from onetrainer_web.dataset.file_checks import greatest_first, named
from onetrainer_web.dataset.token_counts import token_counter
from onetrainer_web.files.confined import read_file
from onetrainer_web.tiny.paths import tiny_model_folder

_PIECES = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_")
_LETTERS = 8
"""Of a word that is usually one token; longer ones are several."""


def too_long(subject: Subject, captions: Mapping[str, str]) -> str | None:
    """Which captions are cut off, in one sentence; None where none is, or nobody has counted what the model reads.

    Args:
        subject: The configuration, which names the model with its tokenizer.
        captions: The longest caption of each picture, by the picture's name.
    """
    encoder = _reader(subject)
    if encoder is None:
        return None
    folder = _model_folder(subject) / encoder.tokenizer
    limit = _limit(subject, encoder, folder) - encoder.end_tokens
    # No token stands for less than a byte, so most captions need no tokenizer.
    candidates = {name: text for name, text in captions.items() if len(text.encode(errors="replace")) > limit}
    count = token_counter(folder) if candidates else None
    lengths = {name: length for name, text in candidates.items() if (length := (count or _estimate)(text)) > limit}
    if not lengths:
        return None
    about = "" if count else "about "
    found = named([f"{name} ({about}{lengths[name]})" for name in greatest_first(lengths)])
    some = "One caption is" if len(lengths) == 1 else f"{len(lengths)} captions are"
    longer = " Raise the sequence length, or shorten them." if encoder.has_sequence_length else " Shorten them."
    return (
        f"{some} longer than the {limit} tokens that the text encoder takes, and what follows is cut off: "
        f"{found}. A token is a short word, a part of a long one or a sign.{longer}"
    )


def _reader(subject: Subject) -> TextEncoder | None:
    """The text encoder of a run that reads most of a prompt; None where one is in use that nobody has counted."""
    used = [one for one in subject.facts.encoders if not one.can_leave_out or getattr(subject.config, one.part).include]
    return max(used, key=lambda one: one.tokens) if used and all(one.tokens for one in used) else None


def _model_folder(subject: Subject) -> Path:
    name = subject.config.base_model_name
    return tiny_model_folder() if name == EMBEDDED_MODEL_NAME else subject.resolve(name)


def _limit(subject: Subject, encoder: TextEncoder, folder: Path) -> int:
    """Tokens of a prompt that are read: as set, as the files of a CLIP say, or as many as there are."""
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
    """About as many tokens as CLIP's tokenizer makes."""
    return sum(math.ceil(len(piece) / _LETTERS) for piece in _PIECES.findall(text))
