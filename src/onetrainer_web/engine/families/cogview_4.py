"""CogView4: a transformer over words and patches of latents, with the words of GLM-4 (Zhipu AI 2025)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_cogview4 import CogView4Transformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from torch.nn.functional import pad
from transformers.models.glm.modeling_glm import GlmModel
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.engine.parts.flow import FlowFamily, num_tokens
from onetrainer_web.engine.parts.language import encode_layers, only_used
from onetrainer_web.engine.parts.tokens import is_word, rows_by_length
from onetrainer_web.engine.seams.interfaces import Model, PictureShape, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of

STRIDE = 16
"""Prompts are filled up to a multiple of this many tokens, and what fills them up is seen like words."""


class CogView4(FlowFamily):
    """The model of six billion weights and what is fine-tuned from it."""

    architecture = "cogview4"
    pipeline = "CogView4Pipeline"
    pieces = {
        "transformer": CogView4Transformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": GlmModel,
        "tokenizer": PreTrainedTokenizerFast,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    padding_side = "left"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer"),)
    max_length = 1024

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The hidden states in front of the last layer, and which of them the transformer sees; zeros elsewhere."""
        del skipped_layers
        lengths_B1 = is_word(model, "tokenizer", tokens).sum(dim=1, keepdim=True)
        from_end_L = torch.arange(tokens.shape[1] - 1, -1, -1, device=tokens.device)
        seen_BL = (from_end_L < (lengths_B1 + STRIDE - 1) // STRIDE * STRIDE).long()
        used, seen_BU = only_used(tokens, seen_BL)
        places_BU = (seen_BU.cumsum(dim=1) - 1).clamp(min=0)
        hidden = encode_layers(model.components[part], used, seen_BU, [-2], places_BU)
        return {"prompt": pad(hidden, (0, 0, tokens.shape[1] - used.shape[1], 0)), "is_seen": seen_BL}

    def picture_conditions(self, shapes: Sequence[PictureShape]) -> dict[str, Tensor]:
        """Original size, size and cut off parts of each picture, heights and tops first."""
        told = {
            "original_size": [(shape.original.height, shape.original.width) for shape in shapes],
            "target_size": [(shape.target.height, shape.target.width) for shape in shapes],
            "crop_coords": [(shape.top, shape.left) for shape in shapes],
        }
        return {name: torch.tensor(numbers, dtype=torch.float32) for name, numbers in told.items()}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, words and sizes; prompts of one length at a time."""
        transformer = model.components["transformer"]
        times_B = self._unshifted(model, noisy.shape, timesteps_B)
        predicted = torch.empty_like(noisy)
        for length, rows in rows_by_length(conditions["is_seen"].sum(dim=1)):
            predicted[rows] = transformer(
                noisy[rows].to(type_of(transformer)),
                conditions["prompt"][rows, -length:].to(type_of(transformer)),
                times_B[rows],
                **{name: conditions[name][rows] for name in ("original_size", "target_size", "crop_coords")},
                return_dict=False,
            )[0].to(predicted.dtype)
        return predicted

    def mu(self, scheduler_config: Mapping[str, Any], shape: tuple[int, ...]) -> float:
        """Linear in the side of the picture."""
        tokens = num_tokens(shape, self.patch_side) / scheduler_config.get("base_image_seq_len", 256)
        return math.sqrt(tokens) * scheduler_config.get("max_shift", 0.75) + scheduler_config.get("base_shift", 0.25)

    def noise_levels(self, num_steps: int) -> np.ndarray:
        """From 1 to a thousandth, in whole thousandths."""
        return np.linspace(1000, 1, num_steps).astype(int) / 1000

    def _unshifted(self, model: Model, shape: tuple[int, ...], timesteps_B: Tensor) -> Tensor:
        """Times as the transformer was told them: before the size of the picture moves them towards noise."""
        share_B = timesteps_B / model.objective.num_timesteps
        shift = self.dynamic_shift(model.components["scheduler"].config, shape)
        return model.objective.num_timesteps * share_B / (share_B + shift * (1 - share_B))
