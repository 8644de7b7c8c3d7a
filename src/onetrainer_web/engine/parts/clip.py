"""CLIP's text encoders (Radford et al. 2021), alone or in pairs whose outputs stand side by side."""

from collections.abc import Mapping

import torch
from torch import Tensor

from onetrainer_web.engine.seams.interfaces import Model

CLIP_LENGTH = 77
"""Tokens of the published CLIP models."""


def clip_lengths(model: Model, *parts: str) -> dict[str, int]:
    """As many tokens as each of these text encoders has places for, by its part; without those left out."""
    return {part: model.components[part].config.max_position_embeddings for part in parts if part in model.components}


def encode_clip(model: Model, part: str, tokens_BL: Tensor, skipped_layers: int) -> dict[str, Tensor]:
    """`<part>_hidden`, in front of the last layer that is not left out, and `<part>_pooled`; for those that project."""
    encoder = model.components[part]
    output = encoder(tokens_BL.to(encoder.device), output_hidden_states=True)
    return {f"{part}_hidden": output.hidden_states[-(skipped_layers + 2)], f"{part}_pooled": output.text_embeds}


def join_clips(conditions: Mapping[str, Tensor], kind: str, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """What `encode_clip` made for both encoders side by side, with zeros in the place of one that is left out.

    Args:
        conditions: Of a batch.
        kind: hidden or pooled.
        shape: Of zeros in the place of both; its last number is the width that both have together.
        device: Where those zeros are made.
    """
    first, second = (conditions.get(f"{part}_{kind}") for part in ("text_encoder", "text_encoder_2"))
    if first is None and second is None:
        return torch.zeros(shape, device=device)
    if first is None or second is None:
        only = second if first is None else first
        assert only is not None
        missing = shape[-1] - only.shape[-1]
        return torch.nn.functional.pad(only, (missing, 0) if first is None else (0, missing))
    return torch.cat([first, second], dim=-1)
