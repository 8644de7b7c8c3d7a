"""How many tokens a model's own tokenizer makes of a text, by the files that it comes with."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from onetrainer_web.files.confined import read_file
from onetrainer_web.files.json_files import load_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WORD_END = "</w>"
"""How CLIP marks the last letter of a word."""
_CLIP_PIECES = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def token_counter(folder: Path) -> Callable[[str], int] | None:
    """How many tokens a tokenizer makes of a text, those at its ends left out.

    Args:
        folder: Of the tokenizer, as diffusers lays it out: `tokenizer.json`, or CLIP's `vocab.json` and `merges.txt`.

    Returns:
        None where its files are not there or are of another kind.
    """
    try:
        tokenizer = _whole(folder / "tokenizer.json") or _clip(folder)
    except Exception:  # the library raises nothing more precise, and a count is not worth a failed check
        return None
    return partial(_count, tokenizer) if tokenizer else None


def _count(tokenizer: "Tokenizer", text: str) -> int:
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


def _whole(file: Path) -> "Tokenizer | None":
    if not file.is_file():
        return None
    from tokenizers import Tokenizer  # only where captions are counted

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _clip(folder: Path) -> "Tokenizer | None":
    """CLIP's, by the two files that its tokenizers had before there was one for all."""
    if not ((folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()):
        return None
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = cast("dict[str, int]", load_json(folder / "vocab.json"))
    lines = read_file(folder / "merges.txt", follow=True).decode().split("\n")
    pairs = (line.partition(" ") for line in lines if not line.startswith("#version"))
    merges = [(first, second) for first, _, second in pairs if second]
    if not any(second.endswith(_WORD_END) for _, second in merges):
        return None
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, continuing_subword_prefix="", end_of_word_suffix=_WORD_END))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_PIECES), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    return tokenizer
