"""Token ids of prompts, for text encoders that take sequences of one length."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from onetrainer_web.engine.interfaces import Family, Model


def clip_lengths(family: Family, model: Model) -> dict[str, int]:
    """As many tokens as each text encoder has places for, by its part."""
    return {
        encoder.name: model.components[encoder.name].config.max_position_embeddings for encoder in family.text_encoders
    }


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
        for encoder in family.text_encoders
        if encoder.name in lengths
    }


def is_word(model: Model, tokenizer: str, tokens_BL: Tensor) -> Tensor:
    """1 at tokens of a prompt and 0 at what fills it up, for tokenizers that fill up with a token of its own."""
    return (tokens_BL != model.components[tokenizer].pad_token_id).long()
