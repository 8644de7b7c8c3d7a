"""Chroma1: FLUX's kind of transformer without CLIP and without distilled guidance, told what to draw by T5's words."""

from collections.abc import Mapping

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_chroma import ChromaTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.patches import from_patches, places, to_patches
from onetrainer_web.engine.parts.t5 import encode_t5
from onetrainer_web.engine.parts.tokens import is_word, rows_by_length
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights.flux_keys import CHROMA_PLACES


class Chroma(FlowFamily):
    """All of its publications.

    The transformer sees a prompt's words and one filling token behind them. Each prompt is cut to that instead of
    masked: diffusers 0.42 adds the mask to the attention as numbers, and forgets it with gradient checkpointing.
    """

    architecture = "chroma"
    pipeline = "ChromaPipeline"
    original_places = CHROMA_PLACES
    pieces = {
        "transformer": ChromaTransformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": T5EncoderModel,
        "tokenizer": T5Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="t5xxl"),)

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """T5's hidden states, and which of them are words."""
        mask = is_word(model, "tokenizer", tokens)
        return {"prompt": encode_t5(model.components[part], tokens, skipped_layers, mask), "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words; prompts of one length at a time."""
        predicted = torch.empty_like(noisy)
        for length, rows in rows_by_length((conditions["is_word"].sum(dim=1) + 1).clamp(max=self.max_length)):
            prompt = conditions["prompt"][rows, :length]
            predicted[rows] = self._predict(model, noisy[rows], timesteps_B[rows], prompt).to(predicted.dtype)
        return predicted

    def _predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, prompt_BLD: Tensor) -> Tensor:
        transformer = model.components["transformer"]
        height, width = noisy.shape[-2:]
        dtype, device = type_of(transformer), noisy.device
        predicted = transformer(
            hidden_states=to_patches(noisy).to(dtype),
            timestep=(timesteps_B / 1000).to(dtype),
            encoder_hidden_states=prompt_BLD.to(dtype),
            txt_ids=torch.zeros(prompt_BLD.shape[1], 3, device=device, dtype=dtype),
            img_ids=places(height, width).to(device, dtype),
            return_dict=False,
        )[0]
        return from_patches(predicted, height, width)
