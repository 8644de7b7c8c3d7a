"""Stable Diffusion XL: a larger UNet, told what to draw by two CLIP text encoders and the size of the picture.

Podell et al. 2023.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from PIL import Image
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel, CLIPTextModelWithProjection
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.clip import clip_lengths
from onetrainer_web.engine.diffusion import set_up_diffusion
from onetrainer_web.engine.inpainting import beside, inpaints, mask_then_picture, require_fitting_input
from onetrainer_web.engine.interfaces import (
    Components,
    Family,
    LoadRequest,
    Model,
    PictureShape,
    SaveTarget,
    TextEncoderPart,
)
from onetrainer_web.engine.objectives import DiffusionObjective
from onetrainer_web.engine.samplers import create_sampler
from onetrainer_web.engine.tokens import tokenize
from onetrainer_web.engine.weights import diffusers_folder, original_file
from onetrainer_web.engine.weights.stable_diffusion_file import STABLE_DIFFUSION_XL
from onetrainer_web.engine.weights.stable_diffusion_keys import original_unet_module

_NETWORKS: dict[str, Any] = {
    "unet": UNet2DConditionModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModel,
    "text_encoder_2": CLIPTextModelWithProjection,
}
_OTHERS: dict[str, Any] = {"tokenizer": CLIPTokenizer, "tokenizer_2": CLIPTokenizer, "scheduler": DDIMScheduler}


class StableDiffusionXL(Family):
    """The base model and all that is fine-tuned from it."""

    denoiser = "unet"
    picture_encoder = "vae"
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="clip_l", module_prefix="text_model."),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="clip_g"),
    )
    kohya_denoiser = "lora_unet"

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """A folder, or one file in the original layout."""
        return (ModelFormat.DIFFUSERS, ModelFormat.ORIGINAL_SINGLE_FILE)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "stable-diffusion-xl-v1-base"

    def load(self, request: LoadRequest) -> Components:
        """Load UNet, autoencoder, both text encoders with their tokenizers, and the noise schedule."""
        location = request.location
        if isinstance(location, Path) and location.is_file():
            components = original_file.load(location, request, STABLE_DIFFUSION_XL)
        else:
            components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        require_fitting_input(self, components, request)
        return diffusers_folder.replace_parts(components, request, ("vae",))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> DiffusionObjective:
        """Noise or velocity at the model's own noise levels."""
        return set_up_diffusion(components, config, device)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, times its scaling factor."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids, cut off or filled up to the length of each text encoder."""
        return tokenize(self, model, prompts, clip_lengths(model, "text_encoder", "text_encoder_2"))

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The hidden states in front of the last layer that is not left out; of the second one, the summary too."""
        encoder = model.components[part]
        output = encoder(tokens.to(encoder.device), output_hidden_states=True)
        hidden = {part: output.hidden_states[-(skipped_layers + 2)]}
        return hidden if part == "text_encoder" else {**hidden, "pooled": output.text_embeds}

    def picture_conditions(self, shapes: Sequence[PictureShape]) -> dict[str, Tensor]:
        """Original size, cut off parts and size of each picture, heights and tops first."""
        numbers = [
            (s.original.height, s.original.width, s.top, s.left, s.target.height, s.target.width) for s in shapes
        ]
        return {"time_ids": torch.tensor(numbers, dtype=torch.float32)}

    def hint(self, model: Model, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
        """Of inpainting models: where to draw, and the latents of what is shown."""
        return mask_then_picture(model.components["vae"], shown_BCHW, masks_B1HW)

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the UNet makes of noisy latents, timesteps, both encoded prompts, the summary and the sizes."""
        unet = model.components["unet"]
        prompt = torch.cat([conditions[encoder.name] for encoder in self.text_encoders], dim=-1).to(unet.dtype)
        added = {"text_embeds": conditions["pooled"].to(unet.dtype), "time_ids": conditions["time_ids"]}
        noisy = beside(noisy, conditions).to(unet.dtype)
        return unet(noisy, timesteps, prompt, added_cond_kwargs=added, return_dict=False)[0]

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """The one that the sample names, on the noise levels that the model was trained with."""
        del shape
        return create_sampler(settings, model)

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder, or a single file in the original layout."""
        if target.model_format is ModelFormat.DIFFUSERS:
            pipeline = f"StableDiffusionXL{'Inpaint' if inpaints(self) else ''}Pipeline"
            diffusers_folder.write_folder(target.path, pipeline, model.components, target.dtype)
        else:
            original_file.save(model, target, STABLE_DIFFUSION_XL)

    def original_module_name(self, part: str, module_name: str, model: Model) -> str | None:
        """Names of the original UNet; the text encoders keep their own."""
        if part == "unet":
            return original_unet_module(module_name, model.components["unet"].config)
        return module_name if part == "text_encoder_2" else f"text_model.{module_name}"

    def kohya_module_name(self, part: str, module_name: str, model: Model) -> str:
        """Kohya's files name the UNet's modules as the original code does."""
        if part != "unet":
            return module_name
        return original_unet_module(module_name, model.components["unet"].config) or module_name
