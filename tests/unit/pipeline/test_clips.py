"""What a video model trains on: clips of videos beside pictures."""

from pathlib import Path

import pytest
from PIL import Image

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ConceptType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.augment import Clip
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.dataset.videos import write_video
from onetrainer_web.dataset.views import ClipLength, ViewOptions
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.pipeline.entries import decode
from onetrainer_web.pipeline.items import TrainingData, Uses, collect_data
from onetrainer_web.pipeline.plan import Planner, PlanOptions, ValidationPlanner

LENGTH = ClipLength(5, 10)


def write_clip(path: Path, num_frames: int) -> None:
    frames = [Image.new("RGB", (32, 16), (10 * index, 0, 0)) for index in range(num_frames)]
    write_video(frames, path, 10)


def collect(folder: Path, clip: ClipLength | None = LENGTH) -> TrainingData:
    concept = ConceptConfig(path=str(folder), seed=3)
    return collect_data([concept], [ConceptType.STANDARD], Path, uses=Uses(clip=clip))


def options(**changes: object) -> PlanOptions:
    config = TrainConfig.model_validate({"resolution": "32x16", "batch_size": 2, **changes})
    return PlanOptions(2, ViewOptions((Size(32, 16),), 16, True, clip=LENGTH), config.latent_caching, True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two videos of 9 frames, one that is too short, and two pictures."""
    for name, num_frames in (("a", 9), ("b", 9), ("short", 4)):
        write_clip(tmp_path / f"{name}.mp4", num_frames)
        (tmp_path / f"{name}.txt").write_text(f"video {name}")
    for name in ("c", "d"):
        Image.new("RGB", (32, 16), "green").save(tmp_path / f"{name}.png")
    return tmp_path


def test_the_length_is_one_more_than_a_multiple() -> None:
    config = {"model_type": "WAN_21"}
    assert ClipLength.of(TrainConfig.model_validate({**config, "frames": "25"})) == ClipLength(25, 16)
    assert ClipLength.of(TrainConfig.model_validate({**config, "frames": "28"})) == ClipLength(25, 16)
    assert ClipLength.of(TrainConfig.model_validate({**config, "frames": "1"})) == ClipLength(1, 16)
    assert ClipLength.of(TrainConfig.model_validate({"model_type": "SANA", "frames": "25"})) is None
    with pytest.raises(InvalidConfigError, match="write one whole number"):
        ClipLength.of(TrainConfig.model_validate({**config, "frames": "many"}))


def test_videos_have_captions_and_short_ones_are_named(folder: Path) -> None:
    data = collect(folder)
    found = {picture.file.name: (picture.num_frames, picture.captions) for picture in data.concepts[0].pictures}
    assert found["a.mp4"] == (9, ("video a",))
    assert found["c.png"] == (None, ("",))
    assert [(Path(skipped.path).name, skipped.reason) for skipped in data.skipped] == [
        ("short.mp4", "has 4 frames at 10 a second; 5 are trained at once")
    ]


def test_a_model_of_pictures_passes_videos_over(folder: Path) -> None:
    data = collect(folder, clip=None)
    assert data.num_pictures == 2
    assert {skipped.reason for skipped in data.skipped} == {"is a video; this model trains on pictures"}


def test_clips_and_pictures_share_no_batch(folder: Path) -> None:
    plan = Planner(collect(folder), options()).plan_epoch(0)
    kinds = [{item.view.clip is None for item in batch} for batch in plan.batches]
    assert sorted(kinds, key=str) == [{False}, {True}]
    assert [(bucket.is_video, bucket.kept) for bucket in plan.buckets] == [(False, 2), (True, 2)]


def test_a_clip_begins_anywhere_in_a_video_and_the_same_again(folder: Path) -> None:
    def firsts() -> list[int]:
        planner = Planner(collect(folder), options(latent_caching=False))
        items = planner.items(range(12))
        return [item.view.clip.first for item in items if item.view.clip]

    assert firsts() == firsts()
    assert set(firsts()) <= set(range(5))
    assert len(set(firsts())) > 2


def test_validation_looks_at_the_middle(folder: Path) -> None:
    clips = {item.view.clip for item in ValidationPlanner(collect(folder), options()).items([0])}
    assert clips == {None, Clip(2, 5, 10)}


def test_the_pixels_of_a_clip_have_frames_behind_the_channels(folder: Path) -> None:
    items = ValidationPlanner(collect(folder), options()).items([0])
    shapes = {item.path.name: decode(item).pixels.shape for item in items}
    assert shapes == {"a.mp4": (3, 5, 16, 32), "b.mp4": (3, 5, 16, 32), "c.png": (3, 16, 32), "d.png": (3, 16, 32)}
    reds = decode(next(item for item in items if item.path.name == "a.mp4")).pixels[0].mean(axis=(1, 2))
    assert [round(float(red) / 10) for red in reds] == [2, 3, 4, 5, 6]
