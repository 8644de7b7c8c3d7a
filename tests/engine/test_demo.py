"""The demos teach the tiny model what it did not know: measured on pictures that no training has seen."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from tests.engine.measure import mean_distance

from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.presets import read_preset
from onetrainer_web.protocol.events import SampleDrawn, read_events
from onetrainer_web.protocol.run_folder import create_run
from onetrainer_web.protocol.tasks import TrainTask
from onetrainer_web.tiny.pictures import DEMO_CONCEPTS, DEMO_NAMES, held_out_pictures, write_demo_pictures

log = logging.getLogger(__name__)

MUCH_BETTER = 0.8
"""Of the distance before, what may be left."""
NUM_PICTURES, NUM_DIFFUSION_STEPS = 8, 10
"""Enough to tell: a sample of the demos takes twice as many steps."""
NEAREST_KNOWN_SHAPE = {"demo_lora": "circle", "demo_finetune": "square"}
"""The demo also shows known shapes, in the same place and size: they tell a face from a disc where faces are."""


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("name", DEMO_NAMES)
def test_the_demo_teaches_what_the_model_did_not_know(tmp_path: Path, name: str) -> None:
    pictures = held_out_pictures(name, NUM_PICTURES)
    captions = [picture.caption for picture in pictures]
    word, known = DEMO_CONCEPTS[name].trigger_word, NEAREST_KNOWN_SHAPE[name]
    drawn = train(tmp_path, name, captions + [caption.replace(word, known) for caption in captions])

    before, after, after_known = (
        mean_distance(samples, [picture.image for picture in pictures])
        for samples in (drawn[0][: len(captions)], drawn[-1][: len(captions)], drawn[-1][len(captions) :])
    )
    log.info("%s: %.1f before, %.1f after, %.1f with %s for %s", name, before, after, after_known, known, word)
    assert after < MUCH_BETTER * before
    assert after < after_known


def train(workspace: Path, name: str, prompts: list[str]) -> list[list[Image.Image]]:
    """Train a demo as it is, but for its samples; gives the pictures of each round of sampling."""
    preset = read_preset(name).config
    assert preset.samples
    quick = {"diffusion_steps": NUM_DIFFUSION_STEPS}
    samples = [preset.samples[0].model_copy(update={"prompt": prompt, **quick}) for prompt in prompts]
    config = preset.model_copy(update={"samples": samples, "sample_after": preset.epochs})
    write_demo_pictures(workspace / "datasets" / name, name)
    run = create_run(workspace / "runs", TrainTask(config=config_to_dict(config)), name)
    worker = [sys.executable, "-m", "onetrainer_web.engine.worker", str(run.path)]
    subprocess.run(worker, check=True)
    paths = [run.path / event.path for event in read_events(run.events) if isinstance(event, SampleDrawn)]
    rounds = [paths[start : start + len(prompts)] for start in range(0, len(paths), len(prompts))]
    return [[read_picture(path) for path in drawn] for drawn in rounds]


def read_picture(path: Path) -> Image.Image:
    """The picture in memory, its file closed."""
    with Image.open(path) as picture:
        return picture.convert("RGB")
