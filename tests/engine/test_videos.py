"""Training on videos, and samples that are videos."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from tests.engine.conftest import Lab, find_backups
from tests.engine.families.wan import CASES
from tests.engine.outcomes import losses

from onetrainer_web.dataset.sizes import Size
from onetrainer_web.dataset.videos import read_video, write_video
from onetrainer_web.protocol.events import Planned, SampleDrawn, read_events

pytestmark = pytest.mark.slow


def write_moving_square(path: Path, num_frames: int, start: int) -> None:
    frames = [Image.new("RGB", (64, 64), "navy") for _ in range(num_frames)]
    for index, frame in enumerate(frames):
        ImageDraw.Draw(frame).rectangle((start + 2 * index, 20, start + 2 * index + 10, 30), fill="orange")
    write_video(frames, path, 16)


@pytest.fixture
def video_lab(lab: Lab, tmp_path: Path) -> Lab:
    """A workspace with a tiny Wan and two videos of 9 frames."""
    folder = lab.workspace / "datasets" / "moving"
    folder.mkdir()
    for number in range(2):
        write_moving_square(folder / f"{number}.mp4", 9, 4 * number)
        (folder / f"{number}.txt").write_text(f"square {number} moving to the right")
    sample = {"prompt": "a square", "width": 64, "height": 64, "frames": 5, "diffusion_steps": 2, "cfg_scale": 2}
    settings = {
        "model_type": "WAN_21",
        "transformer": {"gradient_checkpointing": False},
        "output_model_format": "DIFFUSERS_LORA",
        "concepts": [{"path": "datasets/moving", "seed": 1, "image_variations": 3}],
        "resolution": "64",
        "frames": "5",
        "epochs": 3,
        "samples": [sample],
        "sample_after_unit": "EPOCH",
        "sample_after": 99,
    }
    return Lab(lab.workspace, CASES[0].make(tmp_path / "wan"), settings)


def test_clips_train_and_samples_are_videos(video_lab: Lab) -> None:
    folder = video_lab.train()
    events = list(read_events(folder.events))
    planned = next(event for event in events if isinstance(event, Planned))
    assert [(bucket.width, bucket.height, bucket.kept, bucket.is_video) for bucket in planned.buckets] == [
        (64, 64, 2, True)
    ]
    assert len(losses(folder)) == 3
    drawn = folder.path / [event for event in events if isinstance(event, SampleDrawn)][-1].path
    assert drawn.suffix == ".mp4"
    assert read_video(drawn, 16) == (Size(64, 64), 5)


def test_a_resumed_training_on_clips_is_the_same(video_lab: Lab) -> None:
    settings = {"backup_after": 1, "backup_after_unit": "STEP", "sample_after_unit": "NEVER"}
    whole = video_lab.train(**settings)
    again = video_lab.train(backup=find_backups(whole.backups)[-1], **settings)
    assert 0 < len(losses(again)) < len(losses(whole))
    assert losses(again) == losses(whole)[-len(losses(again)) :]
