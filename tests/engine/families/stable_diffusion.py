"""Stable Diffusion 1.x and 2.x; the tests of the trainer itself train the first one."""

from functools import partial
from pathlib import Path
from typing import Any
from warnings import catch_warnings

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_depth2img import StableDiffusionDepth2ImgPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_inpaint import StableDiffusionInpaintPipeline
from tests.engine.family_case import INPAINTING, SAMPLE, Case, base_picture, inpainting_call
from tests.engine.tiny_models import stable_diffusion_parts

from onetrainer_web.config.enums import ModelType


class DepthPipeline(StableDiffusionDepth2ImgPipeline):
    """diffusers' own; at full strength, that starts from a very noisy picture, the makers' script from noise alone."""

    @classmethod
    def from_single_file(cls, file: Path, config: str, **others: Any) -> Any:
        """With the UNet of a file; diffusers reads no others of this pipeline."""
        unet = UNet2DConditionModel.from_single_file(str(file), config=config, subfolder="unet", **others)
        return cls.from_pretrained(config, unet=unet)

    def prepare_latents(self, *told: Any) -> torch.Tensor:
        """Noise."""
        image, *_, generator = told
        return torch.randn(1, 4, image.shape[-2] // 2, image.shape[-1] // 2, generator=generator)

    def __call__(self, *_: Any, **told: Any) -> Any:
        """Draw; the picture says how large."""
        del told["width"], told["height"]
        with catch_warnings(action="ignore"):  # it asks for autocast in float32, which is none
            return super().__call__(**told)


CASES = [
    Case(
        ModelType.STABLE_DIFFUSION_21,
        partial(stable_diffusion_parts, "v_prediction", is_second=True),
        StableDiffusionPipeline,
        adapter_formats=("KOHYA_LORA", "DIFFUSERS_LORA"),
    ),
    Case(
        ModelType.STABLE_DIFFUSION_15_INPAINTING,
        partial(stable_diffusion_parts, inpaints=True),
        StableDiffusionInpaintPipeline,
        adapter_formats=("KOHYA_LORA",),
        call=inpainting_call(negative_prompt=SAMPLE["negative_prompt"]),
        sample=INPAINTING,
    ),
    Case(
        ModelType.STABLE_DIFFUSION_20_DEPTH,
        partial(stable_diffusion_parts, is_second=True, sees_depth=True),
        DepthPipeline,
        adapter_formats=("KOHYA_LORA",),
        denoiser_only=("ORIGINAL_SINGLE_FILE",),
        call={"image": base_picture(), "strength": 1.0, "negative_prompt": SAMPLE["negative_prompt"]},
        sample={"sample_inpainting": True, "base_image_path": "base.png"},
    ),
]
