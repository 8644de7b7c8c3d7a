"""Ovis-Image: a transformer over patches of latents and words of Qwen3, made to draw text (AIDC-AI 2025)."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_ovis_image import OvisImageTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen3.modeling_qwen3 import Qwen3Model

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.prefaces import CHAT, OVIS_IMAGE
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.language import as_chat, encode_layers
from onetrainer_web.engine.parts.patches import from_patches, places, to_patches
from onetrainer_web.engine.parts.tokens import is_word, only_words
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights.flux_keys import OVIS_IMAGE_COMFY_PLACES, OVIS_IMAGE_PLACES

PREFACE = OVIS_IMAGE.text.removeprefix(CHAT.text)
"""In front of every prompt, as the model was trained."""
PREFACE_LENGTH = 28
"""Tokens in front of the prompt, which the transformer does not see."""


class OvisImage(FlowFamily):
    """The model of seven billion weights and what is fine-tuned from it."""

    architecture = "ovis"
    pipeline = "OvisImagePipeline"
    original_places = OVIS_IMAGE_PLACES
    comfy_places = OVIS_IMAGE_COMFY_PLACES
    pieces = {
        "transformer": OvisImageTransformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": Qwen3Model,
        "tokenizer": Qwen2Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer"),)
    max_length = PREFACE_LENGTH + 256

    def names_in_adapters(self, model_format: ModelFormat, part: str, module_name: str, model: Model) -> Sequence[str]:
        """As ComfyUI names its layers, which alone reads adapters with others than diffusers' names."""
        names = super().names_in_adapters(model_format, part, module_name, model)
        return [name.removeprefix("semantic_") for name in names]

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts as messages behind their preface, cut off or filled up."""
        prefaced = [PREFACE + prompt for prompt in prompts]
        return super().tokenize(model, as_chat(model.components["tokenizer"], prefaced, enable_thinking=False))

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The last hidden states behind the preface, with zeros behind the last word: the transformer sees all."""
        del skipped_layers
        hidden = encode_layers(model.components[part], tokens, is_word(model, "tokenizer", tokens), [-1])
        return {"prompt": only_words(model, "tokenizer", tokens, hidden)[:, PREFACE_LENGTH:]}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        height, width = noisy.shape[-2:]
        dtype, device = type_of(transformer), noisy.device
        prompt = conditions["prompt"].to(dtype)
        order = torch.arange(prompt.shape[1])
        predicted = transformer(
            hidden_states=to_patches(noisy).to(dtype),
            encoder_hidden_states=prompt,
            timestep=(timesteps_B / 1000).to(dtype),
            img_ids=places(height, width).to(device),
            txt_ids=torch.stack([torch.zeros_like(order), order, order], dim=-1).to(device),
            return_dict=False,
        )[0]
        return from_patches(predicted, height, width)
