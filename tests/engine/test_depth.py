"""Depth models: what they are told of the distance decides what they learn and draw."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tests.engine.conftest import Lab
from tests.engine.outcomes import losses, pictures
from tests.engine.tiny_models import depth_parts, make_autoencoder, stable_diffusion_parts, write_model
from torch import Tensor

from onetrainer_web.engine.parts.depth import depth_of
from onetrainer_web.engine.runtime.errors import WrongWeightsError
from onetrainer_web.engine.seams.interfaces import Model

DEPTH: dict[str, Any] = {"model_type": "STABLE_DIFFUSION_20_DEPTH"}
SAMPLE: dict[str, Any] = {"prompt": "x", "width": 32, "height": 32, "diffusion_steps": 2, "sample_inpainting": True}
SHADE = "shade.png"


@pytest.fixture
def deep(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A workspace with a tiny depth model, and a picture to start from."""
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("model") / "tiny-depth"
    parts = stable_diffusion_parts(is_second=True, sees_depth=True)
    write_model(folder, "StableDiffusionDepth2ImgPipeline", parts, inpaints=False)
    Image.linear_gradient("L").convert("RGB").save(lab.workspace / SHADE)
    return Lab(lab.workspace, folder, DEPTH)


def flatten_depth(model: Path) -> None:
    """Let the estimator say the same of every picture and place."""
    file = model / "depth_estimator" / "model.safetensors"
    save_file({name: torch.zeros_like(weight) for name, weight in load_file(file).items()}, file, {"format": "pt"})


def depth_of_pixels(pixels_BCHW: Tensor, **changes: Any) -> Tensor:
    parts = {"vae": make_autoencoder(), **depth_parts(), **changes}
    precision: Any = None
    objective: Any = None
    return depth_of(Model(parts, precision, objective, "a model"), pixels_BCHW)


def test_depth_reaches_from_minus_one_to_one_in_every_picture() -> None:
    torch.manual_seed(1)
    depth_B1HW = depth_of_pixels(torch.rand(2, 3, 32, 48) * 2 - 1)
    assert depth_B1HW.shape == (2, 1, 16, 24)
    assert depth_B1HW.amin((1, 2, 3)).tolist() == [-1, -1]
    assert depth_B1HW.amax((1, 2, 3)).tolist() == [1, 1]


def test_one_depth_everywhere_is_the_middle() -> None:
    parts = depth_parts()
    for weight in parts["depth_estimator"].parameters():
        weight.data.zero_()
    assert depth_of_pixels(torch.rand(1, 3, 32, 32), **parts).tolist() == torch.zeros(1, 1, 16, 16).tolist()


@pytest.mark.parametrize("caches", [True, False])
def test_the_depth_decides_what_the_model_learns(deep: Lab, caches: bool) -> None:
    with_depth = losses(deep.train(latent_caching=caches))
    flatten_depth(deep.model)
    without = losses(deep.train(latent_caching=caches))
    assert len(with_depth) == len(without) == 4
    assert with_depth != pytest.approx(without, rel=1e-4)


def test_a_sample_has_the_depth_of_its_picture_or_none(deep: Lab) -> None:
    samples = [{**SAMPLE, "base_image_path": SHADE}, SAMPLE]
    drawing = {"samples": samples, "sample_after": 9, "sample_after_unit": "EPOCH", "sample_image_format": "PNG"}
    shaded, flat, *_ = pictures(deep.train(**drawing, epochs=1))
    assert np.abs(shaded.astype(int) - flat.astype(int)).max() > 0


def test_a_depth_model_is_not_taken_for_another_kind(deep: Lab) -> None:
    with pytest.raises(WrongWeightsError, match="a depth model, but a model without a mask input"):
        deep.train(model_type="STABLE_DIFFUSION_21")
    with pytest.raises(WrongWeightsError, match="a depth model, but an inpainting model"):
        deep.train(model_type="STABLE_DIFFUSION_20_INPAINTING")
