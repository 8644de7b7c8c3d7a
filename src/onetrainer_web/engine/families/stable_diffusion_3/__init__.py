"""Stable Diffusion 3 and 3.5: a transformer over patches of latents and words of two CLIP encoders and T5.

Esser et al. 2024.
"""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.families.stable_diffusion_3.names import stable_diffusion_3_places
from onetrainer_web.engine.families.stable_diffusion_3.single_file import STABLE_DIFFUSION_3
from onetrainer_web.engine.parts.autoencoder import pixels_per_latent
from onetrainer_web.engine.parts.clip import CLIP_LENGTH, clip_lengths, encode_clip, join_clips
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.t5 import encode_t5
from onetrainer_web.engine.parts.tokens import only_words, tokenize, told
from onetrainer_web.engine.seams.interfaces import Components, LoadRequest, Model, TextEncoderPart
from onetrainer_web.engine.seams.places import Place, find_place
from onetrainer_web.engine.seams.precision import type_of

T5_LENGTH = 256
_FIRST, _MEDIUM, _LARGE = "medium", "5-medium", "5-large"
"""As sd-scripts calls the sizes."""


class StableDiffusion3(FlowFamily):
    """Both generations, of every size; each of the three text encoders can be left out."""

    pipeline = "StableDiffusion3Pipeline"
    layout = STABLE_DIFFUSION_3
    is_evenly_spaced = False
    pieces = {
        "transformer": SD3Transformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": CLIPTextModelWithProjection,
        "text_encoder_2": CLIPTextModelWithProjection,
        "text_encoder_3": T5EncoderModel,
        "tokenizer": CLIPTokenizer,
        "tokenizer_2": CLIPTokenizer,
        "tokenizer_3": T5Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="clip_l"),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="clip_g"),
        TextEncoderPart("text_encoder_3", "tokenizer_3", kohya="lora_te3", comfy="t5xxl"),
    )

    def __init__(self, model_type: ModelType) -> None:
        super().__init__(model_type)
        self.architecture = f"stable-diffusion-3-{_FIRST if model_type is ModelType.STABLE_DIFFUSION_3 else _LARGE}"

    def load(self, request: LoadRequest) -> Components:
        """As usual; the transformer says which of the sizes of 3.5 it is."""
        components = super().load(request)
        is_medium = bool(components["transformer"].config.dual_attention_layers)
        if self.model_type is ModelType.STABLE_DIFFUSION_35 and is_medium:
            self.architecture = f"stable-diffusion-3-{_MEDIUM}"
        return components

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids for each encoder, cut off or filled up to its length."""
        lengths = {**clip_lengths(model, "text_encoder", "text_encoder_2"), "text_encoder_3": T5_LENGTH}
        return tokenize(self, model, prompts, lengths)

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Hidden states and summary of a CLIP encoder, or the hidden states of T5."""
        if part != "text_encoder_3":
            return encode_clip(model, part, tokens, skipped_layers)
        words = encode_t5(model.components[part], tokens, skipped_layers)
        return {part: only_words(model, "tokenizer_3", tokens, words) if self.masks_filling else words}

    def largest_side(self, model: Model) -> int:
        """The transformer has a table of places, of so many along each side."""
        config = model.components["transformer"].config
        return config.pos_embed_max_size * config.patch_size * pixels_per_latent(model.components["vae"])

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, all words one behind the other, and the summaries."""
        transformer = model.components["transformer"]
        num_rows, dtype, device = noisy.shape[0], type_of(transformer), noisy.device
        width, clip_width = transformer.config.joint_attention_dim, transformer.config.pooled_projection_dim
        clip = join_clips(conditions, "hidden", (num_rows, CLIP_LENGTH, clip_width), device)
        clip = torch.nn.functional.pad(clip, (0, width - clip_width))
        t5 = told(conditions, "text_encoder_3", (num_rows, T5_LENGTH, width), device)
        return transformer(
            hidden_states=noisy.to(dtype),
            timestep=timesteps_B,
            encoder_hidden_states=torch.cat([clip.to(dtype), t5.to(dtype)], dim=1),
            pooled_projections=join_clips(conditions, "pooled", (num_rows, clip_width), device).to(dtype),
            return_dict=False,
        )[0]

    def original_place(self, part: str, module_name: str, model: Model) -> Place | None:
        """By a table that depends on the number of blocks; text encoders keep their names."""
        if part != self.denoiser:
            return super().original_place(part, module_name, model)
        return find_place(module_name, stable_diffusion_3_places(model.components[part].config.num_layers))
