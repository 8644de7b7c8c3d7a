"""ERNIE-Image: one transformer over latents and words of Mistral 3 alike."""

from collections.abc import Mapping

from diffusers.models.autoencoders.autoencoder_kl_flux2 import AutoencoderKLFlux2
from diffusers.models.transformers.transformer_ernie_image import ErnieImageTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.mistral3.modeling_mistral3 import Mistral3Model
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.language import encode_layers, only_used
from onetrainer_web.engine.parts.packed_latents import PackedLatents
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.places import SAME_NAMES
from onetrainer_web.engine.seams.precision import type_of


class Ernie(FlowFamily):
    """The text-to-image model; captions are taken as they are, without its model that rewrites prompts."""

    architecture = "ernie-image"
    pipeline = "ErnieImagePipeline"
    pictures = PackedLatents()
    patch_side = 1
    original_places = SAME_NAMES
    pieces = {
        "transformer": ErnieImageTransformer2DModel,
        "vae": AutoencoderKLFlux2,
        "text_encoder": Mistral3Model,
        "tokenizer": PreTrainedTokenizerFast,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    padding_side = "right"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="text_encoder"),)
    kohya_denoiser = "lora_unet"
    legacy_is_dotted = True

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The hidden states in front of the last layer, and which of them are words."""
        del skipped_layers
        mask = is_word(model, "tokenizer", tokens)
        return {"prompt": encode_layers(model.components[part], tokens, mask, [-2]), "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        prompt, mask = only_used(conditions["prompt"], conditions["is_word"])
        return transformer(
            hidden_states=noisy.to(type_of(transformer)),
            timestep=timesteps_B.to(type_of(transformer)),
            text_bth=prompt.to(type_of(transformer)),
            text_lens=mask.sum(dim=1),
            return_dict=False,
        )[0]
