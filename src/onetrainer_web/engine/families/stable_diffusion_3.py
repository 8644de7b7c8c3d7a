"""Stable Diffusion 3 and 3.5: a transformer over patches of latents and words of two CLIP encoders and T5.

Esser et al. 2024.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.clip import CLIP_LENGTH, clip_lengths, encode_clip, join_clips
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow
from onetrainer_web.engine.interfaces import (
    Components,
    Family,
    LoadRequest,
    Model,
    SaveTarget,
    TextEncoderPart,
)
from onetrainer_web.engine.t5 import encode_t5
from onetrainer_web.engine.tokens import only_words, tokenize, told
from onetrainer_web.engine.weights import diffusers_folder

_NETWORKS: dict[str, Any] = {
    "transformer": SD3Transformer2DModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModelWithProjection,
    "text_encoder_2": CLIPTextModelWithProjection,
    "text_encoder_3": T5EncoderModel,
}
_OTHERS: dict[str, Any] = {
    "tokenizer": CLIPTokenizer,
    "tokenizer_2": CLIPTokenizer,
    "tokenizer_3": T5Tokenizer,
    "scheduler": FlowMatchEulerDiscreteScheduler,
}
T5_LENGTH = 256


class StableDiffusion3(Family):
    """Both generations, of every size; each of the three text encoders can be left out."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="clip_l"),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="clip_g"),
        TextEncoderPart("text_encoder_3", "tokenizer_3", kohya="lora_te3", comfy="t5xxl"),
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
        is_first = self.model_type is ModelType.STABLE_DIFFUSION_3
        return "stable-diffusion-v3-medium" if is_first else "stable-diffusion-v3.5-large"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, the text encoders with their tokenizers, and the sampler's settings."""
        self._masks_filling = request.config.transformer.attention_mask
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        return diffusers_folder.replace_parts(components, request, ("vae",))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        return set_up_flow(components)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, shifted and scaled."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids for each encoder, cut off or filled up to its length."""
        lengths = {**clip_lengths(model, "text_encoder", "text_encoder_2"), "text_encoder_3": T5_LENGTH}
        return tokenize(self, model, prompts, lengths)

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Hidden states and summary of a CLIP encoder, or the hidden states of T5."""
        if part != "text_encoder_3":
            return encode_clip(model, part, tokens, skipped_layers)
        words = encode_t5(model.components[part], tokens, skipped_layers)
        return {part: only_words(model, "tokenizer_3", tokens, words) if self._masks_filling else words}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, all words one behind the other, and the summaries."""
        transformer = model.components["transformer"]
        num_rows, dtype, device = noisy.shape[0], transformer.dtype, noisy.device
        width, clip_width = transformer.config.joint_attention_dim, transformer.config.pooled_projection_dim
        clip = join_clips(conditions, "hidden", (num_rows, CLIP_LENGTH, clip_width), device)
        clip = torch.nn.functional.pad(clip, (0, width - clip_width))
        t5 = told(conditions, "text_encoder_3", (num_rows, T5_LENGTH, width), device)
        return transformer(
            hidden_states=noisy.to(dtype),
            timestep=timesteps.to(device).expand(num_rows),
            encoder_hidden_states=torch.cat([clip.to(dtype), t5.to(dtype)], dim=1),
            pooled_projections=join_clips(conditions, "pooled", (num_rows, clip_width), device).to(dtype),
            return_dict=False,
        )[0]

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow, at the noise levels that the sampler chooses itself."""
        return create_flow_sampler(model, settings, shape, is_evenly_spaced=False)

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        parts = dict.fromkeys(_NETWORKS) | model.components
        diffusers_folder.write_folder(target.path, "StableDiffusion3Pipeline", parts, target.dtype)
