"""What draws a picture by the plan of Würstchen's or Stable Cascade's prior: a decoder, and a VQGAN behind it.

It is loaded for samples only. Both generations have networks of other classes with other arguments.
"""

from typing import Any

import torch
from diffusers.models.unets.unet_stable_cascade import StableCascadeUNet
from diffusers.pipelines.deprecated.wuerstchen.modeling_paella_vq_model import PaellaVQModel
from diffusers.pipelines.deprecated.wuerstchen.modeling_wuerstchen_diffnext import WuerstchenDiffNeXt
from diffusers.schedulers.scheduling_ddpm_wuerstchen import DDPMWuerstchenScheduler
from PIL import Image
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.engine.parts.autoencoder import to_picture
from onetrainer_web.engine.seams.interfaces import Components, LoadRequest, Model
from onetrainer_web.engine.seams.precision import part_dtypes, type_of
from onetrainer_web.engine.weights.diffusers_folder import load_network, load_piece
from onetrainer_web.engine.weights.location import locate

NUM_LEVELS = 1000
"""Noise levels of the training, evenly over those up to 1 that the models know."""
NUM_STEPS = 12
"""Of the decoder; with the next number from diffusers' pipelines."""
SCALE = 10.67
"""How many times larger the decoder's latents are than those of the prior."""


def ratio_of(timesteps: Tensor) -> Tensor:
    """How far timesteps of the training are on the way to noise, up to 1."""
    return (timesteps + 1) / NUM_LEVELS


class RatioSampler:
    """diffusers' sampler of these models, with timesteps counted as in training."""

    def __init__(self, scheduler: Any, num_steps: int, device: torch.device) -> None:
        self._own: Any = DDPMWuerstchenScheduler.from_config(scheduler.config)
        self._own.set_timesteps(num_steps, device=device)
        self.timesteps = self._own.timesteps[:-1] * NUM_LEVELS - 1

    def step(self, predicted: Tensor, timestep: Tensor, latents: Tensor, generator: torch.Generator) -> Any:
        """The latents with a little less noise."""
        return self._own.step(predicted, ratio_of(timestep).expand(len(latents)), latents, generator)


def load_decoder(request: LoadRequest, *, is_cascade: bool) -> Components:
    """Decoder and VQGAN, and of Würstchen the decoder's text encoder; nothing where the configuration names none."""
    if not (name := request.config.decoder.model_name):
        return {}
    place, is_offline = locate(name, request.resolve), request.is_offline
    kinds: dict[str, tuple[Any, str]] = {
        "decoder": (StableCascadeUNet if is_cascade else WuerstchenDiffNeXt, "decoder"),
        "decoder_vqgan": (PaellaVQModel, "vqgan"),
    }
    others: Components = {}
    if not is_cascade:
        kinds["decoder_text_encoder"] = (CLIPTextModel, "text_encoder")
        others["decoder_tokenizer"] = load_piece(CLIPTokenizer, place, "tokenizer", is_offline=is_offline)
    dtypes = part_dtypes(request.config, kinds)
    return others | {
        part: load_network(kind, place, folder, dtypes[part], is_offline=is_offline)
        for part, (kind, folder) in kinds.items()
    }


def told_by_prompt(model: Model, prompt: str) -> dict[str, Tensor]:
    """What Würstchen's decoder is told of a prompt; Cascade's takes the summary that the prior has."""
    encoder = model.components["decoder_text_encoder"]
    length = encoder.config.max_position_embeddings
    tokens = model.components["decoder_tokenizer"](
        [prompt], padding="max_length", max_length=length, truncation=True, return_tensors="pt"
    )
    return {"clip": encoder(**tokens.to(encoder.device)).last_hidden_state}


def draw_plan(model: Model, plan: Tensor, told: dict[str, Tensor], generator: torch.Generator) -> Tensor:
    """The decoder's latents, drawn from noise by the plan of a prior."""
    decoder, vqgan = model.components["decoder"], model.components["decoder_vqgan"]
    is_cascade, dtype = isinstance(decoder, StableCascadeUNet), type_of(decoder)
    sides = (int(side * SCALE) for side in plan.shape[2:])
    drawn = torch.randn((1, vqgan.config.latent_channels, *sides), generator=generator).to(plan.device)
    sampler = RatioSampler(model.components["scheduler"], NUM_STEPS, plan.device)
    conditions = {name: tensor.to(dtype) for name, tensor in {**told, "effnet": plan}.items()}
    for timestep in sampler.timesteps:
        ratio = ratio_of(timestep).view(1).to(dtype)
        predicted = decoder(drawn.to(dtype), **{"timestep_ratio" if is_cascade else "r": ratio}, **conditions)
        noise = (predicted.sample if is_cascade else predicted).float()
        drawn = sampler.step(noise, timestep, drawn, generator).prev_sample
    return drawn


def picture_of(model: Model, latents: Tensor) -> Image.Image:
    """The picture of the decoder's latents."""
    vqgan = model.components["decoder_vqgan"]
    with torch.no_grad():
        colours = vqgan.decode((latents * vqgan.config.scale_factor).to(type_of(vqgan))).sample[0]
    return to_picture(colours * 2 - 1)
