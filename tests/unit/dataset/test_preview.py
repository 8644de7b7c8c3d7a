"""Pictures of a concept as training sees them."""

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import render
from onetrainer_web.dataset.preview import ConceptPreview, preview_concept
from onetrainer_web.dataset.videos import write_video
from onetrainer_web.dataset.views import ClipLength
from onetrainer_web.pipeline.items import TRAINED_TYPES, Uses, collect_data
from onetrainer_web.pipeline.plan import Planner, PlanOptions

CONFIG = TrainConfig(resolution="64")


def preview(folder: Path, config: TrainConfig = CONFIG, **image: object) -> ConceptPreview:
    concept = ConceptConfig.model_validate({"path": str(folder), "seed": 7, "image": image})
    return preview_concept(config, concept, folder, page=slice(0, 4), num_variations=4)


def half_black(path: Path) -> None:
    picture = Image.new("RGB", (64, 64), "white")
    picture.paste("black", (0, 0, 32, 64))
    picture.save(path)


def opened(address: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(address.partition(",")[2]))).convert("L")


def test_variations_are_those_that_training_draws(tmp_path: Path) -> None:
    half_black(tmp_path / "a.png")
    concept = ConceptConfig.model_validate(
        {"path": str(tmp_path), "seed": 7, "image_variations": 4, "image": {"enable_random_flip": True}}
    )
    data = collect_data([concept], TRAINED_TYPES, Path)
    planner = Planner(data, PlanOptions.of(TrainConfig(resolution="64", batch_size=1), 8))
    trained = [
        item.view.is_flipped for epoch in range(4) for batch in planner.plan_epoch(epoch).batches for item in batch
    ]

    shown = preview(tmp_path, enable_random_flip=True).pictures[0]

    assert [opened(variation.picture).getpixel((2, 32)) == 255 for variation in shown.variations] == trained
    assert len(set(trained)) == 2


def test_variations_are_cut_out_around_the_mask_as_training_does(tmp_path: Path) -> None:
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "a.png")
    mask = Image.new("L", (256, 256))
    mask.paste(255, (100, 160, 160, 220))
    mask.save(tmp_path / "a-masklabel.png")
    image: dict[str, Any] = {"enable_random_mask_rotate_crop": True}
    config = TrainConfig(resolution="64", batch_size=1, masked_training=True)
    concept = ConceptConfig.model_validate({"path": str(tmp_path), "seed": 7, "image_variations": 4, "image": image})
    planner = Planner(collect_data([concept], TRAINED_TYPES, Path, uses=Uses(masks=True)), PlanOptions.of(config, 8))
    (trained,) = planner.plan_epoch(0).samples

    shown = preview(tmp_path, config, **image).pictures[0]

    assert trained.view.window
    assert (shown.variations[0].width, shown.variations[0].height) == trained.view.target
    with Image.open(tmp_path / "a.png") as picture:
        expected = render(picture.convert("RGB"), trained.view).convert("L")
    assert opened(shown.variations[0].picture).getpixel((32, 32)) == pytest.approx(expected.getpixel((32, 32)), abs=3)
    assert preview(tmp_path, **image).pictures[0].variations[0].mask is None, "masks do not count here"
    (tmp_path / "a-masklabel.png").write_bytes(b"no picture")
    broken = preview(tmp_path, config, **image).pictures[0]
    assert broken.problem == "has a mask that is not a picture of a known format"


def test_a_broken_picture_says_why_it_cannot_train(tmp_path: Path) -> None:
    (tmp_path / "b.png").write_bytes(b"no picture")
    Image.new("RGB", (128, 64)).save(tmp_path / "a.png")
    found = preview(tmp_path)
    assert found.total == 2
    assert [(one.name, one.problem) for one in found.pictures] == [
        ("a.png", None),
        ("b.png", "is not a picture of a known format"),
    ]
    assert (found.pictures[0].variations[0].width, found.pictures[0].variations[0].height) == (88, 48)


def test_it_says_how_many_variations_train(tmp_path: Path) -> None:
    assert preview(tmp_path).trained_variations == 1
    assert preview(tmp_path, TrainConfig(latent_caching=False)).trained_variations is None


def test_each_variation_is_shown_at_the_resolution_that_training_draws_for_it(tmp_path: Path) -> None:
    half_black(tmp_path / "a.png")
    config = TrainConfig(resolution="64,128", batch_size=1)
    concept = ConceptConfig.model_validate({"path": str(tmp_path), "seed": 7, "image_variations": 4})
    planner = Planner(collect_data([concept], TRAINED_TYPES, Path), PlanOptions.of(config, 8))
    trained = [item.view.target for epoch in range(4) for item in planner.plan_epoch(epoch).samples]

    shown = preview(tmp_path, config).pictures[0].variations

    assert [(one.width, one.height) for one in shown] == trained
    assert set(trained) == {(64, 64), (128, 128)}


def test_a_mask_moves_with_its_picture(tmp_path: Path) -> None:
    half_black(tmp_path / "a.png")
    half_black(tmp_path / "a-masklabel.png")
    config = TrainConfig(resolution="64", masked_training=True)
    shown = preview(tmp_path, config, enable_random_flip=True).pictures[0].variations
    sides = [opened(one.picture).getpixel((2, 32)) for one in shown]
    assert [opened(one.mask or "").getpixel((2, 32)) for one in shown] == sides
    assert len(set(sides)) == 2


def test_a_video_shows_the_middle_of_its_clip_to_a_model_of_videos_alone(tmp_path: Path) -> None:
    write_video([Image.new("RGB", (64, 64), (8 * index,) * 3) for index in range(30)], tmp_path / "a.mp4", 16)
    config = TrainConfig(model_type=ModelType.WAN_21, resolution="64", frames="5")
    concept = ConceptConfig.model_validate({"path": str(tmp_path), "seed": 7, "image_variations": 4})
    uses = Uses(clip=ClipLength.of(config))
    planner = Planner(collect_data([concept], TRAINED_TYPES, Path, uses=uses), PlanOptions.of(config, 16))
    clips = [item.view.clip for epoch in range(4) for item in planner.plan_epoch(epoch).samples]

    (shown,) = preview(tmp_path, config).pictures

    assert shown.is_video
    levels = [opened(one.picture).getpixel((32, 32)) for one in shown.variations]
    assert levels == pytest.approx([8 * (clip.first + 2) for clip in clips if clip], abs=6)
    assert preview(tmp_path).total == 0
    assert preview(tmp_path, config.model_copy(update={"frames": "49"})).pictures[0].problem
