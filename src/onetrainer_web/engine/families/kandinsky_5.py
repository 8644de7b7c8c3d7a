"""Kandinsky 5 Lite: a transformer over patches of latents, of pictures or videos, told by Qwen2.5-VL and CLIP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.autoencoder_kl_hunyuan_video import AutoencoderKLHunyuanVideo
from diffusers.models.transformers.transformer_kandinsky import Kandinsky5Transformer3DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.prefaces import KANDINSKY_5, KANDINSKY_5_VIDEO
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.parts import autoencoder
from onetrainer_web.engine.parts.clip import clip_lengths
from onetrainer_web.engine.parts.family import Pictures
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.language import encode_layers, only_used
from onetrainer_web.engine.parts.tokens import is_word, tokenize
from onetrainer_web.engine.parts.video import HunyuanPictures
from onetrainer_web.engine.runtime.errors import WrongWeightsError
from onetrainer_web.engine.seams.interfaces import Components, LoadRequest, Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of

PICTURE_TEMPLATE = f"{KANDINSKY_5.text}{{}}<|im_end|>"
"""What the models of pictures were trained to read around a prompt."""
VIDEO_TEMPLATE = f"{KANDINSKY_5_VIDEO.text}{{}}<|im_end|>"
"""The same of the models of videos."""
SMALL_SIDES = range(480, 855)
"""Sides of a video in pixels, both of which lie here, for which places are scaled by less."""


class UnshiftedPictures:
    """By FLUX.1's autoencoder, whose latents FLUX.1 also shifts."""

    def encode_pictures(self, vae: Any, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, times its scaling factor."""
        return autoencoder.encode_pictures(vae, pixels_BCHW, seeds) + self._shift(vae)

    def latent_shape(self, vae: Any, settings: SampleConfig) -> tuple[int, int, int, int]:
        """Of one sample: (1, channels, height, width)."""
        return autoencoder.latent_shape(vae, settings)

    def decode(self, vae: Any, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return autoencoder.decode(vae, latents - self._shift(vae))

    def _shift(self, vae: Any) -> float:
        return (vae.config.shift_factor or 0.0) * vae.config.scaling_factor


@dataclass(frozen=True)
class _Variant:
    """What pictures and videos differ in."""

    architecture: str
    pipeline: str
    autoencoder: Any
    pictures: Pictures
    template: str
    template_length: int
    """Tokens of the template in front of the prompt, which the transformer does not see."""


_VARIANTS = {
    ModelType.KANDINSKY_5: _Variant(
        "kandinsky5-image-lite",
        "Kandinsky5T2IPipeline",
        AutoencoderKL,
        UnshiftedPictures(),
        PICTURE_TEMPLATE,
        KANDINSKY_5.tokens,
    ),
    ModelType.KANDINSKY_5_VIDEO: _Variant(
        "kandinsky5-video-lite",
        "Kandinsky5T2VPipeline",
        AutoencoderKLHunyuanVideo,
        HunyuanPictures(),
        VIDEO_TEMPLATE,
        KANDINSKY_5_VIDEO.tokens,
    ),
}


class Kandinsky5(FlowFamily):
    """The models that make pictures from words, and those that make videos of five seconds."""

    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer"),
        TextEncoderPart("text_encoder_2", "tokenizer_2"),
    )
    padding_side = "right"
    is_evenly_spaced = False

    def __init__(self, model_type: ModelType) -> None:
        super().__init__(model_type)
        variant = _VARIANTS[model_type]
        self.architecture, self.pipeline, self.pictures = variant.architecture, variant.pipeline, variant.pictures
        self.pieces = {
            "transformer": Kandinsky5Transformer3DModel,
            "vae": variant.autoencoder,
            "text_encoder": Qwen2_5_VLForConditionalGeneration,
            "tokenizer": Qwen2Tokenizer,
            "text_encoder_2": CLIPTextModel,
            "tokenizer_2": CLIPTokenizer,
            "scheduler": FlowMatchEulerDiscreteScheduler,
        }
        self._template, self._template_length = variant.template, variant.template_length

    def load(self, request: LoadRequest) -> Components:
        """As every family does.

        Raises:
            WrongWeightsError: The transformer is one for ten seconds, which looks only at parts of the video.
        """
        components = super().load(request)
        if components["transformer"].config.attention_type != "regular":
            raise WrongWeightsError(str(request.location), "a model of 10 seconds with sparse attention", "one of 5")
        return components

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts, for Qwen within the template, cut off or filled up."""
        cleaned = [" ".join(prompt.split()) for prompt in prompts]
        templated = [self._template.format(prompt) for prompt in cleaned]
        words = tokenize(self, model, templated, {"text_encoder": self._template_length + self.max_length})
        return words | tokenize(self, model, cleaned, clip_lengths(model, "text_encoder_2"))

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Qwen's last hidden states of the prompt, with which of them are words; or CLIP's summary."""
        del skipped_layers
        encoder = model.components[part]
        if part == "text_encoder_2":
            return {"pooled": encoder(tokens.to(encoder.device)).pooler_output}
        mask = is_word(model, "tokenizer", tokens)
        hidden = encode_layers(encoder, tokens, mask, [-1])
        return {"prompt": hidden[:, self._template_length :], "is_word": mask[:, self._template_length :]}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, words and summary.

        It takes no mask: prompts of different lengths go through it one by one.
        """
        lengths = conditions["is_word"].sum(dim=1)
        if bool((lengths == lengths[0]).all()):
            return self._predict_rows(model, noisy, timesteps_B, conditions)
        each = [{name: told[row : row + 1] for name, told in conditions.items()} for row in range(len(noisy))]
        return torch.cat([self._predict_rows(model, noisy[[n]], timesteps_B[[n]], own) for n, own in enumerate(each)])

    def _predict_rows(
        self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]
    ) -> Tensor:
        transformer = model.components["transformer"]
        dtype, device = type_of(transformer), noisy.device
        prompt, _ = only_used(conditions["prompt"], conditions["is_word"])
        video_BCFHW = noisy if noisy.ndim == 5 else noisy.unsqueeze(2)
        frames, *sides = video_BCFHW.shape[2:]
        predicted = transformer(
            hidden_states=self._shown(model, video_BCFHW.permute(0, 2, 3, 4, 1)).to(dtype),
            encoder_hidden_states=prompt.to(dtype),
            timestep=timesteps_B.to(dtype),
            pooled_projections=conditions["pooled"].to(dtype),
            visual_rope_pos=[
                torch.arange(length, device=device) for length in (frames, *(side // self.patch_side for side in sides))
            ],
            text_rope_pos=torch.arange(prompt.shape[1], device=device),
            scale_factor=self._place_scale(model, *sides),
        ).sample
        return predicted.permute(0, 4, 1, 2, 3).reshape(noisy.shape)

    def _shown(self, model: Model, noisy_BFHWC: Tensor) -> Tensor:
        """The noisy latents; where there is room for a picture to begin with, and for where it lies, nothing there."""
        if not model.components["transformer"].visual_cond:
            return noisy_BFHWC
        return torch.cat([noisy_BFHWC, torch.zeros_like(noisy_BFHWC), torch.zeros_like(noisy_BFHWC[..., :1])], dim=-1)

    def _place_scale(self, model: Model, height: int, width: int) -> tuple[float, float, float]:
        """By what the distances of frames, rows and columns of latents are divided, as diffusers' pipelines do it."""
        if self.model_type is ModelType.KANDINSKY_5:
            return (1, 1, 1)
        factor = model.components["vae"].config.spatial_compression_ratio
        is_small = height * factor in SMALL_SIDES and width * factor in SMALL_SIDES
        return (1, 2, 2) if is_small else (1, 3.16, 3.16)
