"""Writing model files so that a reader sees the old file or the new one, never a part."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from onetrainer_web.engine.weights.metadata import with_hash


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A temporary path beside `target` that takes its name when the block ends without an error.

    File or folder; what was there before is replaced. On an error the temporary one is removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    making = target.parent / f".{target.name}.writing"
    _remove(making)
    try:
        yield making
        _sync(making)
        if target.is_dir():
            _remove(target)
        making.replace(target)
        _sync_folder(target.parent)
    except BaseException:
        _remove(making)
        raise


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file with its modelspec hash, atomically."""
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    with replacing(path) as making:
        save_file(plain, making, with_hash(metadata, plain))


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Make everything in `path` survive a power cut."""
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
        else:
            _sync_folder(file)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
