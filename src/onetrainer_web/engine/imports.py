"""The import of torch and of what stands on it: three thousand modules, the longest part of every start."""

import gc
import os
from collections.abc import Generator
from contextlib import contextmanager

_NO_COMPILER = "TORCHDYNAMO_DISABLE"


@contextmanager
def quick_imports() -> Generator[None]:
    """Import what stands inside without two things that take a third of the time and bring nothing."""
    # Modules come to stay: to look for garbage among them again and again, and later in each round, finds none.
    gc.disable()
    try:
        _import_peft()
        yield
    finally:
        gc.freeze()
        gc.enable()


def _import_peft() -> None:
    """Peft imports bitsandbytes where it is installed, which loads torch's compiler for a few functions of its own.

    They serve devices for which it has no kernels. Told that there is no compiler, it leaves them as they are.
    """
    before = os.environ.get(_NO_COMPILER)
    os.environ[_NO_COMPILER] = "1"
    try:
        import peft  # noqa: F401 - the import is all
    finally:
        if before is None:
            del os.environ[_NO_COMPILER]
        else:
            os.environ[_NO_COMPILER] = before
