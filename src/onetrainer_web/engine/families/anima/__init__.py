"""Anima: the transformer of Cosmos Predict 2, told what a small network asks Qwen3 about each word that T5 would see.

That network, the text conditioner, is used as it is. Files of the makers hold it beside the transformer.
"""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage
from diffusers.models.condition_embedders.condition_embedder_anima import AnimaTextConditioner
from diffusers.models.transformers import transformer_cosmos
from diffusers.models.transformers.transformer_cosmos import CosmosTransformer3DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from torch.nn.functional import interpolate
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen3.modeling_qwen3 import Qwen3Model
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.engine.families.anima.names import ANIMA_PLACES
from onetrainer_web.engine.parts import picture_video
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.language import encode_layers
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of

CONDITIONER, T5 = "text_conditioner", "t5_tokenizer"
if not hasattr(transformer_cosmos, "transforms"):
    # Of all of torchvision it takes one function, to bring a mask to another size: no reason to install it.
    network_code: Any = transformer_cosmos
    network_code.transforms = SimpleNamespace(
        functional=SimpleNamespace(resize=lambda mask, size, interpolation: interpolate(mask, size)),  # noqa: ARG005
        InterpolationMode=SimpleNamespace(NEAREST="nearest"),
    )


class Anima(FlowFamily):
    """The text-to-image model."""

    architecture = "anima-preview"
    pipeline = "AnimaModularPipeline"
    pictures = picture_video
    original_places = ANIMA_PLACES
    prompt_networks = (CONDITIONER,)
    wrapper = "net."
    companions = {CONDITIONER: "llm_adapter."}
    pieces = {
        "transformer": CosmosTransformer3DModel,
        CONDITIONER: AnimaTextConditioner,
        "vae": AutoencoderKLQwenImage,
        "text_encoder": Qwen3Model,
        "tokenizer": Qwen2Tokenizer,
        T5: T5Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    index = {"_blocks_class_name": "AnimaAutoBlocks"}
    padding_side = "right"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer"),)
    kohya_denoiser = "lora_unet"

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of Qwen3, cut off or filled up, and those of T5 behind them, likewise."""
        words = super().tokenize(model, prompts)["text_encoder"]
        asked = model.components[T5](
            list(prompts), padding="max_length", max_length=self.max_length, truncation=True, return_tensors="pt"
        )
        return {"text_encoder": torch.cat([words, asked.input_ids], dim=1)}

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """What the text conditioner makes of the last hidden states, zeros where the words of T5 end."""
        del skipped_layers
        encoder, conditioner = model.components[part], model.components[CONDITIONER]
        words, asked = tokens.to(encoder.device).split(self.max_length, dim=1)
        mask = is_word(model, "tokenizer", words)
        hidden = encode_layers(encoder, words, mask, [-1]) * mask.unsqueeze(-1)
        told = conditioner(hidden.to(type_of(conditioner)), asked, is_word(model, T5, asked), mask)
        return {"prompt": told}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words, of pictures that nothing fills up."""
        transformer = model.components["transformer"]
        dtype = type_of(transformer)
        return transformer(
            hidden_states=noisy.unsqueeze(2).to(dtype),
            timestep=(timesteps_B / 1000).to(dtype),
            encoder_hidden_states=conditions["prompt"].to(dtype),
            padding_mask=noisy.new_zeros(1, 1, *noisy.shape[-2:], dtype=dtype),
            return_dict=False,
        )[0].squeeze(2)
