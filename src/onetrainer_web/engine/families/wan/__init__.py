"""Wan 2.1: videos from words, by a transformer that looks at the words of a many-language T5 (Wan Team 2025)."""

from collections.abc import Mapping, Sequence

from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
from PIL import Image
from torch import Tensor
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.models.umt5.modeling_umt5 import UMT5EncoderModel

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.families.wan.names import WAN_PLACES
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.t5 import encode_t5
from onetrainer_web.engine.parts.tokens import is_word, only_words
from onetrainer_web.engine.parts.video import decode_video, encode_video, per_channel, video_latent_shape
from onetrainer_web.engine.seams.interfaces import Components, LoadRequest, Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights import diffusers_folder

_LAYERS_OF_LARGE = 40


class Wan(FlowFamily):
    """Both sizes of Wan 2.1 that make videos from words."""

    architecture = "wan-2_1-text2video-14b"
    pipeline = "WanPipeline"
    original_places = WAN_PLACES
    pieces = {
        "transformer": WanTransformer3DModel,
        "vae": AutoencoderKLWan,
        "text_encoder": UMT5EncoderModel,
        "tokenizer": AutoTokenizer,
        "scheduler": diffusers_folder.OwnScheduler,
    }
    is_evenly_spaced = False
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="umt5xxl"),)

    def load(self, request: LoadRequest) -> Components:
        """As usual; the transformer says which of both sizes it is."""
        components = super().load(request)
        if components["transformer"].config.num_layers < _LAYERS_OF_LARGE:
            self.architecture = "wan-2_1-text2video-1_3b"
        return components

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, each channel with mean 0 and deviation 1."""
        vae = model.components["vae"]
        drawn = encode_video(vae, pixels_BCHW, seeds)
        return (drawn - per_channel(vae.config.latents_mean, drawn)) / per_channel(vae.config.latents_std, drawn)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids, cut off or filled up."""
        return super().tokenize(model, [" ".join(prompt.split()) for prompt in prompts])

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """T5's hidden states, with zeros behind the last word: the transformer looks at all of them."""
        hidden = encode_t5(model.components[part], tokens, skipped_layers, is_word(model, "tokenizer", tokens))
        return {"prompt": only_words(model, "tokenizer", tokens, hidden)}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        return transformer(
            hidden_states=noisy.to(type_of(transformer)),
            timestep=timesteps_B,
            encoder_hidden_states=conditions["prompt"].to(type_of(transformer)),
            return_dict=False,
        )[0]

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, frames, height, width)."""
        own = model.components["vae"].config
        return video_latent_shape(settings, own.z_dim, own.scale_factor_temporal, own.scale_factor_spatial)

    def decode(self, model: Model, latents: Tensor) -> list[Image.Image]:
        """The frames that the autoencoder makes of latents."""
        vae = model.components["vae"]
        mean, deviation = per_channel(vae.config.latents_mean, latents), per_channel(vae.config.latents_std, latents)
        return decode_video(vae, latents * deviation + mean)
