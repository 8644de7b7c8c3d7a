"""Stable Diffusion XL."""

from functools import partial
from typing import Any

from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl_inpaint import (
    StableDiffusionXLInpaintPipeline,
)
from tests.engine.family_case import INPAINTING, SAMPLE, Case, inpainting_call
from tests.engine.tiny_models import (
    WIDTH,
    make_autoencoder,
    make_clip_config,
    make_diffusion_scheduler,
    make_tokenizer,
)
from transformers.models.clip.modeling_clip import CLIPTextModel, CLIPTextModelWithProjection

from onetrainer_web.config.enums import ModelType


def stable_diffusion_xl_parts(*, inpaints: bool = False) -> dict[str, Any]:
    """The same of Stable Diffusion XL."""
    tokenizer = make_tokenizer()
    second = make_clip_config(tokenizer)
    second.hidden_size = 2 * WIDTH  # diffusers tells the encoders in a single file apart by it
    return {
        "unet": UNet2DConditionModel(
            sample_size=8,
            in_channels=9 if inpaints else 4,
            block_out_channels=(16, 32),
            layers_per_block=2,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2),
            cross_attention_dim=3 * WIDTH,
            attention_head_dim=(2, 2),
            norm_num_groups=8,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        ),
        "vae": make_autoencoder(),
        "text_encoder": CLIPTextModel(make_clip_config(tokenizer)),
        "text_encoder_2": CLIPTextModelWithProjection(second),
        "tokenizer": tokenizer,
        "tokenizer_2": tokenizer,
        "scheduler": make_diffusion_scheduler("epsilon"),
    }


CASES = [
    Case(
        ModelType.STABLE_DIFFUSION_XL_10_BASE,
        stable_diffusion_xl_parts,
        StableDiffusionXLPipeline,
        adapter_formats=("KOHYA_LORA", "DIFFUSERS_LORA"),
    ),
    Case(
        ModelType.STABLE_DIFFUSION_XL_10_BASE_INPAINTING,
        partial(stable_diffusion_xl_parts, inpaints=True),
        StableDiffusionXLInpaintPipeline,
        adapter_formats=("KOHYA_LORA",),
        call=inpainting_call(negative_prompt=SAMPLE["negative_prompt"]),
        sample=INPAINTING,
    ),
]
