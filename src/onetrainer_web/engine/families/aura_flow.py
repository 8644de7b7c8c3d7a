"""AuraFlow: a transformer over words and patches of latents, with the words of a T5 (Fal 2024)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.auraflow_transformer_2d import AuraFlowTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.models.umt5.modeling_umt5 import UMT5EncoderModel

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow
from onetrainer_web.engine.interfaces import Components, Family, LoadRequest, Model, SaveTarget, TextEncoderPart
from onetrainer_web.engine.t5 import encode_t5
from onetrainer_web.engine.tokens import is_word, tokenize
from onetrainer_web.engine.weights import diffusers_folder

_NETWORKS: dict[str, Any] = {
    "transformer": AuraFlowTransformer2DModel,
    "vae": AutoencoderKL,
    "text_encoder": UMT5EncoderModel,
}
# Its tokenizer is Llama's in some repositories and T5's in others.
_OTHERS: dict[str, Any] = {"tokenizer": AutoTokenizer, "scheduler": FlowMatchEulerDiscreteScheduler}
MAX_LENGTH = 256


class AuraFlow(Family):
    """All versions of AuraFlow."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="pile_t5xl"),)
    kohya_denoiser = "lora_transformer"
    adapter_formats = (ModelFormat.DIFFUSERS_LORA,)

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """As a folder."""
        return (ModelFormat.DIFFUSERS,)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "auraflow"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, text encoder with its tokenizer, and the sampler's settings."""
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        return diffusers_folder.replace_parts(components, request, ("transformer", "vae"))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        return set_up_flow(components)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, times its scaling factor."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids, cut off or filled up."""
        return tokenize(self, model, prompts, {"text_encoder": MAX_LENGTH})

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """T5's hidden states, with zeros behind the last word: the transformer looks at all of them."""
        mask = is_word(model, "tokenizer", tokens)
        hidden_BLD = encode_t5(model.components[part], tokens, skipped_layers, mask)
        return {"prompt": hidden_BLD * mask.to(hidden_BLD.device).unsqueeze(-1)}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        share_B = timesteps.to(noisy.device).expand(noisy.shape[0]) / model.objective.num_timesteps
        return transformer(
            noisy.to(transformer.dtype),
            encoder_hidden_states=conditions["prompt"].to(transformer.dtype),
            timestep=share_B.to(transformer.dtype),
            return_dict=False,
        )[0]

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow, spaced as its scheduler says."""
        return create_flow_sampler(model, settings, shape, is_evenly_spaced=False)

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        diffusers_folder.write_folder(target.path, "AuraFlowPipeline", model.components, target.dtype)
