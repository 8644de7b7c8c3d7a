"""Encoded pictures and prompts on disk, each filed under a hash of everything that determines it.

So nothing is ever out of date: a changed picture, crop, encoder or precision has another key. Entries are safetensors
files, shared by all runs; nothing needs to be cleared.
"""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from onetrainer_web.config.tensor_header import HeaderError, read_header
from onetrainer_web.dataset.augment import PictureView
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.files.atomic import replacing_file
from onetrainer_web.files.shortages import reason_of

DEFAULT_RAM_BYTES = 512 * 2**20
"""How much of a cache is kept in memory once it was read."""
_STALE_AFTER_S = 3600.0

_VIEW_FIELDS = tuple(field.name for field in fields(PictureView))

Tensors = dict[str, Tensor]


class CacheWriteError(OneTrainerWebError):
    """The cache cannot be written."""

    status = 507

    def __init__(self, folder: Path, error: OSError) -> None:
        super().__init__(
            f"The cache folder {folder} cannot be written: {reason_of(error, folder)}. "
            "Make room or choose another cache_dir, then resume the run."
        )
        self.folder = folder


class CacheEntryLostError(OneTrainerWebError):
    """An entry was there when the run started and is gone or damaged now."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The cache entry {path} was removed or damaged while the run needed it. Resume the run; it is made anew."
        )
        self.path = path


def picture_key(file_sha256: str, view: PictureView, image_identity: str, *others_sha256: str | None) -> str:
    """Key of a picture's latents.

    Args:
        file_sha256: Hash of the file's bytes.
        view: Size, crop and variation.
        image_identity: Says everything about the encoder that changes its output: weights, scaling, dtype.
        others_sha256: Hashes of its mask and its conditioning picture, where the entry is made of them, too. They come
            last: the latents, whose seed is taken from the beginning, are those without a mask.
    """
    values = ((name, getattr(view, name)) for name in _VIEW_FIELDS)
    chosen = {name: value for name, value in values if value is not None}
    key = _key({"kind": "picture", "file": file_sha256, "view": chosen, "encoder": image_identity})
    return "-".join(
        [key, *(_key({f"{place} on black": sha256}) for place, sha256 in enumerate(others_sha256) if sha256)]
    )


def prompt_key(prompt: str, text_identity: str) -> str:
    """Key of a prompt's conditioning; `text_identity` says weights, token length, skipped layers, dtype."""
    return _key({"kind": "prompt", "prompt": prompt, "encoder": text_identity})


def seed_of(key: str) -> int:
    """A seed below 2^63 for what is drawn at random while encoding the entry `key`."""
    return int(key[:16], 16) >> 1


class TensorCache:
    """Entries `<folder>/ab/abcd….safetensors`. Not for use by several threads, `warm` excepted."""

    def __init__(self, folder: Path, ram_bytes: int = DEFAULT_RAM_BYTES) -> None:
        self.folder = folder
        with suppress(OSError):  # `write` says so
            folder.mkdir(parents=True, exist_ok=True)
        self._in_ram: dict[str, Tensors] = {}
        self._ram_left = ram_bytes
        self._used: set[str] = set()

    @property
    def used(self) -> frozenset[str]:
        """The keys of all entries that were asked for or written."""
        return frozenset(self._used)

    def use(self, keys: Iterable[str]) -> None:
        """Count entries that another process has asked for or written as used, so that `prune` takes others first."""
        self._used.update(keys)

    @property
    def fingerprints(self) -> Path:
        """Where hashes of the picture files are remembered."""
        return self.folder / "fingerprints.json"

    @property
    def whole_files(self) -> Path:
        """Where it is remembered which picture files can be decoded."""
        return self.folder / "whole_files.json"

    def path(self, key: str) -> Path:
        """The file of an entry."""
        return self.folder / key[:2] / f"{key}.safetensors"

    def has(self, key: str) -> bool:
        """Whether the entry is there and whole; marks it as used, so that `prune` takes others first."""
        path = self.path(key)
        if key not in self._in_ram and not _is_whole(path):
            return False
        if key not in self._used:
            self._used.add(key)
            _touch(path)
        return True

    def write(self, key: str, tensors: Mapping[str, Tensor]) -> None:
        """Add an entry. It appears under its name only when it is complete.

        Args:
            key: From `picture_key` or `prompt_key`.
            tensors: On the CPU.

        Raises:
            CacheWriteError: The disk is full or cannot be written.
        """
        own = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
        path = self.path(key)
        try:
            path.parent.mkdir(exist_ok=True)  # and no more: where the disk was mounted, nothing is to be made
            with replacing_file(path) as file:
                file.write(save(own))
        except OSError as error:
            raise CacheWriteError(self.folder, error) from error
        self._used.add(key)
        self._keep_in_ram(key, own)

    def read(self, key: str) -> Tensors:
        """An entry: from memory, or mapped from its file. Do not change it.

        Raises:
            CacheEntryLostError: It is not there or damaged.
        """
        if key in self._in_ram:
            return self._in_ram[key]
        path = self.path(key)
        try:
            mapped = load_file(path)
        except (OSError, SafetensorError) as error:
            raise CacheEntryLostError(path) from error
        if self._ram_left < _num_bytes(mapped):
            return mapped
        # A copy: each mapping that stays open costs an address range, of which a process has about 65,000.
        return self._keep_in_ram(key, {name: tensor.clone() for name, tensor in mapped.items()})

    def warm(self, key: str) -> None:
        """Bring a file into the system's page cache, so that `read` does not wait for the disk.

        For a helper thread: it touches no tensors, because a thread that has once entered an OpenMP region can halve
        the speed of the training thread.
        """
        if key not in self._in_ram:
            try:
                self.path(key).read_bytes()
            except OSError:
                return  # `read` finds the same and says so

    def prune(self, max_bytes: int) -> int:
        """Delete the entries that were not used for longest until the rest fits, and leftovers of crashed writers.

        What this object has used is never deleted.

        Returns:
            The number of bytes freed.
        """
        entries: list[tuple[float, int, Path]] = []
        freed = 0
        for path in self.folder.glob("??/*"):
            facts = path.stat()
            if path.suffix == ".safetensors":
                entries.append((facts.st_mtime, facts.st_size, path))
            elif time.time() - facts.st_mtime > _STALE_AFTER_S:
                path.unlink(missing_ok=True)
                freed += facts.st_size
        excess = sum(size for _, size, _ in entries) - max_bytes
        for _, size, path in sorted(entries):
            if excess <= 0:
                break
            if path.stem not in self._used:
                path.unlink(missing_ok=True)
                excess -= size
                freed += size
        return freed

    def _keep_in_ram(self, key: str, tensors: Tensors) -> Tensors:
        size = _num_bytes(tensors)
        if size <= self._ram_left and key not in self._in_ram:
            self._in_ram[key] = tensors
            self._ram_left -= size
        return tensors


def _key(parts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=asdict).encode()).hexdigest()


def _num_bytes(tensors: Tensors) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _is_whole(path: Path) -> bool:
    """Whether a safetensors file is as long as its header says.

    A power cut can leave a file empty or short under its final name; waiting for the disk at every entry would be the
    dearer remedy.
    """
    try:
        return read_header(path).fault is None
    except (OSError, HeaderError):
        return False


def _touch(path: Path) -> None:
    try:
        os.utime(path)
    except OSError:
        return  # a read-only cache is still good for reading
