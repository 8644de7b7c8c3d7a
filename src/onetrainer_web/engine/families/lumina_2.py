"""Lumina Image 2.0: one transformer over words and patches of latents alike, with Gemma's words (Qin et al. 2025)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_lumina2 import Lumina2Transformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.gemma.tokenization_gemma import GemmaTokenizer
from transformers.models.gemma2.modeling_gemma2 import Gemma2Model

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow
from onetrainer_web.engine.interfaces import Components, Family, LoadRequest, Model, SaveTarget, TextEncoderPart
from onetrainer_web.engine.tokens import is_word, tokenize
from onetrainer_web.engine.weights import diffusers_folder

_NETWORKS: dict[str, Any] = {
    "transformer": Lumina2Transformer2DModel,
    "vae": AutoencoderKL,
    "text_encoder": Gemma2Model,
}
_OTHERS: dict[str, Any] = {"tokenizer": GemmaTokenizer, "scheduler": FlowMatchEulerDiscreteScheduler}
MAX_LENGTH = 256
PREFACE = (
    "You are an assistant designed to generate superior images with the superior degree of image-text alignment based "
    "on textual prompts or user prompts. <Prompt Start> "
)
"""In front of every prompt that says something, as the model was trained."""


class Lumina2(Family):
    """Lumina Image 2.0 and what is fine-tuned from it."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="gemma2_2b"),)
    kohya_denoiser = "lora_transformer"
    # The original code joins queries, keys and values in one layer, which is not here yet.
    adapter_formats = (ModelFormat.DIFFUSERS_LORA,)

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """As a folder."""
        return (ModelFormat.DIFFUSERS,)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "lumina-2"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, text encoder with its tokenizer, and the sampler's settings."""
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        components["tokenizer"].padding_side = "right"
        return diffusers_folder.replace_parts(components, request, ("transformer", "vae"))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        return set_up_flow(components)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, shifted and scaled."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts behind their preface, cut off or filled up."""
        prefaced = [PREFACE + prompt if prompt else prompt for prompt in prompts]
        return tokenize(self, model, prefaced, {"text_encoder": MAX_LENGTH})

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Gemma's hidden states in front of the last layer that is not left out, and which of them are words."""
        encoder = model.components[part]
        mask = is_word(model, "tokenizer", tokens).to(encoder.device)
        output = encoder(tokens.to(encoder.device), mask, output_hidden_states=True, use_cache=False)
        return {"prompt": output.hidden_states[-(skipped_layers + 2)], "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The velocity towards noise; the transformer counts time from noise to picture, and predicts that way."""
        transformer = model.components["transformer"]
        share_B = 1 - timesteps.to(noisy.device).expand(noisy.shape[0]) / model.objective.num_timesteps
        return -transformer(
            noisy.to(transformer.dtype),
            timestep=share_B,
            encoder_hidden_states=conditions["prompt"].to(transformer.dtype),
            encoder_attention_mask=conditions["is_word"].to(noisy.device, torch.bool),
            return_dict=False,
        )[0]

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow."""
        return create_flow_sampler(model, settings, shape)

    def guide(self, without: Tensor, with_prompt: Tensor, strength: float) -> Tensor:
        """As far from the negative prompt as usual, but each row of latents as long as without guidance."""
        guided = super().guide(without, with_prompt, strength)
        return guided * (with_prompt.norm(dim=-1, keepdim=True) / guided.norm(dim=-1, keepdim=True))

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        diffusers_folder.write_folder(target.path, "Lumina2Pipeline", model.components, target.dtype)
