"""Z-Image and Z-Image Turbo: one transformer over patches of latents and words of Qwen3 alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen3.modeling_qwen3 import Qwen3Model

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow
from onetrainer_web.engine.interfaces import Components, Family, LoadRequest, Model, SaveTarget, TextEncoderPart
from onetrainer_web.engine.language import as_chat, encode_layers
from onetrainer_web.engine.tokens import is_word, tokenize
from onetrainer_web.engine.weights import diffusers_folder

_NETWORKS: dict[str, Any] = {
    "transformer": ZImageTransformer2DModel,
    "vae": AutoencoderKL,
    "text_encoder": Qwen3Model,
}
_OTHERS: dict[str, Any] = {"tokenizer": Qwen2Tokenizer, "scheduler": FlowMatchEulerDiscreteScheduler}
MAX_LENGTH = 512
"""Tokens of Qwen3, with those of the template."""


class ZImage(Family):
    """The base model and what is distilled from it, which is drawn without guidance (`cfg_scale` 0)."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="qwen3_4b"),)
    kohya_denoiser = "lora_unet"
    legacy_is_dotted = True
    adapter_formats = (
        ModelFormat.DIFFUSERS_LORA,
        ModelFormat.KOHYA_LORA,
        ModelFormat.ORIGINAL_LORA,
        ModelFormat.COMFY_LORA,
        ModelFormat.LEGACY_LORA,
    )

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """As a folder."""
        return (ModelFormat.DIFFUSERS,)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "z-image"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, text encoder with its tokenizer, and the sampler's settings."""
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        return diffusers_folder.replace_parts(components, request, ("transformer", "vae"))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        return set_up_flow(components)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, shifted and scaled."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts as messages that may be thought about, cut off or filled up."""
        messages = as_chat(model.components["tokenizer"], prompts, enable_thinking=True)
        return tokenize(self, model, messages, {"text_encoder": MAX_LENGTH})

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The hidden states in front of the last layer, and which of them are words."""
        del skipped_layers
        mask = is_word(model, "tokenizer", tokens)
        return {"prompt": encode_layers(model.components[part], tokens, mask, [-2]), "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The velocity towards noise; the transformer counts time from noise to picture, and predicts that way."""
        transformer = model.components["transformer"]
        share_B = (1000 - timesteps.to(noisy.device).expand(noisy.shape[0])) / 1000
        rows = zip(conditions["prompt"].to(transformer.dtype), conditions["is_word"].bool(), strict=True)
        predicted = transformer(
            list(noisy.to(transformer.dtype).unsqueeze(2).unbind()),
            share_B,
            [words[mask.to(words.device)] for words, mask in rows],
            return_dict=False,
        )[0]
        return -torch.stack(list(predicted)).squeeze(2)

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow."""
        return create_flow_sampler(model, settings, shape)

    def guidance(self, settings: SampleConfig) -> float:
        """As its makers count: what `cfg_scale` adds to the prediction for the prompt, so that 0 is none at all."""
        return settings.cfg_scale + 1

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        diffusers_folder.write_folder(target.path, "ZImagePipeline", model.components, target.dtype)

    def original_module_name(self, part: str, module_name: str, model: Model) -> str | None:
        """The name in diffusers, which other programs read, too: the original joins queries, keys and values."""
        del model
        return module_name if part == "transformer" else None
