"""Würstchen and Stable Cascade, each with a decoder of its own."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.unets.unet_stable_cascade import StableCascadeUNet
from diffusers.pipelines.deprecated.wuerstchen.modeling_paella_vq_model import PaellaVQModel
from diffusers.pipelines.deprecated.wuerstchen.modeling_wuerstchen_diffnext import WuerstchenDiffNeXt
from diffusers.pipelines.deprecated.wuerstchen.modeling_wuerstchen_prior import WuerstchenPrior
from diffusers.pipelines.deprecated.wuerstchen.pipeline_wuerstchen import WuerstchenDecoderPipeline
from diffusers.pipelines.deprecated.wuerstchen.pipeline_wuerstchen_prior import WuerstchenPriorPipeline
from diffusers.pipelines.stable_cascade.pipeline_stable_cascade import StableCascadeDecoderPipeline
from diffusers.pipelines.stable_cascade.pipeline_stable_cascade_prior import StableCascadePriorPipeline
from diffusers.schedulers.scheduling_ddpm_wuerstchen import DDPMWuerstchenScheduler
from safetensors.torch import save_file
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_clip_config, make_tokenizer, spread, write_model
from transformers.models.clip.modeling_clip import CLIPTextModel, CLIPTextModelWithProjection

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.families.wuerstchen.efficient_net import PUBLISHED_FILE, EfficientNetEncoder
from onetrainer_web.engine.weights.diffusers_folder import write_folder

SIDE = 128
"""Pixels of the smallest picture."""
FEW_STAGES = ((1, 2, 8, 1, True), (2, 2, 8, 2, True), (2, 2, 8, 1, False), (2, 2, 8, 2, False))


def make_picture_encoder(**settings: Any) -> EfficientNetEncoder:
    """A random one that has seen pictures once: otherwise nothing of them would arrive at its end."""
    torch.manual_seed(3)
    encoder = EfficientNetEncoder(**settings)
    for module in encoder.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        encoder.train()(torch.randn(4, 3, 96, 96))
    return encoder.eval()


def cascade_unet(**changes: Any) -> StableCascadeUNet:
    """Prior or decoder."""
    block = ("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock")
    settings: dict[str, Any] = {
        "timestep_ratio_embedding_dim": 8,
        "conditioning_dim": 16,
        "block_out_channels": (16, 16),
        "num_attention_heads": (2, 2),
        "down_num_layers_per_block": (1, 1),
        "up_num_layers_per_block": (1, 1),
        "block_types_per_layer": (block, block),
        "clip_text_pooled_in_channels": WIDTH,
        "clip_seq": 2,
    }
    return StableCascadeUNet(**{**settings, **changes})


def wuerstchen_parts() -> dict[str, Any]:
    """The components of the prior."""
    tokenizer = make_tokenizer()
    prior: Any = WuerstchenPrior(c=16, c_cond=WIDTH, c_r=8, depth=2, nhead=2)
    with torch.no_grad():  # it divides by one less these: with chance weights by nearly nothing, and nothing is learned
        prior.out[1].weight[16:] *= 0.1
    return {
        "prior": prior,
        "text_encoder": CLIPTextModel(make_clip_config(tokenizer)),
        "tokenizer": tokenizer,
        "scheduler": DDPMWuerstchenScheduler(),
    }


def cascade_parts() -> dict[str, Any]:
    """The components of the prior."""
    tokenizer = make_tokenizer()
    return {
        "prior": cascade_unet(clip_text_in_channels=WIDTH, clip_image_in_channels=12, switch_level=(False,)),
        "text_encoder": CLIPTextModelWithProjection(make_clip_config(tokenizer)),
        "tokenizer": tokenizer,
        "scheduler": DDPMWuerstchenScheduler(),
    }


def wuerstchen_decoder() -> dict[str, Any]:
    """What draws a picture by what the prior has planned."""
    torch.manual_seed(2)
    tokenizer = make_tokenizer()
    decoder = WuerstchenDiffNeXt(
        c_r=8,
        c_cond=16,
        c_hidden=[8, 16],
        nhead=[-1, 2],
        blocks=[1, 1],
        level_config=["CT", "CTA"],
        inject_effnet=[False, True],
        clip_embd=WIDTH,
    )
    encoder = CLIPTextModel(make_clip_config(tokenizer))
    spread(encoder.eval())
    return {**drawing_parts(decoder, 0.3764), "text_encoder": encoder, "tokenizer": tokenizer}


def cascade_decoder() -> dict[str, Any]:
    """The same; it is told by the text encoder of the prior."""
    torch.manual_seed(2)
    decoder = cascade_unet(
        in_channels=4,
        out_channels=4,
        patch_size=2,
        effnet_in_channels=16,
        pixel_mapper_in_channels=3,
        timestep_conditioning_type=("sca",),
    )
    return {**drawing_parts(decoder, 0.01), "tokenizer": make_tokenizer()}


def drawing_parts(decoder: Any, scale: float) -> dict[str, Any]:
    """What both decoders have: most colours are neither black nor white, and follow the plan."""
    vqgan: Any = PaellaVQModel(bottleneck_blocks=1, embed_dim=16, num_vq_embeddings=8, scale_factor=scale)
    for network in (decoder, vqgan):
        spread(network.eval())
    with torch.no_grad():
        vqgan.out_block[0].bias.add_(0.5)
        decoder.clf[1].weight.normal_(std=0.3)
    return {"decoder": decoder, "vqgan": vqgan, "scheduler": DDPMWuerstchenScheduler()}


class WuerstchenPipelines:
    """diffusers' two pipelines, one after the other, for pictures of the smallest size.

    That for the prior is put together here: since diffusers has moved its classes, it does not find them by the names
    that published folders have.
    """

    def __init__(self, prior: Any, decoder: Any) -> None:
        self._prior, self._decoder = prior, decoder
        self.components = prior.components
        self.prior, self.text_encoder = prior.prior, prior.text_encoder

    @classmethod
    def from_pretrained(cls, folder: Path) -> "WuerstchenPipelines":
        """With the prior of a folder."""
        own = {name: type(part).from_pretrained(folder / name) for name, part in wuerstchen_parts().items()}
        return cls(WuerstchenPriorPipeline(**own), WuerstchenDecoderPipeline(**wuerstchen_decoder()))

    def set_progress_bar_config(self, **settings: Any) -> None:
        """Of both."""
        self._prior.set_progress_bar_config(**settings)
        self._decoder.set_progress_bar_config(**settings)

    def __call__(self, prompt: str, generator: torch.Generator, **settings: Any) -> Any:
        """Draw."""
        settings |= {"height": SIDE, "width": SIDE, "generator": generator}
        planned = self._prior(prompt=prompt, **settings).image_embeddings
        return self._decoder(planned, prompt=prompt, num_inference_steps=12, guidance_scale=0.0, generator=generator)


class CascadePipelines(WuerstchenPipelines):
    """The same; the decoder is told by the text encoder of the prior."""

    @classmethod
    def from_pretrained(cls, folder: Path) -> "CascadePipelines":
        """With the prior of a folder."""
        prior = StableCascadePriorPipeline.from_pretrained(folder)
        decoder = StableCascadeDecoderPipeline(**cascade_decoder(), text_encoder=prior.text_encoder)
        return cls(prior, decoder)


class WuerstchenCase(Case):
    """A folder with the prior, and beside its parts a folder of the decoder and the picture encoder."""

    def make(self, folder: Path) -> Path:
        """With a picture encoder in diffusers' layout."""
        torch.manual_seed(1)
        write_model(folder, "WuerstchenPriorPipeline", wuerstchen_parts(), inpaints=False)
        write_folder(folder / "drawing", "WuerstchenDecoderPipeline", wuerstchen_decoder(), None)
        make_picture_encoder(c_cond=32, stages=FEW_STAGES).save_pretrained(folder / "effnet")
        return folder


class CascadeCase(Case):
    """The same."""

    def make(self, folder: Path) -> Path:
        """With a picture encoder as it is published: of full size, in one file beside the decoder."""
        torch.manual_seed(1)
        parts = cascade_parts() | {"image_encoder": None, "feature_extractor": None}
        write_model(folder, "StableCascadePriorPipeline", parts, inpaints=False)
        write_folder(folder / "drawing", "StableCascadeDecoderPipeline", cascade_decoder(), None)
        weights = make_picture_encoder().state_dict()
        learned = ("mapper.1.weight", "mapper.1.bias")
        published = {name: weight for name, weight in weights.items() if name not in learned}
        save_file(published, folder / "drawing" / PUBLISHED_FILE)
        return folder


SETTINGS: dict[str, Any] = {"resolution": str(SIDE), "decoder": {"model_name": "model/drawing"}}
CASES = [
    WuerstchenCase(
        ModelType.WUERSTCHEN_2,
        wuerstchen_parts,
        WuerstchenPipelines,
        {**SETTINGS, "effnet_encoder": {"model_name": "model/effnet"}},
        own_sampler=True,
    ),
    CascadeCase(ModelType.STABLE_CASCADE_1, cascade_parts, CascadePipelines, SETTINGS, own_sampler=True),
]
