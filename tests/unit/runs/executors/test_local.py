"""This machine as a place where runs are carried out."""

import pytest

from onetrainer_web.runs.executors import local
from onetrainer_web.runs.executors.local import LocalExecutor
from onetrainer_web.system import gpus
from onetrainer_web.system.gpus import Gpu


@pytest.mark.parametrize(
    ("num_gpus", "visible", "platform", "found"),
    [
        (2, None, "linux", ("cuda:0", "cuda:1", "cpu")),
        (0, None, "linux", ("cpu",)),
        (0, None, "darwin", ("mps", "cpu")),
        (4, "1", "linux", ("cuda:0", "cpu")),
        (4, "3,2", "win32", ("cuda:0", "cuda:1", "cpu")),
        (4, "", "linux", ("cpu",)),
        (4, "-1", "linux", ("cpu",)),
    ],
)
def test_its_devices_are_those_that_a_trainer_will_find(
    monkeypatch: pytest.MonkeyPatch, num_gpus: int, visible: str | None, platform: str, found: tuple[str, ...]
) -> None:
    monkeypatch.setattr(gpus, "list_gpus", lambda: tuple(Gpu(number, "a GPU", 1, (8, 9)) for number in range(num_gpus)))
    monkeypatch.setattr(local.sys, "platform", platform)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert LocalExecutor().devices() == found
