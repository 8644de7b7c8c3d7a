"""One configuration tried with several values."""

from typing import Any

import pytest

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.config.variants import variants_of
from onetrainer_web.errors import InvalidConfigError


def test_every_combination_comes_once_the_last_setting_fastest() -> None:
    vary = {"learning_rate": [1e-4, "3e-4"], "unet.train": [True, False]}
    variants, notes = variants_of(TrainConfig(output_model_destination="models/mine.safetensors"), vary)
    assert [(one.config.learning_rate, one.config.unet.train) for one in variants] == [
        (1e-4, True),
        (1e-4, False),
        (3e-4, True),
        (3e-4, False),
    ]
    assert variants[2].title == "Learning rate 3e-4, UNet: Train true"
    assert {one.config.output_model_destination for one in variants} == {TrainConfig().output_model_destination}
    assert [note.path for note in notes] == ["output_model_destination"]
    assert "models/mine.safetensors" in notes[0].message
    assert not variants_of(TrainConfig(), vary)[1]


@pytest.mark.parametrize(
    ("vary", "said"),
    [
        ({}, "make 0 runs"),
        ({"learning_rate": []}, "make 0 runs"),
        ({"learning_rate": list(range(1, 26))}, "make 25 runs"),
        ({"learning_rat": [1, 2]}, "learning_rat"),
        ({"learning_rate": [1, "much"]}, "learning_rate"),
        ({"learning_rate": [1e-4, "0.0001"]}, "are the same"),
        ({"secrets": [{"huggingface_token": "a"}, {"huggingface_token": "b"}]}, "are the same"),
    ],
)
def test_what_makes_no_variants_is_refused(vary: dict[str, list[Any]], said: str) -> None:
    with pytest.raises(InvalidConfigError, match=said):
        variants_of(TrainConfig(), vary)
