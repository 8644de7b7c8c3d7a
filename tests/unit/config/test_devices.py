"""Which devices a configuration means, and how many batches make an update."""

from typing import Any

import pytest

from onetrainer_web.config.devices import batches_an_update, devices_among, devices_of, numbers_in
from onetrainer_web.config.training import TrainConfig


@pytest.mark.parametrize(
    ("settings", "devices", "num_batches"),
    [
        ({"train_device": "cuda:1"}, ["cuda:1"], 3),
        ({"train_device": "cuda", "device_indexes": "0,1"}, ["cuda"], 3),
        ({"train_device": "cuda", "multi_gpu": True, "device_indexes": "2, 0,2"}, ["cuda:2", "cuda:0"], 6),
        ({"train_device": "cuda:1", "multi_gpu": True, "device_indexes": "0,1"}, ["cuda:0", "cuda:1"], 6),
        ({"train_device": "cuda", "multi_gpu": True, "device_indexes": "1"}, ["cuda"], 3),
        ({"train_device": "cuda", "multi_gpu": True}, ["cuda"], 3),
        ({"train_device": "CPU ", "multi_gpu": True, "device_indexes": "0,7"}, ["cpu", "cpu"], 6),
        ({"train_device": "mps", "multi_gpu": True, "device_indexes": "0,1"}, ["mps"], 3),
        (
            {"train_device": "cpu", "multi_gpu": True, "device_indexes": "0,1,2", "keep_effective_batch": True},
            ["cpu"] * 3,
            3,
        ),
    ],
)
def test_several_devices_make_larger_updates(settings: dict[str, Any], devices: list[str], num_batches: int) -> None:
    config = TrainConfig.model_validate({"gradient_accumulation_steps": 3, **settings})
    assert list(devices_of(config)) == devices
    assert batches_an_update(config) == num_batches


def test_numbers_name_those_that_are_there_or_else_all() -> None:
    assert numbers_in("2, x,0,2,,") == [2, 0]
    gpus = ("cuda:0", "cuda:1")
    assert devices_among(gpus, "1,9") == ("cuda:1",)
    assert devices_among(gpus, "") == devices_among(gpus, "9") == gpus
