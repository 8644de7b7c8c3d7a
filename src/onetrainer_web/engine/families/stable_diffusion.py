"""Stable Diffusion 1.x and 2.x: a UNet on the latents of an autoencoder, told what to draw by one CLIP text encoder."""

from collections.abc import Mapping, Sequence

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.engine.parts import depth
from onetrainer_web.engine.parts.clip import clip_lengths
from onetrainer_web.engine.parts.diffusion import DiffusionFamily
from onetrainer_web.engine.parts.inpainting import beside, inpaints, mask_then_picture, sees_depth
from onetrainer_web.engine.parts.tokens import tokenize
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.objectives import Prediction
from onetrainer_web.engine.seams.places import Place
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights.stable_diffusion_file import STABLE_DIFFUSION_1, stable_diffusion_2
from onetrainer_web.engine.weights.stable_diffusion_keys import original_unet_module

_BASE_TYPES = (
    ModelType.STABLE_DIFFUSION_20_BASE,
    ModelType.STABLE_DIFFUSION_20_DEPTH,
    ModelType.STABLE_DIFFUSION_21_BASE,
)
"""Of 2.x, those that predict noise."""


class StableDiffusion(DiffusionFamily):
    """The family; 1.x and 2.x differ only in what their files say about themselves."""

    pieces = {
        "unet": UNet2DConditionModel,
        "vae": AutoencoderKL,
        "text_encoder": CLIPTextModel,
        "tokenizer": CLIPTokenizer,
        "scheduler": DDIMScheduler,
    }
    kohya_denoiser = "lora_unet"
    index = dict.fromkeys(("safety_checker", "feature_extractor"), (None, None))

    def __init__(self, model_type: ModelType) -> None:
        super().__init__(model_type)
        kind = "Inpaint" if inpaints(self) else "Depth2Img" if sees_depth(self) else ""
        self.pipeline = f"StableDiffusion{kind}Pipeline"
        is_first = model_type in (ModelType.STABLE_DIFFUSION_15, ModelType.STABLE_DIFFUSION_15_INPAINTING)
        clip = "clip_l" if is_first else "clip_h"
        self.text_encoders = (
            TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy=clip, module_prefix="text_model."),
        )
        if is_first:
            self.architecture, self.layout = "stable-diffusion-v1", STABLE_DIFFUSION_1
        else:
            predicted = Prediction.EPSILON if model_type in _BASE_TYPES else Prediction.V
            others = depth.PUBLISHED if sees_depth(self) else {}
            size = "512" if predicted is Prediction.EPSILON else "768-v"
            self.architecture, self.layout = f"stable-diffusion-v2-{size}", stable_diffusion_2(predicted, others)
        if sees_depth(self):
            self.pieces = {**self.pieces, **depth.PIECES}
            self.index = {}

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
        """Of inpainting models: where to draw, and the latents of what is shown; of depth models, its depth."""
        if sees_depth(self):
            return depth.depth_of(model, shown_BCHW)
        return mask_then_picture(model.components["vae"], shown_BCHW, masks_B1HW)

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the UNet makes of noisy latents, timesteps and the encoded prompt."""
        unet = model.components["unet"]
        prompt = conditions["prompt"].to(type_of(unet))
        return unet(beside(noisy, conditions).to(type_of(unet)), timesteps_B, prompt, return_dict=False)[0]

    def names_in_adapters(self, model_format: ModelFormat, part: str, module_name: str, model: Model) -> Sequence[str]:
        """Kohya's files name its modules as diffusers does."""
        is_kohya = model_format is ModelFormat.KOHYA_LORA
        return super().names_in_adapters(
            ModelFormat.DIFFUSERS_LORA if is_kohya else model_format, part, module_name, model
        )

    def original_place(self, part: str, module_name: str, model: Model) -> Place | None:
        """Names of the original UNet; the text encoders keep their own."""
        if part != "unet":
            return super().original_place(part, module_name, model)
        name = original_unet_module(module_name, model.components["unet"].config)
        return Place(name) if name else None
