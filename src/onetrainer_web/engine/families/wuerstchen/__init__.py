"""Würstchen v2 and Stable Cascade: a prior plans pictures in latents 42 times smaller, a decoder draws by the plan.

Only the prior is trained (Pernias et al. 2023); the decoder is loaded for samples.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.unets.unet_stable_cascade import StableCascadeUNet
from diffusers.pipelines.deprecated.wuerstchen.modeling_wuerstchen_prior import WuerstchenPrior
from diffusers.schedulers.scheduling_ddpm_wuerstchen import DDPMWuerstchenScheduler
from PIL import Image
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel, CLIPTextModelWithProjection
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families.wuerstchen import efficient_net
from onetrainer_web.engine.families.wuerstchen.names import stage_c_layer, stage_c_place
from onetrainer_web.engine.families.wuerstchen.stage_b import (
    NUM_LEVELS,
    RatioSampler,
    draw_plan,
    load_decoder,
    picture_of,
    ratio_of,
    told_by_prompt,
)
from onetrainer_web.engine.parts.clip import clip_lengths
from onetrainer_web.engine.parts.family import DiffusersFamily
from onetrainer_web.engine.parts.tokens import tokenize, up_to_end
from onetrainer_web.engine.runtime.errors import ModelNotFoundError, UnsupportedSettingError
from onetrainer_web.engine.seams.interfaces import Components, LoadRequest, Model, SaveTarget, TextEncoderPart
from onetrainer_web.engine.seams.objectives import DiffusionObjective, Prediction
from onetrainer_web.engine.seams.places import SAME_NAMES, Naming
from onetrainer_web.engine.seams.precision import part_dtypes, type_of
from onetrainer_web.engine.weights import diffusers_folder, original_file
from onetrainer_web.engine.weights.location import locate

_RESOLUTION_MULTIPLE = 42.67
"""How many times smaller latents are than a picture; from diffusers."""
_LATENT_MEAN, _LATENT_STD = 42.0, 1.0
"""Würstchen's latents times the first, minus the second, are what the decoder takes; from diffusers."""
_FIXED = ("force_v_prediction", "rescale_noise_scheduler_to_zero_terminal_snr")
_WITHOUT_PICTURES: Mapping[str, None] = {"image_encoder": None, "feature_extractor": None}
"""By which Cascade could be told pictures as well."""


class Wuerstchen(DiffusersFamily):
    """Both generations; their priors are networks of other classes with other arguments."""

    picture_encoder = "effnet_encoder"
    kohya_denoiser = "lora_prior_unet"
    original_places = SAME_NAMES  # of Würstchen v2, adapters in other names than these exist nowhere

    def __init__(self, model_type: ModelType) -> None:
        super().__init__(model_type)
        self._is_cascade = model_type is ModelType.STABLE_CASCADE_1
        self.architecture = "stable-cascade-v1-stage-c" if self._is_cascade else "wuerstchen-v2-prior"
        self.pipeline = "StableCascadePriorPipeline" if self._is_cascade else "WuerstchenPriorPipeline"
        self.pieces = {
            "prior": StableCascadeUNet if self._is_cascade else WuerstchenPrior,
            "text_encoder": CLIPTextModelWithProjection if self._is_cascade else CLIPTextModel,
            "tokenizer": CLIPTokenizer,
            "scheduler": DDPMWuerstchenScheduler,
        }
        prefix = "" if self._is_cascade else "text_model."
        self.text_encoders = (
            TextEncoderPart(
                "text_encoder", "tokenizer", "lora_te", "clip_g", legacy="lora_prior_te", module_prefix=prefix
            ),
        )

    def load(self, request: LoadRequest) -> Components:
        """Load the folder of the prior; the picture encoder and the decoder from elsewhere."""
        components = super().load(request)
        return components | self._load_picture_encoder(request) | load_decoder(request, is_cascade=self._is_cascade)

    def denoiser_namings(self) -> Sequence[Naming]:
        """As files of stage C name its weights."""
        return [stage_c_place]

    def names_in_adapters(self, model_format: ModelFormat, part: str, module_name: str, model: Model) -> Sequence[str]:
        """Of Cascade's prior, all but diffusers call its layers as its makers do."""
        if self._is_cascade and part == self.denoiser and model_format is not ModelFormat.DIFFUSERS_LORA:
            return [stage_c_layer(module_name, is_numbered=model_format is ModelFormat.ORIGINAL_LORA)]
        return super().names_in_adapters(model_format, part, module_name, model)

    def _load_picture_encoder(self, request: LoadRequest) -> Components:
        config = request.config
        if not (name := config.effnet_encoder.model_name or config.decoder.model_name):
            reason = "effnet_encoder.model_name is to name the picture encoder, which its folder does not hold."
            raise ModelNotFoundError(request.name, reason)
        dtype = part_dtypes(config, ["effnet_encoder"])["effnet_encoder"]
        place = locate(name, request.resolve)
        encoder = efficient_net.load_encoder(place, dtype, is_offline=request.is_offline)
        if not self._is_cascade:  # in its settings, so that the cache tells both kinds of latents apart
            encoder.register_to_config(latent_mean=_LATENT_MEAN, latent_std=_LATENT_STD)
        return {"effnet_encoder": encoder}

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> DiffusionObjective:
        """Noise, at the noise levels of the cosine schedule (Nichol and Dhariwal 2021).

        Raises:
            UnsupportedSettingError: This model predicts nothing else, and knows no other schedule.
        """
        for key in _FIXED:
            if getattr(config, key):
                raise UnsupportedSettingError(key, True, [False])
        ratios, ones = ratio_of(torch.arange(NUM_LEVELS)), torch.ones(NUM_LEVELS, 1)
        signal = components["scheduler"].add_noise(ones, torch.zeros_like(ones), ratios)[:, 0]
        return DiffusionObjective(signal.to(device) ** 2, Prediction.EPSILON)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents; this encoder draws nothing at random."""
        del seeds
        return efficient_net.encode_pictures(model.components["effnet_encoder"], pixels_BCHW)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids, cut off or filled up to the length of the text encoder."""
        return tokenize(self, model, prompts, clip_lengths(model, "text_encoder"))

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The hidden states of the last layer that is not left out: for Cascade as they are, with their summary."""
        encoder = model.components[part]
        seen = up_to_end(model, "tokenizer", tokens).to(encoder.device)
        output = encoder(tokens.to(encoder.device), attention_mask=seen, output_hidden_states=True)
        hidden = output.hidden_states[-(skipped_layers + 1)]
        if self._is_cascade:
            return {"prompt": hidden, "pooled": output.text_embeds}
        return {"prompt": encoder.final_layer_norm(hidden)}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the prior makes of noisy latents, noise level and the encoded prompt; Cascade is shown no picture."""
        prior = model.components["prior"]
        dtype = type_of(prior)
        latents, prompt = noisy.to(dtype), conditions["prompt"].to(dtype)
        ratio = ratio_of(timesteps_B).to(dtype)
        if not self._is_cascade:
            return prior(latents, r=ratio, c=prompt)
        pooled = conditions["pooled"].to(dtype).unsqueeze(1)
        unseen = latents.new_zeros(len(noisy), 1, prior.config.clip_image_in_channels)
        return prior(latents, ratio, pooled, clip_text=prompt, clip_img=unseen, return_dict=False)[0]

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        config = model.components["prior"].config
        sides = (math.ceil(side / _RESOLUTION_MULTIPLE) for side in (settings.height, settings.width))
        return (1, config.in_channels if self._is_cascade else config.c_in, *sides)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """The model's own."""
        del shape
        return RatioSampler(model.components["scheduler"], settings.diffusion_steps, model.precision.device)

    def finish(self, model: Model, latents: Tensor, settings: SampleConfig, generator: torch.Generator) -> Image.Image:
        """The picture that the decoder draws, from noise, by what the prior has planned.

        Raises:
            ModelNotFoundError: No decoder is named.
        """
        if "decoder" not in model.components:
            raise ModelNotFoundError(model.source, "decoder.model_name is to name its decoder, which draws samples.")
        plan = latents if self._is_cascade else latents * _LATENT_MEAN - _LATENT_STD
        with torch.no_grad(), model.precision.autocast("decoder"):
            if self._is_cascade:
                tokens = self.tokenize(model, [settings.prompt])["text_encoder"]
                told = {"clip_text_pooled": self.encode_tokens(model, "text_encoder", tokens, 0)["pooled"].unsqueeze(1)}
            else:
                told = told_by_prompt(model, settings.prompt)
            return self.decode(model, draw_plan(model, plan, told, generator))

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture of the decoder's latents."""
        return picture_of(model, latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder of the prior, or Cascade's prior in one file."""
        if target.model_format is not ModelFormat.DIFFUSERS:
            original_file.write_network(model.components["prior"], target, stage_c_place)
            return
        parts = {name: model.components[name] for name in self.pieces}
        others = _WITHOUT_PICTURES if self._is_cascade else {}
        diffusers_folder.write_folder(target.path, self.pipeline, {**parts, **others}, target.dtype)
