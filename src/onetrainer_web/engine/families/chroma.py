"""Chroma1: FLUX's kind of transformer without CLIP and without distilled guidance, told what to draw by T5's words."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_chroma import ChromaTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow
from onetrainer_web.engine.interfaces import Components, Family, LoadRequest, Model, SaveTarget, TextEncoderPart
from onetrainer_web.engine.patches import from_patches, places, to_patches
from onetrainer_web.engine.t5 import encode_t5
from onetrainer_web.engine.tokens import is_word, tokenize
from onetrainer_web.engine.weights import diffusers_folder

_NETWORKS: dict[str, Any] = {
    "transformer": ChromaTransformer2DModel,
    "vae": AutoencoderKL,
    "text_encoder": T5EncoderModel,
}
_OTHERS: dict[str, Any] = {"tokenizer": T5Tokenizer, "scheduler": FlowMatchEulerDiscreteScheduler}
MAX_LENGTH = 512
"""Tokens of T5."""


class Chroma(Family):
    """All of its publications.

    The transformer sees a prompt's words and one filling token behind them. Each prompt is cut to that instead of
    masked: diffusers 0.42 adds the mask to the attention as numbers, and forgets it with gradient checkpointing.
    """

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="t5xxl"),)
    kohya_denoiser = "lora_transformer"
    # The other styles join queries, keys and values in one layer, which is not here yet.
    adapter_formats = (ModelFormat.DIFFUSERS_LORA, ModelFormat.LEGACY_LORA)

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """As a folder."""
        return (ModelFormat.DIFFUSERS,)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "chroma-1"

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
        """Token ids, cut off or filled up."""
        return tokenize(self, model, prompts, {"text_encoder": MAX_LENGTH})

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """T5's hidden states, and which of them are words."""
        mask = is_word(model, "tokenizer", tokens)
        return {"prompt": encode_t5(model.components[part], tokens, skipped_layers, mask), "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words; prompts of one length at a time."""
        timesteps = timesteps.to(noisy.device).expand(noisy.shape[0])
        lengths = (conditions["is_word"].sum(dim=1) + 1).clamp(max=MAX_LENGTH).tolist()
        predicted = torch.empty_like(noisy)
        for length in sorted(set(lengths)):
            rows = [row for row, own in enumerate(lengths) if own == length]
            prompt = conditions["prompt"][rows, :length]
            predicted[rows] = self._predict(model, noisy[rows], timesteps[rows], prompt).to(predicted.dtype)
        return predicted

    def _predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, prompt_BLD: Tensor) -> Tensor:
        transformer = model.components["transformer"]
        height, width = noisy.shape[-2:]
        dtype, device = transformer.dtype, noisy.device
        predicted = transformer(
            hidden_states=to_patches(noisy).to(dtype),
            timestep=(timesteps_B / 1000).to(dtype),
            encoder_hidden_states=prompt_BLD.to(dtype),
            txt_ids=torch.zeros(prompt_BLD.shape[1], 3, device=device, dtype=dtype),
            img_ids=places(height, width).to(device, dtype),
            return_dict=False,
        )[0]
        return from_patches(predicted, height, width)

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow."""
        return create_flow_sampler(model, settings, shape)

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        diffusers_folder.write_folder(target.path, "ChromaPipeline", model.components, target.dtype)
