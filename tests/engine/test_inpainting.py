"""Inpainting models: what they are shown decides what they learn, and they are not mixed up with others."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.engine.conftest import Lab
from tests.engine.outcomes import events, losses, result
from tests.engine.tiny_models import make_stable_diffusion

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.runtime.errors import WrongWeightsError
from onetrainer_web.engine.samples.sampling import pictures_of
from onetrainer_web.protocol.events import SampleDrawn, Warned

INPAINTING: dict[str, Any] = {"model_type": "STABLE_DIFFUSION_15_INPAINTING", "unmasked_probability": 0}


@pytest.fixture(scope="session")
def inpainting_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_stable_diffusion(tmp_path_factory.mktemp("model") / "tiny-inpainting", inpaints=True)


@pytest.fixture
def masked(lab: Lab, inpainting_model: Path) -> Lab:
    """A workspace with the tiny inpainting model, and masks beside the pictures."""
    for number in range(5):
        mask = Image.new("L", (20, 20))
        mask.paste(255, (0, 0, 10, 20))
        mask.save(lab.workspace / "datasets" / "squares" / f"{number}-masklabel.png")
    return Lab(lab.workspace, inpainting_model, INPAINTING)


@pytest.mark.parametrize("caches", [True, False])
def test_what_the_model_is_shown_decides_what_it_learns(masked: Lab, caches: bool) -> None:
    with_masks = losses(masked.train(latent_caching=caches))
    always_whole = losses(masked.train(latent_caching=caches, unmasked_probability=1))
    for path in (masked.workspace / "datasets" / "squares").glob("*-masklabel.png"):
        Image.new("RGB", (20, 20), "blue").save(path.with_name(path.name.replace("mask", "cond")))
    own_pictures = losses(masked.train(latent_caching=caches, custom_conditioning_image=True))
    for path in (masked.workspace / "datasets" / "squares").glob("*-masklabel.png"):
        path.unlink()
    without_masks = losses(masked.train(latent_caching=caches))
    assert len(with_masks) == 4
    assert always_whole == pytest.approx(without_masks, rel=1e-5)
    for other in (always_whole, own_pictures):
        assert with_masks != pytest.approx(other, rel=1e-4)
    assert own_pictures != pytest.approx(always_whole, rel=1e-4)


def test_pictures_are_cut_to_their_masks_and_train(masked: Lab) -> None:
    shrinks = {"enable_random_circular_mask_shrink": True, "enable_random_mask_rotate_crop": True}
    concepts = [{"path": "datasets/squares", "seed": 7, "image": shrinks, "image_variations": 3}]
    assert len(losses(masked.train(concepts=concepts, batch_size=1))) == 10


def test_a_model_of_the_other_kind_is_refused(lab: Lab, masked: Lab) -> None:
    with pytest.raises(WrongWeightsError, match="without a mask input, but an inpainting model"):
        lab.train(**INPAINTING)
    with pytest.raises(WrongWeightsError, match="an inpainting model, but a model without"):
        masked.train(model_type="STABLE_DIFFUSION_15")


def test_a_single_file_is_a_base_model(masked: Lab) -> None:
    fine_tune: dict[str, Any] = {"training_method": "FINE_TUNE", "output_model_format": "ORIGINAL_SINGLE_FILE"}
    saved = result(masked.train(**fine_tune, epochs=1))
    assert losses(masked.train(base_model_name=str(saved), epochs=1))


def test_what_is_transparent_in_the_mask_of_a_sample_is_not_drawn_into(tmp_path: Path) -> None:
    Image.new("LA", (4, 4), (255, 0)).save(tmp_path / "mask.png")
    settings = SampleConfig(sample_inpainting=True, base_image_path="mask.png", mask_image_path="mask.png")
    base, mask = pictures_of(settings, lambda path: tmp_path / path)
    assert base
    assert mask
    assert (base.getpixel((0, 0)), mask.getpixel((0, 0))) == ((255, 255, 255), (0, 0, 0))


def test_a_sample_without_its_base_picture_is_named(masked: Lab) -> None:
    sample = {"prompt": "x", "width": 16, "height": 16, "diffusion_steps": 1, "sample_inpainting": True}
    samples = [{**sample, "base_image_path": "nowhere.png"}, sample, {**sample, "sample_inpainting": False}]
    found = events(masked.train(samples=samples, sample_after=9, sample_after_unit="EPOCH", epochs=1))
    assert any("nowhere.png does not exist" in event.message for event in found if isinstance(event, Warned))
    assert {event.index for event in found if isinstance(event, SampleDrawn)} == {1, 2}
