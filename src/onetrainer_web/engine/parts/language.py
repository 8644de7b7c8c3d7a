"""Language models as text encoders: prompts as messages of a chat, and hidden states of chosen layers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def as_chat(tokenizer: Any, prompts: Sequence[str], **settings: Any) -> list[str]:
    """Each prompt as what a user says, in the tokenizer's own template, with the answer about to begin.

    Args:
        tokenizer: Has a chat template.
        prompts: One message each.
        settings: Of the template, such as `enable_thinking`.
    """
    return [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True, **settings
        )
        for prompt in prompts
    ]


def encode_layers(
    encoder: Any, tokens_BL: Tensor, mask_BL: Tensor, layers: Sequence[int], places: Tensor | None = None
) -> Tensor:
    """Hidden states of some layers side by side: (batch, length, layers · width).

    Args:
        encoder: A language model.
        tokens_BL: Token ids.
        mask_BL: 0 at tokens that the others must not see.
        layers: 0 is what goes into the first layer; negative ones count from the end.
        places: Of the tokens, as the model takes them; None leaves them to it.
    """
    output = encoder.base_model(
        input_ids=tokens_BL.to(encoder.device),
        attention_mask=mask_BL.to(encoder.device),
        position_ids=None if places is None else places.to(encoder.device),
        output_hidden_states=True,
        use_cache=False,
    )
    return torch.cat([output.hidden_states[layer] for layer in layers], dim=-1)


def only_used(hidden_BLD: Tensor, is_word_BL: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden states and what is a word of them, without the columns that no prompt of the batch uses."""
    columns = is_word_BL.bool().any(dim=0)
    return hidden_BLD[:, columns], is_word_BL[:, columns]
