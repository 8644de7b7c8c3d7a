"""Which device a run needs for itself."""

import pytest

from onetrainer_web.runs import devices
from onetrainer_web.system.gpus import Gpu

TWO = (Gpu(0, "one", 1), Gpu(1, "two", 1))


@pytest.mark.parametrize(
    ("train_device", "gpus", "platform", "device"),
    [
        ("cpu", TWO, "linux", "cpu"),
        ("cuda", TWO, "linux", "cuda:0"),
        ("cuda:1", TWO, "linux", "cuda:1"),
        ("CUDA:0", TWO, "win32", "cuda:0"),
        ("cuda:2", TWO, "linux", "cpu"),
        ("cuda", (), "linux", "cpu"),
        ("mps", (), "darwin", "mps"),
        ("mps", (), "linux", "cpu"),
        ("anything", TWO, "linux", "cpu"),
        pytest.param("cuda:" + "9" * 5000, TWO, "linux", "cuda:0", id="more digits than Python reads"),
    ],
)
def test_the_device_is_what_the_configuration_means_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, train_device: str, gpus: tuple[Gpu, ...], platform: str, device: str
) -> None:
    monkeypatch.setattr(devices, "list_gpus", lambda: gpus)
    monkeypatch.setattr(devices.sys, "platform", platform)
    assert devices.device_of(train_device) == device
