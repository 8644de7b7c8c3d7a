"""FLUX.1 dev: a transformer over patches of latents and words, told what to draw by CLIP's summary and T5's words."""

from collections.abc import Mapping, Sequence
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

from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.drawing import UNGUIDED, denoise
from onetrainer_web.engine.flow import PATCH_SIDE, FlowObjective, set_sampler, set_up_flow
from onetrainer_web.engine.interfaces import (
    Components,
    DrawRequest,
    Family,
    LoadRequest,
    Model,
    SaveTarget,
    TextEncoderPart,
)
from onetrainer_web.engine.weights import diffusers_folder

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

    model_types = (ModelType.FLUX_DEV_1,)
    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="clip_l", module_prefix="text_model."),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="t5xxl"),
    )
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
        return "flux-1-dev"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, both text encoders with their tokenizers, and the sampler's settings."""
        self._length = request.config.text_encoder_2_sequence_length or MAX_LENGTH
        self._guidance = request.config.transformer.guidance_scale
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
        """Token ids for each of both encoders, cut off or filled up to its length."""
        clip_length = model.components["text_encoder"].config.max_position_embeddings
        lengths = {"text_encoder": clip_length, "text_encoder_2": self._length}
        return {
            encoder.name: model.components[encoder.tokenizer](
                list(prompts),
                padding="max_length",
                max_length=lengths[encoder.name],
                truncation=True,
                return_tensors="pt",
            ).input_ids
            for encoder in self.text_encoders
        }

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The summary of CLIP, which no skipped layer changes, or the hidden states of T5."""
        encoder = model.components[part]
        output = encoder(tokens.to(encoder.device), output_hidden_states=skipped_layers > 0)
        if part == "text_encoder":
            return {"pooled": output.pooler_output}
        if not skipped_layers:
            return {"prompt": output.last_hidden_state}
        return {"prompt": encoder.encoder.final_layer_norm(output.hidden_states[-(skipped_layers + 1)])}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, words, summary and strength of guidance."""
        transformer = model.components["transformer"]
        num_rows, _, height, width = noisy.shape
        dtype, device = transformer.dtype, noisy.device
        guidance = conditions.get("guidance", torch.full((num_rows,), self._guidance, device=device))
        prompt = conditions["prompt"].to(dtype)
        predicted = transformer(
            hidden_states=_to_patches(noisy).to(dtype),
            timestep=(timesteps.to(device).expand(num_rows) / 1000).to(dtype),
            guidance=guidance.to(dtype) if transformer.config.guidance_embeds else None,
            pooled_projections=conditions["pooled"].to(dtype),
            encoder_hidden_states=prompt,
            txt_ids=torch.zeros(prompt.shape[1], 3, device=device, dtype=dtype),
            img_ids=_places(height, width).to(device, dtype),
            return_dict=False,
        )[0]
        return _from_patches(predicted, height, width)

    def draw(self, model: Model, request: DrawRequest) -> Image.Image:
        """Draw with the strength of guidance as an input."""
        settings, device = request.settings, model.precision.device
        vae = model.components["vae"]
        shape = latent_shape(vae, settings)
        sampler = FlowMatchEulerDiscreteScheduler.from_config(model.components["scheduler"].config)
        set_sampler(sampler, settings.diffusion_steps, shape[-2:], device)
        skipped = (settings.text_encoder_1_layer_skip, settings.text_encoder_2_layer_skip)
        conditions = {"guidance": torch.full((1,), settings.cfg_scale, device=device)}
        with torch.no_grad(), model.precision.autocast():
            for (part, tokens), skip in zip(self.tokenize(model, [settings.prompt]).items(), skipped, strict=True):
                conditions |= self.encode_tokens(model, part, tokens, skip)

        def predict(noisy: Tensor, timestep: Tensor) -> Tensor:
            with model.precision.autocast():
                return self.predict(model, noisy, timestep, conditions)

        return decode_picture(vae, denoise(request, sampler, shape, predict, guidance=UNGUIDED))

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        diffusers_folder.write_folder(target.path, "FluxPipeline", model.components, target.dtype)


def _to_patches(latents_BCHW: Tensor) -> Tensor:
    """(batch, patches, 4 · channels), rows of patches one after the other."""
    num_rows, channels, height, width = latents_BCHW.shape
    split = latents_BCHW.view(num_rows, channels, height // PATCH_SIDE, PATCH_SIDE, width // PATCH_SIDE, PATCH_SIDE)
    return split.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def _from_patches(patches: Tensor, height: int, width: int) -> Tensor:
    rows, columns = height // PATCH_SIDE, width // PATCH_SIDE
    split = patches.unflatten(2, (-1, PATCH_SIDE, PATCH_SIDE)).unflatten(1, (rows, columns))
    return split.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


def _places(height: int, width: int) -> Tensor:
    """Row and column of each patch, behind a zero: (patches, 3)."""
    rows, columns = torch.arange(height // PATCH_SIDE), torch.arange(width // PATCH_SIDE)
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1).flatten(0, 1)
    return torch.nn.functional.pad(grid, (1, 0)).float()
