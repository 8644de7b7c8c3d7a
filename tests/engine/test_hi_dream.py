"""HiDream, and pictures that are no squares and have more patches than its transformer fills up to."""

from typing import Any

import pytest
import torch
from tests.engine.families.hi_dream import hi_dream_parts

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.seams.interfaces import Model
from onetrainer_web.engine.seams.precision import set_up_precision


@pytest.mark.slow
@pytest.mark.parametrize("trains", [False, True])
def test_a_picture_of_many_patches_is_seen_as_if_the_row_were_as_long(*, trains: bool) -> None:
    family, parts = family_of(ModelType.HI_DREAM_FULL), hi_dream_parts()
    no_objective: Any = None
    model = Model(parts, set_up_precision(TrainConfig(train_device="cpu"))[0], no_objective, "tiny")
    transformer = parts["transformer"].train(trains)
    noisy, timesteps_B = torch.randn(2, 4, 40, 28), torch.tensor([100.0, 700.0])
    assert (num_patches := 40 * 28 // 4) > transformer.max_seq
    with torch.no_grad():
        found = family.predict(model, noisy, timesteps_B, {})
        transformer.max_seq = num_patches
        expected = family.predict(model, noisy, timesteps_B, {})
    assert found.shape == noisy.shape
    assert torch.equal(found, expected)
