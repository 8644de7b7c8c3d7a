"""Fine-tuning of the autoencoder: its decoder learns, and nothing else."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from safetensors.torch import load_file
from tests.engine.conftest import Lab, find_backups
from tests.engine.outcomes import assert_same_picture, assert_same_weights, losses, pictures, result
from tests.engine.test_formats import DRAWING, draw_in_diffusers

from onetrainer_web.engine.runtime.errors import InvalidSettingError

pytestmark = pytest.mark.slow

TRAINING: dict[str, Any] = {
    "training_method": "FINE_TUNE_VAE",
    "output_model_format": "DIFFUSERS",
    "learning_rate": 1e-3,
    "epochs": 4,
}


def weights(folder: Path, part: str) -> dict[str, torch.Tensor]:
    """The weights of a part of a saved model."""
    (file,) = (folder / part).glob("*.safetensors")
    return load_file(file)


@pytest.mark.parametrize("caches", [True, False])
def test_the_decoder_learns_and_nothing_else_does(lab: Lab, caches: bool) -> None:
    one_picture = [{"path": "datasets/squares", "seed": 7, "balancing": 2, "balancing_strategy": "SAMPLES"}]
    folder = lab.train(**{**TRAINING, "epochs": 20}, concepts=one_picture, latent_caching=caches, **DRAWING)
    found = losses(folder)
    assert sum(found[-5:]) < 0.8 * sum(found[:5])
    for part in ("unet", "text_encoder"):
        before, after = weights(lab.model, part), weights(result(folder), part)
        assert all(torch.equal(before[name], after[name]) for name in before)
    before, after = weights(lab.model, "vae"), weights(result(folder), "vae")
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"decoder"}
    pipeline = StableDiffusionPipeline.from_pretrained(result(folder))
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(pipeline))


def test_a_resumed_training_is_the_same_bit_for_bit(lab: Lab) -> None:
    settings = {**TRAINING, "backup_after": 3, "backup_after_unit": "STEP", "mae_strength": 0.5}
    whole = lab.train(**settings)
    again = lab.train(backup=find_backups(whole.backups)[0], **settings)
    assert 0 < len(losses(again)) < len(losses(whole))
    assert losses(again) == losses(whole)[-len(losses(again)) :]
    assert_same_weights(whole, again)


def test_other_models_are_refused(lab: Lab) -> None:
    with pytest.raises(InvalidSettingError, match="Fine-tuning of the VAE"):
        lab.train(**TRAINING, model_type="STABLE_DIFFUSION_XL_10_BASE")
