"""Token ids of prompts, for text encoders that take sequences of one length."""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from onetrainer_web.engine.seams.interfaces import Family, Model


def tokenize(family: Family, model: Model, prompts: Sequence[str], lengths: Mapping[str, int]) -> dict[str, Tensor]:
    """Token ids for each text encoder named in `lengths`, cut off or filled up to its length: (batch, length)."""
    return {
        encoder.name: model.components[encoder.tokenizer](
            list(prompts),
            padding="max_length",
            max_length=lengths[encoder.name],
            truncation=True,
            return_tensors="pt",
        ).input_ids
        for encoder in model.text_encoders(family)
        if encoder.name in lengths
    }


def is_word(model: Model, tokenizer: str, tokens_BL: Tensor) -> Tensor:
    """1 at tokens of a prompt and 0 at what fills it up, for tokenizers that fill up with a token of its own."""
    return (tokens_BL != model.components[tokenizer].pad_token_id).long()


def up_to_end(model: Model, tokenizer: str, tokens_BL: Tensor) -> Tensor:
    """1 at tokens of a prompt up to the first that ends it, for tokenizers that may fill up with the same one."""
    is_end = (tokens_BL == model.components[tokenizer].eos_token_id).long()
    return (is_end.cumsum(1) - is_end == 0).long()


def only_words(model: Model, tokenizer: str, tokens_BL: Tensor, hidden_BLD: Tensor) -> Tensor:
    """Hidden states of a prompt, zeros where it is filled up; see `is_word`."""
    return hidden_BLD * is_word(model, tokenizer, tokens_BL).unsqueeze(-1).to(hidden_BLD.device)


def rows_by_length(lengths_B: Tensor) -> Iterator[tuple[int, list[int]]]:
    """Each length with its rows, for denoisers that see all that they are told: they take one length at a time."""
    lengths = lengths_B.tolist()
    for length in sorted(set(lengths)):
        yield length, [row for row, own in enumerate(lengths) if own == length]


def told(conditions: Mapping[str, Tensor], name: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """The condition of a name; zeros in the place of one whose text encoder is left out."""
    return conditions[name] if name in conditions else torch.zeros(shape, device=device)
