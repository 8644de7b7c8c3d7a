"""Captions that are longer than CLIP text encoders take: what follows is cut off and never seen."""

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from onetrainer_web.config.checks.issue import Subject
from onetrainer_web.config.confined import read_file
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME
from onetrainer_web.dataset.file_checks import greatest_first, named
from onetrainer_web.tiny.paths import tiny_model_folder

_CLIP_FAMILIES = ("stable_diffusion", "stable_diffusion_xl")
_USUAL_LIMIT = 77
_ENDS = 2
"""Tokens at the beginning and the end of every prompt, which the limit includes."""
_PIECES = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_")
_LETTERS = 8
"""Of a word that is usually one token; longer ones are several."""


def too_long(subject: Subject, captions: Mapping[str, str]) -> str | None:
    """Which captions are cut off, in one sentence; None where none is, or the text encoder is no CLIP.

    Args:
        subject: The configuration, which names the model with its tokenizer.
        captions: The longest caption of each picture, by the picture's name.
    """
    if subject.facts.family not in _CLIP_FAMILIES:
        return None
    folder = _tokenizer_folder(subject)
    limit = _limit(folder) - _ENDS
    count = _counter(folder / "tokenizer.json")
    lengths = {name: length for name, text in captions.items() if (length := (count or _estimate)(text)) > limit}
    if not lengths:
        return None
    about = "" if count else "about "
    found = named([f"{name} ({about}{lengths[name]})" for name in greatest_first(lengths)])
    some = "One caption is" if len(lengths) == 1 else f"{len(lengths)} captions are"
    return (
        f"{some} longer than the {limit} tokens that the text encoder takes, and what follows is cut off: "
        f"{found}. A token is a short word, a part of a long one or a sign. Shorten them."
    )


def _tokenizer_folder(subject: Subject) -> Path:
    name = subject.config.base_model_name
    model = tiny_model_folder() if name == EMBEDDED_MODEL_NAME else subject.resolve(name)
    return model / "tokenizer"


def _limit(folder: Path) -> int:
    try:
        limit = json.loads(read_file(folder / "tokenizer_config.json", follow=True))["model_max_length"]
    except (OSError, ValueError, KeyError, TypeError):
        return _USUAL_LIMIT
    return limit if isinstance(limit, int) and _ENDS < limit <= _USUAL_LIMIT else _USUAL_LIMIT


def _counter(file: Path) -> Callable[[str], int] | None:
    """How many tokens the model's own tokenizer makes of a text; None where its file is not there."""
    if not file.is_file():
        return None
    from tokenizers import Tokenizer  # only where captions are counted

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


def _estimate(text: str) -> int:
    """About as many tokens as CLIP's tokenizer makes."""
    return sum(math.ceil(len(piece) / _LETTERS) for piece in _PIECES.findall(text))
