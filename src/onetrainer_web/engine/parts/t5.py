"""T5 as a text encoder (Raffel et al. 2020)."""

from typing import Any

from torch import Tensor


def encode_t5(encoder: Any, tokens_BL: Tensor, skipped_layers: int, mask_BL: Tensor | None = None) -> Tensor:
    """Hidden states of the last layer that is not left out, normalised as the last one is: (batch, length, width).

    Args:
        encoder: A `T5EncoderModel`.
        tokens_BL: Token ids.
        skipped_layers: How many of the last layers are left out.
        mask_BL: 0 at tokens that the others must not see.
    """
    mask = None if mask_BL is None else mask_BL.to(encoder.device)
    output = encoder(tokens_BL.to(encoder.device), attention_mask=mask, output_hidden_states=skipped_layers > 0)
    if not skipped_layers:
        return output.last_hidden_state
    return encoder.encoder.final_layer_norm(output.hidden_states[-(skipped_layers + 1)])
