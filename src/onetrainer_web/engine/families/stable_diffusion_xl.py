"""Stable Diffusion XL: a larger UNet, told what to draw by two CLIP text encoders and the size of the picture.

Podell et al. 2023.
"""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel, CLIPTextModelWithProjection
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.parts.clip import clip_lengths
from onetrainer_web.engine.parts.diffusion import DiffusionFamily
from onetrainer_web.engine.parts.inpainting import beside, inpaints, mask_then_picture
from onetrainer_web.engine.parts.tokens import tokenize
from onetrainer_web.engine.seams.interfaces import Model, PictureShape, TextEncoderPart
from onetrainer_web.engine.seams.places import Place
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights.stable_diffusion_file import STABLE_DIFFUSION_XL
from onetrainer_web.engine.weights.stable_diffusion_keys import original_unet_module


class StableDiffusionXL(DiffusionFamily):
    """The base model and all that is fine-tuned from it."""

    architecture = "stable-diffusion-xl-v1-base"
    layout = STABLE_DIFFUSION_XL
    pieces = {
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
        "text_encoder": CLIPTextModel,
        "text_encoder_2": CLIPTextModelWithProjection,
        "tokenizer": CLIPTokenizer,
        "tokenizer_2": CLIPTokenizer,
        "scheduler": DDIMScheduler,
    }
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="clip_l", module_prefix="text_model."),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="clip_g"),
    )
    kohya_denoiser = "lora_unet"

    def __init__(self, model_type: ModelType) -> None:
        super().__init__(model_type)
        self.pipeline = f"StableDiffusionXL{'Inpaint' if inpaints(self) else ''}Pipeline"

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

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the UNet makes of noisy latents, timesteps, both encoded prompts, the summary and the sizes."""
        unet = model.components["unet"]
        prompt = torch.cat([conditions[encoder.name] for encoder in self.text_encoders], dim=-1).to(type_of(unet))
        added = {"text_embeds": conditions["pooled"].to(type_of(unet)), "time_ids": conditions["time_ids"]}
        noisy = beside(noisy, conditions).to(type_of(unet))
        return unet(noisy, timesteps_B, prompt, added_cond_kwargs=added, return_dict=False)[0]

    def original_place(self, part: str, module_name: str, model: Model) -> Place | None:
        """Names of the original UNet; the text encoders keep their own."""
        if part != "unet":
            return super().original_place(part, module_name, model)
        name = original_unet_module(module_name, model.components["unet"].config)
        return Place(name) if name else None
