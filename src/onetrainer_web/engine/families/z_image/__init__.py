"""Z-Image and Z-Image Turbo: one transformer over patches of latents and words of Qwen3 alike."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen3.modeling_qwen3 import Qwen3Model

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.families.z_image.names import Z_IMAGE_COMFY_PLACES
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.language import as_chat, encode_layers
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.places import SAME_NAMES
from onetrainer_web.engine.seams.precision import type_of


class ZImage(FlowFamily):
    """The base model and what is distilled from it, which is drawn without guidance (`cfg_scale` 0)."""

    architecture = "z-image"
    pipeline = "ZImagePipeline"
    original_places = SAME_NAMES
    comfy_places = Z_IMAGE_COMFY_PLACES
    pieces = {
        "transformer": ZImageTransformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": Qwen3Model,
        "tokenizer": Qwen2Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="qwen3_4b"),)
    kohya_denoiser = "lora_unet"
    legacy_is_dotted = True

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts as messages that may be thought about, cut off or filled up."""
        messages = as_chat(model.components["tokenizer"], prompts, enable_thinking=True)
        return super().tokenize(model, messages)

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The hidden states in front of the last layer, and which of them are words."""
        del skipped_layers
        mask = is_word(model, "tokenizer", tokens)
        return {"prompt": encode_layers(model.components[part], tokens, mask, [-2]), "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The velocity towards noise; the transformer counts time from noise to picture, and predicts that way."""
        transformer = model.components["transformer"]
        share_B = (1000 - timesteps_B) / 1000
        rows = zip(conditions["prompt"].to(type_of(transformer)), conditions["is_word"].bool(), strict=True)
        predicted = transformer(
            list(noisy.to(type_of(transformer)).unsqueeze(2).unbind()),
            share_B,
            [words[mask] for words, mask in rows],
            return_dict=False,
        )[0]
        return -torch.stack(list(predicted)).squeeze(2)

    def guidance(self, settings: SampleConfig) -> float:
        """As its makers count: what `cfg_scale` adds to the prediction for the prompt, so that 0 is none at all."""
        return settings.cfg_scale + 1
