"""ERNIE-Image: one transformer over latents and words of Mistral 3 alike."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_flux2 import AutoencoderKLFlux2
from diffusers.models.transformers.transformer_ernie_image import ErnieImageTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.mistral3.modeling_mistral3 import Mistral3Model
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow
from onetrainer_web.engine.interfaces import Components, Family, LoadRequest, Model, SaveTarget, TextEncoderPart
from onetrainer_web.engine.language import encode_layers, only_used
from onetrainer_web.engine.packed_latents import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.tokens import is_word, tokenize
from onetrainer_web.engine.weights import diffusers_folder

_NETWORKS: dict[str, Any] = {
    "transformer": ErnieImageTransformer2DModel,
    "vae": AutoencoderKLFlux2,
    "text_encoder": Mistral3Model,
}
_OTHERS: dict[str, Any] = {"tokenizer": PreTrainedTokenizerFast, "scheduler": FlowMatchEulerDiscreteScheduler}
MAX_LENGTH = 512
"""Tokens of Mistral 3."""


class Ernie(Family):
    """The text-to-image model; captions are taken as they are, without its model that rewrites prompts."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="text_encoder"),)
    kohya_denoiser = "lora_unet"
    legacy_is_dotted = True
    # What the other styles call the modules of this model is not known here yet.
    adapter_formats = (ModelFormat.DIFFUSERS_LORA, ModelFormat.LEGACY_LORA)

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """As a folder."""
        return (ModelFormat.DIFFUSERS,)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "ernie-image"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, text encoder with its tokenizer, and the sampler's settings."""
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        components["tokenizer"].padding_side = "right"
        return diffusers_folder.replace_parts(components, request, ("transformer", "vae"))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        return set_up_flow(components, patch_side=1)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, four in one, normalised."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids, cut off or filled up."""
        return tokenize(self, model, prompts, {"text_encoder": MAX_LENGTH})

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The hidden states in front of the last layer, and which of them are words."""
        del skipped_layers
        mask = is_word(model, "tokenizer", tokens)
        return {"prompt": encode_layers(model.components[part], tokens, mask, [-2]), "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        prompt, mask = only_used(conditions["prompt"], conditions["is_word"])
        return transformer(
            hidden_states=noisy.to(transformer.dtype),
            timestep=timesteps.to(noisy.device, transformer.dtype).expand(noisy.shape[0]),
            text_bth=prompt.to(transformer.dtype),
            text_lens=mask.sum(dim=1).to(noisy.device),
            return_dict=False,
        )[0]

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels of four latents, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow."""
        return create_flow_sampler(model, settings, shape, patch_side=1)

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder, without the model that rewrites prompts."""
        diffusers_folder.write_folder(target.path, "ErnieImagePipeline", model.components, target.dtype)
