"""The layouts of Stable Diffusion 1.x, 2.x and XL as one file, with the sizes that were published."""

from collections.abc import Mapping
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel, CLIPTextModelWithProjection
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.engine.seams.places import Naming, Place
from onetrainer_web.engine.weights.open_clip_keys import open_clip_place
from onetrainer_web.engine.weights.original_file import OriginalLayout, OriginalPart
from onetrainer_web.engine.weights.stable_diffusion_keys import original_unet_module, original_vae_weight

CLIP_L = (CLIPTokenizer, "openai/clip-vit-large-patch14", None)
CLIP_G = (CLIPTokenizer, "stabilityai/stable-diffusion-xl-base-1.0", "tokenizer_2")
_SCHEDULER: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}
_VAE: dict[str, Any] = {
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 2,
    "sample_size": 512,
}
CLIP_L_SIZE: dict[str, Any] = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "projection_dim": 768,
}
_CLIP_H_SIZE: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "projection_dim": 512,
    "hidden_act": "gelu",
}
CLIP_G_SIZE: dict[str, Any] = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "projection_dim": 1280,
    "hidden_act": "gelu",
}
_UNET_1: dict[str, Any] = {"cross_attention_dim": 768, "sample_size": 64}
_UNET_2: dict[str, Any] = {
    "cross_attention_dim": 1024,
    "sample_size": 96,
    "attention_head_dim": [5, 10, 20, 20],
    "use_linear_projection": True,
}
_UNET_XL: dict[str, Any] = {
    "sample_size": 128,
    "block_out_channels": [320, 640, 1280],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "transformer_layers_per_block": [1, 2, 10],
    "attention_head_dim": [5, 10, 20],
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}


def _unet_places(settings: Mapping[str, Any]) -> Naming:
    def place(name: str) -> Place:
        found = original_unet_module(name, settings)
        assert found is not None, f"the original layout has no name for {name}"
        return Place(found)

    return place


def _vae_places(settings: Mapping[str, Any]) -> Naming:
    # The original has 1x1 convolutions where diffusers has linear layers.
    return lambda name: Place(original_vae_weight(name, settings), is_convolution=".attentions." in name)


def same_names(settings: Mapping[str, Any]) -> Naming:
    """Everything has the name that it has in transformers."""
    del settings
    return Place


def _open_clip(settings: Mapping[str, Any]) -> Naming:
    del settings
    return open_clip_place


def _unet(published: Mapping[str, Any]) -> OriginalPart:
    return OriginalPart("unet", UNet2DConditionModel, "model.diffusion_model.", _unet_places, published, _measure_unet)


def _measure_unet(tensors: Mapping[str, Tensor]) -> Mapping[str, Any]:
    return {"in_channels": tensors["input_blocks.0.0.weight"].shape[1]}  # inpainting models take more than latents


def autoencoder_part(**changes: Any) -> OriginalPart:
    """The autoencoder of all Stable Diffusions, which are of one shape."""
    return OriginalPart("vae", AutoencoderKL, "first_stage_model.", _vae_places, {**_VAE, **changes})


def _clip(component: str, prefix: str) -> OriginalPart:
    return OriginalPart(component, CLIPTextModel, f"{prefix}.transformer.text_model.", same_names, CLIP_L_SIZE)


def _layout(title: str, *parts: OriginalPart, prediction: str = "epsilon", **others: Any) -> OriginalLayout:
    scheduler = {**_SCHEDULER, "prediction_type": prediction}
    return OriginalLayout(title, parts, DDIMScheduler, scheduler, others)


def stable_diffusion_2(prediction: str, others: Mapping[str, Any]) -> OriginalLayout:
    """The layout of 2.x; its files do not say what the model predicts: epsilon or v_prediction.

    Args:
        prediction: One of them.
        others: What a model has besides that no file holds; see `OriginalLayout`.
    """
    encoder = OriginalPart("text_encoder", CLIPTextModel, "cond_stage_model.model.", _open_clip, _CLIP_H_SIZE)
    title = "a Stable Diffusion 2.x model in one file"
    tokenizer = (CLIPTokenizer, "stabilityai/stable-diffusion-2-1", "tokenizer")
    unet, vae = _unet(_UNET_2), autoencoder_part()
    return _layout(title, unet, vae, encoder, prediction=prediction, tokenizer=tokenizer, **others)


STABLE_DIFFUSION_1 = _layout(
    "a Stable Diffusion 1.x model in one file",
    _unet(_UNET_1),
    autoencoder_part(),
    _clip("text_encoder", "cond_stage_model"),
    tokenizer=CLIP_L,
)
STABLE_DIFFUSION_XL = _layout(
    "a Stable Diffusion XL model in one file",
    _unet(_UNET_XL),
    autoencoder_part(sample_size=1024, scaling_factor=0.13025),
    _clip("text_encoder", "conditioner.embedders.0"),
    OriginalPart(
        "text_encoder_2", CLIPTextModelWithProjection, "conditioner.embedders.1.model.", _open_clip, CLIP_G_SIZE
    ),
    tokenizer=CLIP_L,
    tokenizer_2=CLIP_G,
)
