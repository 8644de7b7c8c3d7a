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
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine import randomness
from onetrainer_web.engine.interfaces import (
    Components,
    DrawRequest,
    Family,
    LoadRequest,
    Model,
    SaveTarget,
    TextEncoderPart,
)
from onetrainer_web.engine.objectives import DiffusionObjective, Prediction
from onetrainer_web.engine.precision import torch_dtype
from onetrainer_web.engine.samplers import create_sampler
from onetrainer_web.engine.weights import diffusers_folder, stable_diffusion_file
from onetrainer_web.engine.weights.location import locate
from onetrainer_web.engine.weights.stable_diffusion_keys import original_unet_module

_CLASSES: dict[str, Any] = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text_encoder": CLIPTextModel}


class StableDiffusion(Family):
    """The family; 1.x and 2.x differ only in what their files say about themselves."""

    model_types = (
        ModelType.STABLE_DIFFUSION_15,
        ModelType.STABLE_DIFFUSION_20,
        ModelType.STABLE_DIFFUSION_20_BASE,
        ModelType.STABLE_DIFFUSION_21,
        ModelType.STABLE_DIFFUSION_21_BASE,
    )
    denoiser = "unet"
    picture_encoder = "vae"
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="clip_l", module_prefix="text_model."),
    )
    kohya_denoiser = "lora_unet"

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """Single files in the original layout exist for 1.x only: 2.x has another text encoder there."""
        is_first = self.model_type is ModelType.STABLE_DIFFUSION_15
        return (ModelFormat.DIFFUSERS, *([ModelFormat.ORIGINAL_SINGLE_FILE] if is_first else []))

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        is_first = self.model_type is ModelType.STABLE_DIFFUSION_15
        return "stable-diffusion-v1" if is_first else "stable-diffusion-v2"

    def load(self, request: LoadRequest) -> Components:
        """Load UNet, autoencoder, text encoder, tokenizer and noise schedule."""
        dtypes = {
            part: torch_dtype(f"{part}.weight_dtype", self.part_config(request.config, part).weight_dtype)
            for part in _CLASSES
        }
        location = request.location
        if isinstance(location, Path) and location.is_file():
            components = stable_diffusion_file.load(location, dtypes, request)
        else:
            components = _load_folder(location, dtypes, is_offline=request.is_offline)
        if override := request.config.vae.model_name:
            place = locate(override, request.resolve)
            inside = isinstance(place, Path) and (place / "vae").is_dir()
            components["vae"] = diffusers_folder.load_network(
                AutoencoderKL, place, "vae" if inside else None, dtypes["vae"], is_offline=request.is_offline
            )
        return components

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> DiffusionObjective:
        """Noise or velocity at the model's own noise levels; the scheduler component is set to what is trained."""
        own = components["scheduler"].config
        changes: dict[str, Any] = {}
        if config.rescale_noise_scheduler_to_zero_terminal_snr:
            changes |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
        if config.force_v_prediction or {**own, **changes}.get("rescale_betas_zero_snr"):
            changes["prediction_type"] = Prediction.V.value
        elif config.force_epsilon_prediction:
            changes["prediction_type"] = Prediction.EPSILON.value
        # Handed over by name: in a configuration, diffusers would take them back where the model had the default.
        scheduler: Any = DDIMScheduler.from_config(own, **changes)
        components["scheduler"] = scheduler
        alphas = scheduler.alphas_cumprod.to(device, torch.float32)
        return DiffusionObjective(alphas, Prediction(scheduler.config["prediction_type"]))

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, times its scaling factor."""
        vae = model.components["vae"]
        with torch.no_grad():
            distribution = vae.encode(pixels_BCHW.to(vae.device, vae.dtype)).latent_dist
        shape = tuple(distribution.mean.shape[1:])
        noise = torch.stack([randomness.normal(shape, distribution.mean, "latent", seed) for seed in seeds])
        return (distribution.mean.float() + distribution.std.float() * noise) * vae.config.scaling_factor

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids, cut off or filled up to the length of the text encoder."""
        tokenizer = model.components["tokenizer"]
        length = model.components["text_encoder"].config.max_position_embeddings
        tokens = tokenizer(list(prompts), padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        return {"text_encoder": tokens.input_ids}

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The hidden states of the last layer that is not left out, normalised as the last one is."""
        encoder = model.components[part]
        output = encoder(tokens.to(encoder.device), output_hidden_states=skipped_layers > 0)
        if not skipped_layers:
            return {"prompt": output.last_hidden_state}
        hidden = output.hidden_states[-(skipped_layers + 1)]
        return {"prompt": encoder.final_layer_norm(hidden)}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the UNet makes of noisy latents, timesteps and the encoded prompt."""
        unet = model.components["unet"]
        prompt = conditions["prompt"].to(unet.dtype)
        return unet(noisy.to(unet.dtype), timesteps, prompt, return_dict=False)[0]

    def draw(self, model: Model, request: DrawRequest) -> Image.Image:
        """Draw with classifier-free guidance; the starting noise is drawn on the CPU and equal on every device."""
        settings = request.settings
        vae = model.components["vae"]
        device = model.precision.device
        sampler = create_sampler(settings, model.components["scheduler"].config)
        sampler.set_timesteps(settings.diffusion_steps, device=device)
        generator = torch.Generator("cpu").manual_seed(request.seed)
        factor = 2 ** (len(vae.config.block_out_channels) - 1)
        shape = (1, vae.config.latent_channels, settings.height // factor, settings.width // factor)
        latents = torch.randn(shape, generator=generator).to(device) * sampler.init_noise_sigma
        is_guided = settings.cfg_scale > 1
        prompts = [settings.negative_prompt, settings.prompt] if is_guided else [settings.prompt]
        with torch.no_grad():
            conditions = self._encode_prompts(model, prompts, settings.text_encoder_1_layer_skip)
            for number, timestep in enumerate(sampler.timesteps, start=1):
                noisy = sampler.scale_model_input(torch.cat([latents] * len(prompts)), timestep)
                with model.precision.autocast():
                    predicted = self.predict(model, noisy, timestep, conditions).float()
                if is_guided:
                    without, with_prompt = predicted.chunk(2)
                    predicted = without + settings.cfg_scale * (with_prompt - without)
                latents = sampler.step(predicted, timestep, latents, generator=generator).prev_sample
                request.on_step(number, len(sampler.timesteps))
            decoded = vae.decode((latents / vae.config.scaling_factor).to(vae.dtype)).sample
        return to_picture(decoded[0])

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder, or a single file in the original layout."""
        if target.model_format is ModelFormat.DIFFUSERS:
            parts = {**model.components, "safety_checker": None, "feature_extractor": None}
            diffusers_folder.write_folder(target.path, "StableDiffusionPipeline", parts, target.dtype)
        else:
            stable_diffusion_file.save(model, target)

    def original_module_name(self, part: str, module_name: str, model: Model) -> str | None:
        """Names of the original UNet; the text encoder keeps its own."""
        if part == "unet":
            return original_unet_module(module_name, model.components["unet"].config)
        return f"text_model.{module_name}"

    def _encode_prompts(self, model: Model, prompts: Sequence[str], skipped_layers: int) -> dict[str, Tensor]:
        tokens = self.tokenize(model, prompts)["text_encoder"]
        with model.precision.autocast():
            return self.encode_tokens(model, "text_encoder", tokens, skipped_layers)


def to_picture(pixels_CHW: Tensor) -> Image.Image:
    """A picture from pixels in [-1, 1]."""
    levels = ((pixels_CHW.float() / 2 + 0.5).clamp(0, 1) * 255).round().to("cpu", torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).contiguous().numpy())


def _load_folder(location: Path | str, dtypes: Mapping[str, torch.dtype], *, is_offline: bool) -> Components:
    if isinstance(location, Path):
        diffusers_folder.require_model_index(location, "unet, vae and text_encoder")
    networks = {
        part: diffusers_folder.load_network(kind, location, part, dtypes[part], is_offline=is_offline)
        for part, kind in _CLASSES.items()
    }
    tokenizer = diffusers_folder.load_piece(CLIPTokenizer, location, "tokenizer", is_offline=is_offline)
    scheduler = diffusers_folder.load_piece(DDIMScheduler, location, "scheduler", is_offline=is_offline)
    return {**networks, "tokenizer": tokenizer, "scheduler": scheduler}
