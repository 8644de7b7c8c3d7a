"""Stage 1: a byte-level BPE tokenizer in CLIP's manner, small, but able to spell any caption."""

import json
import random
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from onetrainer_web.tiny.pictures import draw_picture

MAX_TOKENS = 32
VOCABULARY_SIZE = 1000
START, END = "<|startoftext|>", "<|endoftext|>"

_COMMON_WORDS = """
a an the and or of on in at with under above below behind beside near between into over by for from to is are no not
one two three four five photo photograph picture image drawing painting sketch icon emoji logo portrait style art
small large big little tiny huge old new young happy sad smiling laughing crying angry surprised sleeping
bright dark light colourful colorful plain striped checkered dotted round soft sharp blurry close up view front side
face eye eyes mouth nose hair hand hands head body heart man woman boy girl child baby person people family friend
cat dog bird fish horse cow mouse rabbit bear lion tiger elephant monkey fox pig sheep duck chicken frog snake insect
tree flower leaf grass forest mountain hill river lake sea ocean beach sky cloud sun moon star rain snow fire water
house home building city street road bridge car bus train bicycle boat ship plane rocket table chair bed lamp book
cup plate bottle food fruit apple banana orange bread cake pizza coffee tea ball toy game clock phone computer camera
shirt dress hat shoe glasses bag red green blue yellow purple pink white black gray grey brown cyan gold silver
day night morning evening summer winter wearing holding standing sitting running background foreground left right top
bottom middle center centre circle square triangle diamond cross ring
"""


def train_tokenizer(seed: int) -> CLIPTokenizer:
    """Train on the captions of the pictures and on common words of other captions; every byte has a token."""
    source = random.Random(f"{seed} tokenizer")
    texts = [draw_picture(source).caption for _ in range(3000)] + _COMMON_WORDS.split() * 4
    bpe = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    bpe.normalizer = normalizers.Lowercase()
    # CLIP's own way of cutting text, so that the merges learned here are those it will use.
    bpe.pre_tokenizer = _clip_tokenizer({START: 0, END: 1}, []).backend_tokenizer.pre_tokenizer
    bpe.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY_SIZE - len(alphabet) - 2,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    bpe.train_from_iterator(texts, trainer)
    merges = [tuple(merge) for merge in _merges(bpe)]
    words = alphabet + [letter + "</w>" for letter in alphabet] + ["".join(merge) for merge in merges]
    vocabulary = {word: index for index, word in enumerate(dict.fromkeys([*words, START, END]))}
    return _clip_tokenizer(vocabulary, merges)


def _merges(bpe: Tokenizer) -> list[list[str]]:
    return json.loads(bpe.to_str())["model"]["merges"]


def _clip_tokenizer(vocabulary: dict[str, int], merges: list[tuple[str, ...]]) -> CLIPTokenizer:
    return CLIPTokenizer(vocab=vocabulary, merges=merges, model_max_length=MAX_TOKENS)  # pyright: ignore[reportArgumentType]


def load_or_train_tokenizer(folder: Path, seed: int) -> CLIPTokenizer:
    """Read the tokenizer from `folder`, or train it and save it there."""
    if not (folder / "tokenizer_config.json").exists():
        train_tokenizer(seed).save_pretrained(folder)
    return CLIPTokenizer.from_pretrained(folder)
