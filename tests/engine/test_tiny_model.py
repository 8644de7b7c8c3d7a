"""The embedded model: small, readable by diffusers, able to spell any caption, and really drawing what is asked."""

import json
from functools import cache
from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageStat
from transformers import CLIPTokenizer

from onetrainer_web.tiny.paths import tiny_model_folder

MAX_SIZE_BYTES = 8_000_000


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    loaded = StableDiffusionPipeline.from_pretrained(tiny_model_folder())
    assert isinstance(loaded, StableDiffusionPipeline)
    loaded.to(torch.float32)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@cache
def _tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(tiny_model_folder() / "tokenizer")


def test_the_model_is_at_most_8_megabytes() -> None:
    assert sum(path.stat().st_size for path in tiny_model_folder().rglob("*") if path.is_file()) <= MAX_SIZE_BYTES


def test_the_model_says_how_it_was_made() -> None:
    record = json.loads((tiny_model_folder() / "build.json").read_text(encoding="utf-8"))

    assert record["denoiser"]["steps_done"] > 0
    assert record["command"] == "python -m scripts.tiny_model.build"


def test_stable_diffusion_pipeline_loads_it_without_a_safety_checker(pipeline: StableDiffusionPipeline) -> None:
    assert pipeline.safety_checker is None
    assert isinstance(pipeline.scheduler, DDIMScheduler)
    assert pipeline.scheduler.config.prediction_type == "v_prediction"  # pyright: ignore[reportAttributeAccessIssue]
    assert pipeline.vae_scale_factor == 8


# No control characters: cleaning them away is CLIP's own rule. It also lowers case and normalises unicode.
@settings(deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=12))
def test_any_word_is_spelled_without_unknown_tokens(word: str) -> None:
    tokenizer = _tokenizer()

    tokens = tokenizer(word, add_special_tokens=False).input_ids

    assert tokens
    spelled = tokenizer.decode(tokens)
    assert isinstance(spelled, str)
    assert tokenizer(spelled, add_special_tokens=False).input_ids == tokens


@pytest.mark.parametrize(
    "caption", ["a red circle on a blue background", "a photo of a tabby cat", "ein grünes haus", "日本 😀"]
)
def test_captions_come_back_from_their_tokens(caption: str) -> None:
    tokenizer = _tokenizer()

    assert tokenizer.decode(tokenizer(caption).input_ids, skip_special_tokens=True) == caption


def _draw(pipeline: StableDiffusionPipeline, prompt: str) -> list[Image.Image]:
    generator = torch.Generator().manual_seed(11)
    made: Any = pipeline(
        prompt,
        height=64,
        width=64,
        num_inference_steps=20,
        guidance_scale=3.0,
        num_images_per_prompt=4,
        generator=generator,
    )
    return made.images


def _mean_colour(image: Image.Image, corner: tuple[int, int], opposite: tuple[int, int]) -> list[float]:
    return ImageStat.Stat(image.crop((*corner, *opposite))).mean


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prompt", "middle_channel", "border_channel"),
    [
        ("a red circle on a blue background", 0, 2),
        ("a blue square on a red background", 2, 0),
        ("a green diamond on a blue background", 1, 2),
    ],
)
def test_colours_are_where_the_prompt_wants_them(
    pipeline: StableDiffusionPipeline, prompt: str, middle_channel: int, border_channel: int
) -> None:
    images = _draw(pipeline, prompt)

    right = [
        max(range(3), key=_mean_colour(image, (27, 27), (37, 37)).__getitem__) == middle_channel
        and max(range(3), key=_mean_colour(image, (0, 0), (64, 5)).__getitem__) == border_channel
        for image in images
    ]
    assert sum(right) >= 3, f"only {sum(right)} of {len(images)} show {prompt!r}"
