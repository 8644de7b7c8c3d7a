"""The build of the tiny model, with a plan so small that only its mechanics are tested."""

from pathlib import Path

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from safetensors.torch import load_file
from scripts.tiny_model.build import build, export
from scripts.tiny_model.work import BuildPlan, TimeSlice, generator_for, read_checkpoint, write_checkpoint

from onetrainer_web.tiny.paths import tiny_model_folder

MODEL = tiny_model_folder()
SMALL_PLAN = BuildPlan(
    varied_pictures=8,
    autoencoder_steps=3,
    autoencoder_batch_size=2,
    captioned_pictures=8,
    denoiser_steps=4,
    denoiser_batch_size=2,
)


class _Interruptions(TimeSlice):
    """A time slice that is over after so many questions."""

    def __init__(self, num_questions: int) -> None:
        super().__init__()
        self._left = num_questions

    def is_over(self) -> bool:
        self._left -= 1
        return self._left < 0


def _losses(folder: Path, stage: str) -> list[float]:
    state = read_checkpoint(folder / f"{stage}.pt")
    assert state is not None
    return state["losses"]


@pytest.mark.slow
def test_an_interrupted_build_goes_on_as_if_never_stopped(tmp_path: Path) -> None:
    assert build(SMALL_PLAN, tmp_path / "whole", TimeSlice())
    calls = 0
    while not build(SMALL_PLAN, tmp_path / "pieces", _Interruptions(2)):
        calls += 1

    assert calls >= 2
    for stage, steps in (("autoencoder", 3), ("denoiser", 4)):
        assert len(_losses(tmp_path / "whole", stage)) == steps
        assert _losses(tmp_path / "pieces", stage) == _losses(tmp_path / "whole", stage)


@pytest.mark.slow
def test_the_exported_folder_is_read_by_diffusers(tmp_path: Path) -> None:
    build(SMALL_PLAN, tmp_path / "work", TimeSlice())

    export(SMALL_PLAN, tmp_path / "work", tmp_path / "model")

    pipeline = StableDiffusionPipeline.from_pretrained(tmp_path / "model")
    assert isinstance(pipeline, StableDiffusionPipeline)
    assert pipeline.unet.config.in_channels == 16  # pyright: ignore[reportAttributeAccessIssue]
    for part in ("text_encoder", "unet", "vae"):
        [built], [committed] = ((folder / part).glob("*.safetensors") for folder in (tmp_path / "model", MODEL))
        assert load_file(built).keys() == load_file(committed).keys(), part


def test_a_half_written_checkpoint_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "stage.pt"
    write_checkpoint(path, {"step": 1})

    with pytest.raises(AttributeError):
        write_checkpoint(path, {"step": lambda: 2})

    assert read_checkpoint(path) == {"step": 1}


def test_randomness_depends_on_seed_purpose_and_step_alone() -> None:
    draws = [
        torch.rand(3, generator=generator_for(*arguments)).tolist()
        for arguments in ((1, "a", 0), (1, "a", 0), (1, "a", 1), (1, "b", 0), (2, "a", 0))
    ]

    assert draws[0] == draws[1]
    assert len({tuple(draw) for draw in draws}) == 4
