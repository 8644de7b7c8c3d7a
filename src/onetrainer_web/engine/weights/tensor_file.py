"""Reading the tensors of one file: safetensors, or a pickle where the server's owner allows it."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from onetrainer_web.engine.runtime.environment import allows_pickle
from onetrainer_web.engine.runtime.errors import PickleRefusedError, WrongWeightsError

_PICKLES = (".ckpt", ".pt", ".pth", ".bin")


def read_tensors(path: Path, expected: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a file.

    Args:
        path: The file.
        expected: What it should hold, for messages.

    Raises:
        WrongWeightsError: It is no such file.
        PickleRefusedError: It is a pickle, which is not allowed.
    """
    if path.suffix in _PICKLES:
        if not allows_pickle():
            raise PickleRefusedError(path)
        return _read_pickle(path, expected), {}
    if path.suffix != ".safetensors":
        raise WrongWeightsError(path, f"a {path.suffix or 'nameless'} file", expected)
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            return tensors, file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise WrongWeightsError(path, f"no readable safetensors ({error})", expected) from error


def _read_pickle(path: Path, expected: str) -> dict[str, Tensor]:
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a file of somebody else's makes of torch's reader
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise WrongWeightsError(path, f"no readable weights ({first_line})", expected) from error
    found = found.get("state_dict", found) if isinstance(found, dict) else {}
    return {name: tensor for name, tensor in found.items() if isinstance(tensor, Tensor)}
