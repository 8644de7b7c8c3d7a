"""Sana: a transformer with linear attention on latents 32 times smaller than the picture (Xie et al. 2024)."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
from diffusers.models.transformers.sana_transformer import SanaTransformer2DModel
from PIL import Image
from torch import Tensor
from transformers.models.gemma.tokenization_gemma import GemmaTokenizer
from transformers.models.gemma2.modeling_gemma2 import Gemma2Model

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.parts.autoencoder import to_picture
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.places import SAME_NAMES
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights import diffusers_folder


class Sana(FlowFamily):
    """All sizes of Sana that draw pictures from words."""

    architecture = "nvidia-sana-1600"
    pipeline = "SanaPipeline"
    pieces = {
        "transformer": SanaTransformer2DModel,
        "vae": AutoencoderDC,
        "text_encoder": Gemma2Model,
        "tokenizer": GemmaTokenizer,
        "scheduler": diffusers_folder.OwnScheduler,
    }
    padding_side = "right"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="gemma2"),)
    original_places = SAME_NAMES  # its makers train adapters with diffusers; those of their own code nobody reads
    is_evenly_spaced = False
    max_length = 300

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents times their scaling factor; this autoencoder draws nothing at random."""
        del seeds
        vae = model.components["vae"]
        with torch.no_grad():
            return vae.encode(pixels_BCHW.to(vae.device, type_of(vae))).latent.float() * vae.config.scaling_factor

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts in small letters, as the model was trained, cut off or filled up."""
        return super().tokenize(model, [prompt.lower().strip() for prompt in prompts])

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Gemma's hidden states, normalised as the last ones are, and which of them are words."""
        encoder = model.components[part]
        mask = is_word(model, "tokenizer", tokens)
        output = encoder(
            tokens.to(encoder.device), mask.to(encoder.device), output_hidden_states=skipped_layers > 0, use_cache=False
        )
        hidden = encoder.norm(output.hidden_states[-(skipped_layers + 1)]) if skipped_layers else output[0]
        return {"prompt": hidden, "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        return transformer(
            noisy.to(type_of(transformer)),
            encoder_hidden_states=conditions["prompt"].to(type_of(transformer)),
            encoder_attention_mask=conditions["is_word"],
            timestep=timesteps_B * transformer.config.timestep_scale,
            return_dict=False,
        )[0]

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        vae = model.components["vae"]
        factor = 2 ** (len(vae.config.encoder_block_out_channels) - 1)
        return (1, vae.config.latent_channels, settings.height // factor, settings.width // factor)

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        vae = model.components["vae"]
        with torch.no_grad():
            return to_picture(vae.decode((latents / vae.config.scaling_factor).to(type_of(vae))).sample[0])
