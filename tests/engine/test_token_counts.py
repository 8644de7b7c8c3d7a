"""What the checks count of a caption is what the libraries that train make of it, for every kind of tokenizer file."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tokenizers import pre_tokenizers
from transformers.convert_slow_tokenizer import import_protobuf
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.dataset.token_counts import token_counter

TEXTS = [
    "a red glim",
    "1girl, solo, (masterpiece:1.2), don't  stop",
    "Ein Hütchen über dem Meer, 写真の猫, ½ café, naïve ﬁne",
    "<|im_start|>user what<|im_end|>",
    "",
]


@pytest.mark.parametrize(("kind", "word_end"), [(CLIPTokenizer, "</w>"), (Qwen2Tokenizer, "")])
def test_two_files_count_as_the_library_counts(kind: Any, word_end: str, tmp_path: Path) -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    chance, pairs = random.Random(7), list[tuple[str, str]]()
    words = [*letters, *(f"{letter}{word_end}" for letter in letters if word_end)]
    for first in "aeiourstnlgĠ,":
        pairs += [(first, second) for second in chance.sample(letters, 120)]
        pairs += [(first, f"{second}{word_end}") for second in chance.sample(letters, 60)] if word_end else []
    words += [first + second for first, second in pairs]
    vocabulary = {
        word: number for number, word in enumerate(dict.fromkeys(["<|startoftext|>", "<|endoftext|>", *words]))
    }
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary))
    (tmp_path / "merges.txt").write_text("\n".join(["#version: 0.2", *map(" ".join, pairs)]), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text("{}")
    added = {name: len(vocabulary) + number for number, name in enumerate(["<|im_start|>", "<|im_end|>"])}
    (tmp_path / "added_tokens.json").write_text(json.dumps(added if kind is Qwen2Tokenizer else {}))
    library = kind.from_pretrained(tmp_path)
    if kind is Qwen2Tokenizer:
        library.add_tokens(list(added), special_tokens=True)
    _assert_alike(tmp_path, lambda text: library(text, add_special_tokens=False).input_ids)


def test_a_model_of_sentencepiece_counts_as_the_library_counts(tmp_path: Path) -> None:
    messages: Any = import_protobuf()
    model = messages.ModelProto()
    pieces = [
        ("<pad>", 0, 3),
        ("</s>", 0, 3),
        ("<unk>", 0, 2),
        *((f"▁{word}", -1.5, 1) for word in ("a", "red", "gli")),
    ]
    for piece, score, kind in [*pieces, *((letter, -3.0, 1) for letter in "▁abcdefghijklmnoprstuvw,.12")]:
        model.pieces.add(piece=piece, score=score, type=kind)
    model.trainer_spec.model_type, model.trainer_spec.unk_id, model.trainer_spec.pad_id = 1, 2, 0
    (tmp_path / "spiece.model").write_bytes(model.SerializeToString())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"extra_ids": 0}))
    library = T5Tokenizer.from_pretrained(tmp_path)
    _assert_alike(tmp_path, lambda text: library(text, add_special_tokens=False).input_ids)


def _assert_alike(folder: Path, tokens: Callable[[str], Sequence[int]]) -> None:
    counter = token_counter(folder)
    assert counter
    assert [counter.count(text) for text in TEXTS] == [len(tokens(text)) for text in TEXTS]
    assert counter.count(TEXTS[0]) < len(TEXTS[0]), "some letters are joined"
