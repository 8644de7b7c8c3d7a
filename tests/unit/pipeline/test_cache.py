"""Entries of the cache: filed under what determines them, whole or not there."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from onetrainer_web.dataset.augment import PictureView
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.pipeline.cache import (
    CacheEntryLostError,
    CacheWriteError,
    TensorCache,
    picture_key,
    prompt_key,
    seed_of,
)

VIEW = PictureView(Size(64, 64), Size(80, 64), left=3, top=0)
PICTURE_KEY = "84a1c69e556bf64e8c22059993fbe083b6e0f15f7cfaaf039db81d4491a3615d"
PROMPT_KEY = "36a502b5a75d78f8ca5527ee796bf294aaec1f9084b523b589fab8f60783e29b"
KEY = prompt_key("a red circle", "clip v1")


def tensors(value: float = 1.0) -> dict[str, torch.Tensor]:
    return {
        "latents": torch.full((4, 8, 8), value),
        "mask": torch.tensor([True, False]),
        "half": torch.ones(3).bfloat16(),
    }


def assert_equal(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_what_is_written_is_read_by_this_object_and_by_another(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path)
    assert not cache.has(KEY)
    cache.write(KEY, tensors())
    for reader in (cache, TensorCache(tmp_path), TensorCache(tmp_path, ram_bytes=0)):
        assert reader.has(KEY)
        assert_equal(reader.read(KEY), tensors())


def test_an_entry_in_memory_needs_its_file_no_more(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path)
    cache.write(KEY, tensors())
    reader = TensorCache(tmp_path)
    reader.read(KEY)
    cache.path(KEY).unlink()
    assert_equal(reader.read(KEY), tensors())
    with pytest.raises(CacheEntryLostError, match="removed or damaged"):
        TensorCache(tmp_path).read(KEY)


def test_memory_is_limited(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path, ram_bytes=1)
    cache.write(KEY, tensors())
    cache.path(KEY).unlink()
    with pytest.raises(CacheEntryLostError):
        cache.read(KEY)


@pytest.mark.parametrize("length", [0, 4, 20, 300, -1])
def test_a_file_that_is_not_whole_is_never_picked_up(tmp_path: Path, length: int) -> None:
    cache = TensorCache(tmp_path)
    cache.write(KEY, tensors())
    path = cache.path(KEY)
    path.write_bytes(path.read_bytes()[:length])
    fresh = TensorCache(tmp_path)
    assert not fresh.has(KEY)
    with pytest.raises(CacheEntryLostError):
        fresh.read(KEY)
    fresh.write(KEY, tensors(2))
    assert_equal(TensorCache(tmp_path).read(KEY), tensors(2))


def test_a_file_of_zeros_or_noise_is_not_whole(tmp_path: Path) -> None:
    cache = TensorCache(tmp_path)
    cache.path(KEY).parent.mkdir(parents=True)
    for content in (bytes(4096), b"\x10" + bytes(7) + b"not json at all, no", b"\x02" + bytes(7) + b"[]"):
        cache.path(KEY).write_bytes(content)
        assert not cache.has(KEY)


WRITE_AND_DIE = """
import os, signal, sys
from pathlib import Path
from onetrainer_web.pipeline import cache as module
import torch
folder, key = Path(sys.argv[1]), sys.argv[2]
class DyingFile:
    def __init__(self, file): self.file = file
    def __enter__(self): return self
    def __exit__(self, *_): return None
    def write(self, data):
        self.file.write(data[: len(data) // 2]); self.file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
fdopen = os.fdopen
module.os.fdopen = lambda *a: DyingFile(fdopen(*a))
module.TensorCache(folder).write(key, {"latents": torch.ones(1000)})
"""


@pytest.mark.slow
def test_a_writer_killed_half_way_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    died = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(tmp_path), KEY], check=False)
    assert died.returncode == -signal.SIGKILL
    cache = TensorCache(tmp_path)
    (torn,) = cache.path(KEY).parent.iterdir()
    assert torn.name.startswith(".writing.")
    assert not cache.has(KEY)
    os.utime(torn, (0, 0))
    assert cache.prune(10**9) > 0
    assert not torn.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named_and_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fdopen = os.fdopen

    def open_full(descriptor: int, mode: str) -> object:
        os.close(descriptor)
        return fdopen(os.open("/dev/full", os.O_WRONLY), mode)

    monkeypatch.setattr("onetrainer_web.pipeline.cache.os.fdopen", open_full)
    cache = TensorCache(tmp_path)
    with pytest.raises(CacheWriteError, match="No space left on device"):
        cache.write(KEY, tensors())
    assert list(cache.path(KEY).parent.iterdir()) == []
    assert not cache.has(KEY)


def test_pruning_takes_what_was_not_used_for_longest(tmp_path: Path) -> None:
    writer = TensorCache(tmp_path)
    keys = [prompt_key(str(number), "clip v1") for number in range(4)]
    for age, key in enumerate(keys):
        writer.write(key, {"latents": torch.ones(100)})
        os.utime(writer.path(key), (10**9 - age, 10**9 - age))
    size = writer.path(keys[0]).stat().st_size

    pruner = TensorCache(tmp_path)
    assert pruner.has(keys[3])  # the oldest, but in use now
    assert pruner.prune(2 * size) == 2 * size
    assert [key for key in keys if writer.path(key).exists()] == [keys[0], keys[3]]
    assert pruner.prune(0) == size
    assert writer.path(keys[3]).exists()


def test_pruning_an_absent_cache_frees_nothing(tmp_path: Path) -> None:
    assert TensorCache(tmp_path / "absent").prune(0) == 0


def test_a_key_changes_with_everything_that_determines_the_entry() -> None:
    keys = {
        picture_key("abc", VIEW, "vae v1"),
        picture_key("xyz", VIEW, "vae v1"),
        picture_key("abc", VIEW, "vae v2"),
        picture_key("abc", replace(VIEW, target=Size(64, 72)), "vae v1"),
        picture_key("abc", replace(VIEW, left=4), "vae v1"),
        picture_key("abc", replace(VIEW, is_flipped=True), "vae v1"),
        picture_key("abc", replace(VIEW, hue=0.1), "vae v1"),
        prompt_key("a red circle", "clip v1"),
        prompt_key("a red circle ", "clip v1"),
        prompt_key("a red circle", "clip v2"),
    }
    assert len(keys) == 10
    assert all(0 <= seed_of(key) < 2**63 for key in keys)


def test_a_key_is_the_same_in_every_process() -> None:
    # Stored caches stay valid only while this holds; a deliberate change of the key's parts changes these figures.
    assert picture_key("abc", VIEW, "vae v1") == PICTURE_KEY
    assert prompt_key("a red circle", "clip v1") == PROMPT_KEY
