"""What holds for all tests and the programs that they start, and a disk that is soon full."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Several tests run at once, each with trainers of its own: two threads that wait for each other while others have
# the cores are four times as slow as one. And no test asks the hub, whose absence is waited for.
os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1")

MAX_WORKERS = 4
"""Each takes most of a gigabyte, and so does a trainer or a browser that it starts."""

# How long an example takes says something about the machine, not about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_xdist_auto_num_workers() -> int:
    """How many processes share the tests: three for two cores, as those of server and page mostly wait."""
    cores = os.cpu_count() or 1
    return min(cores + (cores + 1) // 2, MAX_WORKERS)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that nothing is waited for alone in the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no command to mount a small disk")
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def leave(disk: Path, num_bytes: int) -> Path:
    """Fill a disk with one file until so much is left; gives that file."""
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(shutil.disk_usage(disk).free - num_bytes))
    return ballast
