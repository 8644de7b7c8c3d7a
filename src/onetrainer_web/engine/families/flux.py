"""FLUX.1 dev and Fill: a transformer over patches of latents and words, told what to draw by CLIP and T5."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.clip import clip_lengths
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow
from onetrainer_web.engine.inpainting import beside, inpaints, picture_then_mask, require_fitting_input
from onetrainer_web.engine.interfaces import (
    UNGUIDED,
    Components,
    Family,
    LoadRequest,
    Model,
    SaveTarget,
    TextEncoderPart,
)
from onetrainer_web.engine.patches import from_patches, places, to_patches
from onetrainer_web.engine.t5 import encode_t5
from onetrainer_web.engine.tokens import only_words, tokenize, told
from onetrainer_web.engine.weights import diffusers_folder, original_file
from onetrainer_web.engine.weights.flux_keys import FLUX_TABLE, flux_place
from onetrainer_web.engine.weights.places import Place, find_place

_NETWORKS: dict[str, Any] = {
    "transformer": FluxTransformer2DModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModel,
    "text_encoder_2": T5EncoderModel,
}
_OTHERS: dict[str, Any] = {
    "tokenizer": CLIPTokenizer,
    "tokenizer_2": T5Tokenizer,
    "scheduler": FlowMatchEulerDiscreteScheduler,
}
MAX_LENGTH = 512
"""Tokens of T5, where the configuration names no number."""


class Flux(Family):
    """The guidance-distilled model: it is told the strength of guidance instead of comparing two predictions."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="clip_l", module_prefix="text_model."),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="t5xxl"),
    )
    kohya_denoiser = "lora_transformer"

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """A folder, or the transformer alone in the original layout."""
        return (ModelFormat.DIFFUSERS, ModelFormat.ORIGINAL_TRANSFORMER)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "flux-1-dev"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, both text encoders with their tokenizers, and the sampler's settings."""
        self._length = request.config.text_encoder_2_sequence_length or MAX_LENGTH
        self._guidance = request.config.transformer.guidance_scale
        self._masks_filling = request.config.transformer.attention_mask
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        require_fitting_input(self, components, request)
        readers = {"transformer": partial(original_file.read_network, place=flux_place)}
        return diffusers_folder.replace_parts(components, request, ("transformer", "vae"), readers)

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        return set_up_flow(components)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, shifted and scaled."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids for each of both encoders, cut off or filled up to its length."""
        return tokenize(self, model, prompts, {**clip_lengths(model, "text_encoder"), "text_encoder_2": self._length})

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The summary of CLIP, which no skipped layer changes, or the hidden states of T5."""
        if part == "text_encoder":
            encoder = model.components[part]
            return {"pooled": encoder(tokens.to(encoder.device)).pooler_output}
        words = encode_t5(model.components[part], tokens, skipped_layers)
        return {"prompt": only_words(model, "tokenizer_2", tokens, words) if self._masks_filling else words}

    def hint(self, model: Model, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
        """Of inpainting models: the latents of what is shown, and where to draw."""
        return picture_then_mask(model.components["vae"], shown_BCHW, masks_B1HW)

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, words, summary and strength of guidance."""
        transformer = model.components["transformer"]
        num_rows, _, height, width = noisy.shape
        config, dtype, device = transformer.config, transformer.dtype, noisy.device
        guidance = conditions.get("guidance", torch.full((num_rows,), self._guidance, device=device))
        pooled = told(conditions, "pooled", (num_rows, config.pooled_projection_dim), device)
        prompt = told(conditions, "prompt", (num_rows, self._length, config.joint_attention_dim), device).to(dtype)
        predicted = transformer(
            hidden_states=to_patches(beside(noisy, conditions)).to(dtype),
            timestep=(timesteps.to(device).expand(num_rows) / 1000).to(dtype),
            guidance=guidance.to(dtype) if config.guidance_embeds else None,
            pooled_projections=pooled.to(dtype),
            encoder_hidden_states=prompt,
            txt_ids=torch.zeros(prompt.shape[1], 3, device=device, dtype=dtype),
            img_ids=places(height, width).to(device, dtype),
            return_dict=False,
        )[0]
        return from_patches(predicted, height, width)

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow, shifted for the size of the picture."""
        return create_flow_sampler(model, settings, shape)

    def guidance(self, settings: SampleConfig) -> float:
        """Not by comparison: the strength is an input of the transformer."""
        del settings
        return UNGUIDED

    def sample_conditions(self, model: Model, settings: SampleConfig, num_rows: int) -> dict[str, Tensor]:
        """The strength of guidance."""
        return {"guidance": torch.full((num_rows,), settings.cfg_scale, device=model.precision.device)}

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder, or the transformer in one file."""
        if target.model_format is not ModelFormat.DIFFUSERS:
            original_file.write_network(model.components["transformer"], target, flux_place)
            return
        parts = dict.fromkeys(_NETWORKS) | model.components
        pipeline = f"Flux{'Fill' if inpaints(self) else ''}Pipeline"
        diffusers_folder.write_folder(target.path, pipeline, parts, target.dtype)

    def original_place(self, part: str, module_name: str, model: Model) -> Place | None:
        """Queries, keys and values stand in one layer there; the text encoders keep their names."""
        del model
        if part == "transformer":
            return find_place(module_name, FLUX_TABLE)
        return Place(f"text_model.{module_name}" if part == "text_encoder" else module_name)

    def kohya_module_name(self, part: str, module_name: str, model: Model) -> str:
        """Kohya's files name the transformer's modules as the original code does."""
        place = self.original_place(part, module_name, model) if part == "transformer" else None
        return place.name if place else module_name
