"""What a sampler draws from."""

from pathlib import Path
from typing import Any

import pytest

from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.runs.sampler import draws_alike, sampler_config

SAVE = Path("/w/runs/r/save/model.safetensors")


def config(**changes: Any) -> dict[str, Any]:
    return {**config_to_dict(TrainConfig()), **changes}


@pytest.mark.parametrize(
    ("method", "key"), [("LORA", "lora_model_name"), ("FINE_TUNE", "base_model_name"), ("EMBEDDING", "embedding")]
)
def test_the_newest_save_takes_the_place_its_method_goes_on_from(method: str, key: str) -> None:
    last = config(training_method=method, samples=[{"prompt": "old"}])
    found = sampler_config(config(samples=[{"prompt": "new"}]), last, SAVE)
    assert (found[key]["model_name"] if key == "embedding" else found[key]) == str(SAVE)
    assert found["samples"] == [{"prompt": "new"}]
    assert found["training_method"] == method


def test_another_model_or_no_save_means_the_current_configuration() -> None:
    current = config()
    assert sampler_config(current, None, None) == current
    assert sampler_config(current, config(), None) == current
    assert sampler_config(current, config(base_model_name="another"), SAVE) == current
    assert sampler_config(current, config(model_type="FLUX_DEV_1"), SAVE) == current


def test_the_list_of_samples_matters_only_when_it_is_drawn() -> None:
    one, two = config(samples=[{"prompt": "one"}]), config(samples=[])
    assert draws_alike(one, two, own_samples=False)
    assert not draws_alike(one, two, own_samples=True)
    assert not draws_alike(one, config(base_model_name="another"), own_samples=False)
