"""Stable Diffusion 1.x and 2.x: a UNet on the latents of an autoencoder, told what to draw by one CLIP text encoder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from PIL import Image
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.config.enums import ModelFormat, ModelType
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
    SaveTarget,
    TextEncoderPart,
)
from onetrainer_web.engine.objectives import DiffusionObjective
from onetrainer_web.engine.samplers import create_sampler
from onetrainer_web.engine.tokens import tokenize
from onetrainer_web.engine.weights import diffusers_folder, original_file
from onetrainer_web.engine.weights.original_file import OriginalLayout
from onetrainer_web.engine.weights.stable_diffusion_file import STABLE_DIFFUSION_1, stable_diffusion_2
from onetrainer_web.engine.weights.stable_diffusion_keys import original_unet_module

_NETWORKS: dict[str, Any] = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel}
_OTHERS: dict[str, Any] = {"tokenizer": CLIPTokenizer, "scheduler": DDIMScheduler}
_BASE_TYPES = (ModelType.STABLE_DIFFUSION_20_BASE, ModelType.STABLE_DIFFUSION_21_BASE)
"""Of 2.x, those that predict noise."""


class StableDiffusion(Family):
    """The family; 1.x and 2.x differ only in what their files say about themselves."""

    denoiser = "unet"
    picture_encoder = "vae"
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="clip_l", module_prefix="text_model."),
    )
    kohya_denoiser = "lora_unet"

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """A folder, or one file in the original layout."""
        return (ModelFormat.DIFFUSERS, ModelFormat.ORIGINAL_SINGLE_FILE)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "stable-diffusion-v1" if self._is_first else "stable-diffusion-v2"

    @property
    def _is_first(self) -> bool:
        return self.model_type in (ModelType.STABLE_DIFFUSION_15, ModelType.STABLE_DIFFUSION_15_INPAINTING)

    def load(self, request: LoadRequest) -> Components:
        """Load UNet, autoencoder, text encoder, tokenizer and noise schedule."""
        location = request.location
        if isinstance(location, Path) and location.is_file():
            components = original_file.load(location, request, self._layout)
        else:
            components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        require_fitting_input(self, components, request)
        return diffusers_folder.replace_parts(components, request, ("vae",))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> DiffusionObjective:
        """Noise or velocity at the model's own noise levels; the scheduler component is set to what is trained."""
        return set_up_diffusion(components, config, device)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, times its scaling factor."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids, cut off or filled up to the length of the text encoder."""
        return tokenize(self, model, prompts, clip_lengths(model, "text_encoder"))

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The hidden states of the last layer that is not left out, normalised as the last one is."""
        encoder = model.components[part]
        output = encoder(tokens.to(encoder.device), output_hidden_states=skipped_layers > 0)
        if not skipped_layers:
            return {"prompt": output.last_hidden_state}
        hidden = output.hidden_states[-(skipped_layers + 1)]
        return {"prompt": encoder.final_layer_norm(hidden)}

    def hint(self, model: Model, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
        """Of inpainting models: where to draw, and the latents of what is shown."""
        return mask_then_picture(model.components["vae"], shown_BCHW, masks_B1HW)

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the UNet makes of noisy latents, timesteps and the encoded prompt."""
        unet = model.components["unet"]
        prompt = conditions["prompt"].to(unet.dtype)
        return unet(beside(noisy, conditions).to(unet.dtype), timesteps, prompt, return_dict=False)[0]

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
            parts = {**model.components, "safety_checker": None, "feature_extractor": None}
            pipeline = f"StableDiffusion{'Inpaint' if inpaints(self) else ''}Pipeline"
            diffusers_folder.write_folder(target.path, pipeline, parts, target.dtype)
        else:
            original_file.save(model, target, self._layout)

    def original_module_name(self, part: str, module_name: str, model: Model) -> str | None:
        """Names of the original UNet; the text encoder keeps its own."""
        if part == "unet":
            return original_unet_module(module_name, model.components["unet"].config)
        return f"text_model.{module_name}"

    @property
    def _layout(self) -> OriginalLayout:
        if self._is_first:
            return STABLE_DIFFUSION_1
        return stable_diffusion_2("epsilon" if self.model_type in _BASE_TYPES else "v_prediction")
