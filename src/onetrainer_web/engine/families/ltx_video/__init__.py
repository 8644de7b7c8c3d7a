"""LTX-Video: videos from words, by a transformer on latents 32 times smaller than the picture (HaCohen et al. 2024)."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
from diffusers.models.transformers.transformer_ltx import LTXVideoTransformer3DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.config.families import facts
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.families.ltx_video.names import LTX_VIDEO_PLACES
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.t5 import encode_t5
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.parts.video import decode_video, encode_video, per_channel, video_latent_shape
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of


class LtxVideo(FlowFamily):
    """The versions of LTX-Video that make videos from words."""

    architecture = "lightricks-ltx-video"
    pipeline = "LTXPipeline"
    original_places = LTX_VIDEO_PLACES
    pieces = {
        "transformer": LTXVideoTransformer3DModel,
        "vae": AutoencoderKLLTXVideo,
        "text_encoder": T5EncoderModel,
        "tokenizer": T5Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="t5xxl"),)
    patch_side = 1
    max_length = 128

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, each channel with mean 0 and deviation 1."""
        vae = model.components["vae"]
        drawn = encode_video(vae, pixels_BCHW, seeds)
        deviation = per_channel(vae.latents_std, drawn) / vae.config.scaling_factor
        return (drawn - per_channel(vae.latents_mean, drawn)) / deviation

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """T5's hidden states, and which of them are words."""
        hidden = encode_t5(model.components[part], tokens, skipped_layers)
        return {"prompt": hidden, "is_word": is_word(model, "tokenizer", tokens)}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words; it is told how fast the frames follow."""
        transformer, vae = model.components["transformer"], model.components["vae"]
        side, frames_per_second = vae.spatial_compression_ratio, facts(self.model_type).frames_per_second
        num_frames, height, width = noisy.shape[2:]
        predicted = transformer(
            hidden_states=noisy.flatten(2).transpose(1, 2).to(type_of(transformer)),
            encoder_hidden_states=conditions["prompt"].to(type_of(transformer)),
            timestep=timesteps_B,
            encoder_attention_mask=conditions["is_word"],
            num_frames=num_frames,
            height=height,
            width=width,
            rope_interpolation_scale=(vae.temporal_compression_ratio / frames_per_second, side, side),
            return_dict=False,
        )[0]
        return predicted.transpose(1, 2).unflatten(2, (num_frames, height, width))

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, frames, height, width)."""
        vae = model.components["vae"]
        factors = vae.temporal_compression_ratio, vae.spatial_compression_ratio
        return video_latent_shape(settings, vae.config.latent_channels, *factors)

    def decode(self, model: Model, latents: Tensor) -> list[Image.Image]:
        """The frames that the autoencoder makes of latents."""
        vae = model.components["vae"]
        deviation = per_channel(vae.latents_std, latents) / vae.config.scaling_factor
        # Newer autoencoders take a last step of denoising at this timestep; 0 leaves the latents as they are.
        told = {"temb": torch.zeros(1, device=latents.device)} if vae.config.timestep_conditioning else {}
        return decode_video(vae, latents * deviation + per_channel(vae.latents_mean, latents), **told)
