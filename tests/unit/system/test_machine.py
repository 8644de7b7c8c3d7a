"""Facts about this very machine, and about GPUs that a driver might name."""

import platform
import time
from pathlib import Path

import psutil
import pytest

from onetrainer_web.system import machine
from onetrainer_web.system.gpus import Gpu, list_gpus
from onetrainer_web.system.machine import CpuMeter, TorchMemory, machine_info, resources

CARD = Gpu(index=0, name="NVIDIA GeForce RTX 4090", memory_bytes=24 * 2**30, compute_capability=(8, 9))


@pytest.fixture
def one_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "list_gpus", lambda: (CARD,))


def keep_busy(seconds: float) -> None:
    """Use processor time for a while."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_the_fields_are_those_of_the_contract(tmp_path: Path) -> None:
    info = machine_info(tmp_path, CpuMeter()).model_dump(exclude_none=True)
    assert {key: list(value) for key, value in info.items()} == {
        "os": ["system", "release", "version", "machine", "processor"],
        "cpu": ["count", "usage_percent"],
        "memory": ["total_gb", "used_gb", "available_gb", "usage_percent"],
        "disk": ["total_gb", "used_gb", "free_gb", "usage_percent"],
        "gpu": ["available", "count", "devices"],
    }
    assert list(resources(tmp_path, CpuMeter()).model_dump()) == [
        "cpu_percent",
        "memory_percent",
        "disk_percent",
        "gpu_memory",
    ]


def test_the_values_are_this_machines(tmp_path: Path) -> None:
    info = machine_info(tmp_path, CpuMeter())
    assert info.os.system == platform.system()
    assert info.os.processor
    assert info.cpu.count == psutil.cpu_count()
    assert info.memory.total_gb == round(psutil.virtual_memory().total / 2**30, 2)
    assert info.disk.total_gb == round(psutil.disk_usage(str(tmp_path)).total / 2**30, 2)


def test_the_first_reading_of_the_processor_is_real() -> None:
    meter = CpuMeter()
    keep_busy(0.3)
    assert meter.percent() > 0
    assert meter.percent() <= 100


def test_a_first_reading_without_a_wait_before_is_real_too() -> None:
    # Something always runs on a machine that runs this test; what matters is that it is a measurement, not a zero.
    meter = CpuMeter()
    first = meter.percent()
    assert 0 <= first <= 100
    assert meter.percent() == first  # too soon for another


def test_without_a_driver_there_is_no_gpu(tmp_path: Path) -> None:
    list_gpus.cache_clear()
    gpus = list_gpus()
    info = machine_info(tmp_path, CpuMeter())
    assert info.gpu.available == bool(gpus)
    assert info.gpu.count == len(info.gpu.devices) == len(gpus)


@pytest.mark.usefixtures("one_card")
def test_what_torch_holds_is_reported_by_gpu(tmp_path: Path) -> None:
    held = {0: TorchMemory(allocated_bytes=6 * 2**30, reserved_bytes=12 * 2**30)}
    (device,) = machine_info(tmp_path, CpuMeter(), held).gpu.devices
    assert device.model_dump() == {
        "id": 0,
        "name": "NVIDIA GeForce RTX 4090",
        "memory_total_gb": 24.0,
        "memory_allocated_gb": 6.0,
        "memory_reserved_gb": 12.0,
    }
    (use,) = resources(tmp_path, CpuMeter(), held).gpu_memory
    assert use.model_dump() == {"device": 0, "allocated_percent": 25.0, "reserved_percent": 50.0}


@pytest.mark.usefixtures("one_card")
def test_nothing_is_held_while_nothing_is_trained(tmp_path: Path) -> None:
    (device,) = machine_info(tmp_path, CpuMeter()).gpu.devices
    assert (device.memory_allocated_gb, device.memory_reserved_gb) == (0, 0)
