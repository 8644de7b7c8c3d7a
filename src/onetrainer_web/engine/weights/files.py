"""Writing model files so that a reader sees the old file or the new one, never a part."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from onetrainer_web.engine.weights.metadata import with_hash
from onetrainer_web.files.atomic import unfinished
from onetrainer_web.files.confined import remove

WRITE_FAILURES = (OSError, RuntimeError, MemoryError, SafetensorError)
"""What Python, torch and safetensors say of a disk or a memory without room."""

_UMASK = os.umask(0o077)
os.umask(_UMASK)  # it can only be read by setting it


@contextmanager
def replacing(target: Path, writer: str = "") -> Iterator[Path]:
    """A temporary path beside `target` that takes its name when the block ends without an error.

    File or folder; what was there before is replaced. On an error the temporary one is removed. `writer` stands in its
    name, so that what a killed writer leaves behind is known for its own.
    """
    target.parent.mkdir(exist_ok=True)  # and no more: where the disk was mounted, nothing is to be made
    making = unfinished(target, writer)
    remove(making)
    try:
        yield making
        _finish(making)
        if target.is_dir():
            remove_whole(target)
        making.replace(target)
        _sync_folder(target.parent)
    except BaseException:
        with suppress(OSError):  # of a disk that is going
            remove(making)
        raise


def remove_whole(folder: Path) -> None:
    """Delete a folder so that nobody takes for whole what is left of it when the process ends in between."""
    doomed = unfinished(folder)
    remove(doomed)
    folder.replace(doomed)
    remove(doomed)


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str], writer: str = "") -> None:
    """Write a safetensors file with its modelspec hash, atomically; `writer` as for `replacing`."""
    plain = {name: tensor.detach().to("cpu").contiguous() for name, tensor in tensors.items()}
    with replacing(path, writer) as making:
        save_file(plain, making, with_hash(metadata, plain))


def _finish(path: Path) -> None:
    """Let those read it whom the umask lets, as safetensors does not, and make it survive a power cut."""
    for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
        if file.is_file():
            file.chmod(0o666 & ~_UMASK)
            with file.open("rb+") as opened:
                os.fsync(opened.fileno())
        else:
            _sync_folder(file)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
