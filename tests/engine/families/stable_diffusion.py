"""Stable Diffusion 1.x and 2.x; the tests of the trainer itself train the first one."""

from functools import partial

from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_inpaint import StableDiffusionInpaintPipeline
from tests.engine.family_case import INPAINTING, SAMPLE, Case, inpainting_call
from tests.engine.tiny_models import stable_diffusion_parts

from onetrainer_web.config.enums import ModelType

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
]
