"""How many tokens a model's own tokenizer makes of a text, by the files that it comes with."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onetrainer_web.files.confined import read_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_WORD_END = "</w>"
"""How CLIP marks the last letter of a word."""
_CLIP_PIECES = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
_QWEN_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_SENTENCE_PIECES = ("spiece.model", "tokenizer.model")


@dataclass(frozen=True)
class TokenCounter:
    """A tokenizer that only counts."""

    count: Callable[[str], int]
    """Tokens of a text, those at its ends left out."""
    knows: Callable[[str], bool]
    """Whether a text is one token of its own."""
    end_tokens: int | None = None
    """How many it puts at the ends of each text; None where its files do not tell."""


def token_counter(folder: Path) -> TokenCounter | None:
    """The tokenizer in a folder.

    Args:
        folder: As diffusers lays it out: `tokenizer.json`, or the `vocab.json` and `merges.txt` of CLIP and Qwen, or a
            model of SentencePiece.

    Returns:
        None where its files are not there or are of another kind.
    """
    try:
        return next(filter(None, (read(folder) for read in (_whole, _pairs, _sentence_pieces))), None)
    except Exception:  # the libraries raise nothing more precise, and a count is not worth a failed check
        return None


def _whole(folder: Path) -> TokenCounter | None:
    file = folder / "tokenizer.json"
    if not file.is_file():
        return None
    from tokenizers import Tokenizer  # only where captions are counted

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return _counter(tokenizer, end_tokens=len(tokenizer.encode("").ids))


def _pairs(folder: Path) -> TokenCounter | None:
    """One that joins pairs, by the two files that tokenizers had before there was one for all."""
    if not ((folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()):
        return None
    vocabulary: dict[str, int] = _json(folder / "vocab.json")
    lines = read_file(folder / "merges.txt", follow=True).decode().split("\n")
    pairs = (line.partition(" ") for line in lines if not line.startswith("#version"))
    merges = [(first, second) for first, _, second in pairs if second]
    is_clip = any(second.endswith(_WORD_END) for _, second in merges)
    tokenizer: Any = _clip(vocabulary, merges) if is_clip else _qwen(vocabulary, merges)
    tokenizer.add_special_tokens(list(_added(folder)))
    return _counter(tokenizer)


def _clip(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> "Tokenizer":
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

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


def _qwen(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> "Tokenizer":
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN_PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def _added(folder: Path) -> Iterator[str]:
    """Tokens beside the vocabulary."""
    if (folder / "added_tokens.json").is_file():
        yield from _json(folder / "added_tokens.json")
    if (folder / "tokenizer_config.json").is_file():
        told: dict[str, Any] = _json(folder / "tokenizer_config.json").get("added_tokens_decoder", {})
        yield from (one["content"] for one in told.values())


def _json(file: Path) -> Any:
    """As it stands: a vocabulary has more words than a configuration may have values."""
    return json.loads(read_file(file, follow=True))


def _sentence_pieces(folder: Path) -> TokenCounter | None:
    file = next((file for name in _SENTENCE_PIECES if (file := folder / name).is_file()), None)
    if file is None:
        return None
    # Without types, and not everywhere.
    tokenizer: Any = import_module("sentencepiece").SentencePieceProcessor(model_file=str(file))
    unknown = tokenizer.unk_id()
    return TokenCounter(lambda text: len(tokenizer.encode(text)), lambda token: tokenizer.piece_to_id(token) != unknown)


def _counter(tokenizer: "Tokenizer", end_tokens: int | None = None) -> TokenCounter:
    def count(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    return TokenCounter(count, lambda token: tokenizer.token_to_id(token) is not None, end_tokens)
