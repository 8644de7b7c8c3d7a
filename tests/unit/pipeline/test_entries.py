"""What is made of the files of a picture: pixels, masks, and what inpainting models are shown."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.unit.pipeline.conftest import SmallEncoders

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ConceptType, ModelType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.sizes import UnreadablePictureError
from onetrainer_web.pipeline.cache import Tensors
from onetrainer_web.pipeline.entries import HINT, LATENTS, MASK, decode, encode, pixels_of
from onetrainer_web.pipeline.items import Item, Uses, collect_data
from onetrainer_web.pipeline.plan import Planner, PlanOptions

WriteFolder = Callable[..., Path]
MakeConcept = Callable[..., ConceptConfig]


@pytest.fixture
def inpainting_items(write_folder: WriteFolder, make_concept: MakeConcept) -> Callable[..., list[Item]]:
    """Two pictures for an inpainting model, of the first of which the left half is masked."""

    def make(image: dict[str, object] | None = None, num_variations: int = 1, **settings: object) -> list[Item]:
        folder = write_folder([(64, 64)] * 2)
        mask = Image.new("L", (64, 64), 0)
        mask.paste(255, (0, 0, 32, 64))
        mask.save(folder / "000-masklabel.png")
        Image.new("RGB", (32, 32), (0, 255, 0)).save(folder / "000-condlabel.png")
        inpainting = ModelType.STABLE_DIFFUSION_15_INPAINTING
        chosen = {"resolution": "64", "model_type": inpainting, "unmasked_probability": 0, **settings}
        config = TrainConfig.model_validate(chosen)
        concept = make_concept(folder, image=image or {}, image_variations=num_variations)
        options = PlanOptions.of(config, multiple=8)
        data = collect_data([concept], [ConceptType.STANDARD], Path, uses=Uses(options.reads_masks))
        return Planner(data, options).items(range(num_variations))

    return make


def entry_of(item: Item) -> Tensors:
    (entry,) = encode([decode(item)], SmallEncoders(), [1])
    return entry


def test_pixels_reach_from_minus_one_to_one(write_folder: WriteFolder, make_concept: MakeConcept) -> None:
    folder = write_folder([(64, 64)])
    left_black = Image.new("RGB", (64, 64), (255, 0, 127))
    left_black.paste("black", (0, 0, 32, 64))
    left_black.save(folder / "000.png")
    data = collect_data([make_concept(folder)], [ConceptType.STANDARD], Path)
    (item,) = Planner(data, PlanOptions.of(TrainConfig(resolution="64"), multiple=8)).items([0])
    pixels_BCHW = pixels_of([decode(item).pixels] * 2)
    assert pixels_BCHW.shape == (2, 3, 64, 64)
    assert pixels_BCHW.dtype == torch.float32
    assert pixels_BCHW[1, :, 0, 0].tolist() == [-1, -1, -1]
    assert pixels_BCHW[1, :, 0, 63].tolist() == pytest.approx([1, -1, 127 / 127.5 - 1])


def test_an_inpainting_model_is_shown_the_picture_with_its_masked_part_grey(
    inpainting_items: Callable[..., list[Item]],
) -> None:
    masked, unmasked = (entry_of(item) for item in inpainting_items())
    assert masked.keys() == {LATENTS, HINT}
    assert masked[HINT][0, 0].tolist() == [1] * 4 + [0] * 4
    assert masked[HINT][1:, :, :4].abs().max() == 0
    assert torch.allclose(masked[HINT][1:, :, 4:], masked[LATENTS][:, :, 4:], atol=0.06)
    assert unmasked[HINT][0].min() == 1
    assert unmasked[HINT][1:].abs().max() == 0


def test_a_depth_model_is_shown_the_whole_picture_and_keeps_its_mask_for_the_loss(
    inpainting_items: Callable[..., list[Item]],
) -> None:
    masked, unmasked = inpainting_items(model_type=ModelType.STABLE_DIFFUSION_20_DEPTH, masked_training=True)
    encoders = SmallEncoders()
    encoders.shows_whole_pictures = True
    first, second = (encode([decode(item)], encoders, [1])[0] for item in (masked, unmasked))
    assert first.keys() == {LATENTS, HINT, MASK}
    assert second.keys() == {LATENTS, HINT}
    for entry in (first, second):
        assert torch.allclose(entry[HINT][1:], entry[LATENTS], atol=0.06)
    assert first[MASK][0, 0].tolist() == [1] * 4 + [0] * 4


def test_its_own_conditioning_picture_takes_the_place_of_the_greyed_one(
    inpainting_items: Callable[..., list[Item]],
) -> None:
    own, greyed = (entry_of(item) for item in inpainting_items(custom_conditioning_image=True))
    assert own[HINT][1:, 0, 0].tolist() == [-1, 1, -1]
    assert own[HINT][0, 0].tolist() == [1] * 4 + [0] * 4
    assert greyed[HINT][1:].abs().max() == 0


def test_some_variations_are_drawn_whole_whatever_the_mask(inpainting_items: Callable[..., list[Item]]) -> None:
    items = [item for item in inpainting_items(num_variations=200, unmasked_probability=0.25) if item.mask_path]
    whole = [item for item in items if item.view.mask and item.view.mask.is_white]
    assert 30 < len(whole) < 70
    assert entry_of(whole[0])[HINT][0].min() == 1


def test_a_mask_is_cut_down_to_a_circle_around_one_of_its_pixels(inpainting_items: Callable[..., list[Item]]) -> None:
    shrinks = {"enable_random_circular_mask_shrink": True}
    sizes = set[int]()
    for item in [item for item in inpainting_items(shrinks, num_variations=30) if item.mask_path]:
        mask = decode(item).mask
        assert mask is not None
        rows, columns = np.nonzero(mask)
        assert 0 < len(rows) <= 32 * 64
        assert columns.max() < 32
        assert item.view.mask
        assert item.view.mask.circle
        chosen, reach = item.view.mask.circle
        middle = int(chosen * 32 * 64)
        distances = np.hypot(rows - middle // 32, columns - middle % 32)
        farthest = max(np.hypot(y - middle // 32, x - middle % 32) for y in (0, 63) for x in (0, 31))
        assert distances.max() <= (0.2 + 0.8 * reach) * farthest
        sizes.add(len(rows))
    assert len(sizes) > 20


def test_a_broken_companion_breaks_its_picture(inpainting_items: Callable[..., list[Item]]) -> None:
    item = inpainting_items(custom_conditioning_image=True)[0]
    assert item.mask_path
    assert item.conditioning_path
    item.conditioning_path.write_bytes(b"")
    with pytest.raises(UnreadablePictureError, match="000.png has a conditioning picture that is empty"):
        decode(item)
    item.mask_path.write_bytes(b"no")
    item.conditioning_path.unlink()
    with pytest.raises(UnreadablePictureError, match="000.png has a"):
        decode(item)
