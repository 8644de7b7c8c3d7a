"""What a model name of a configuration points at: the embedded model, a file or folder here, or a hub repository."""

from collections.abc import Callable
from pathlib import Path

from onetrainer_web.config.hub import is_hub_id
from onetrainer_web.config.training import EMBEDDED_MODEL_NAME
from onetrainer_web.engine.runtime.errors import ModelNotFoundError
from onetrainer_web.tiny.paths import tiny_model_folder


def locate(name: str, resolve: Callable[[str], Path]) -> Path | str:
    """The file or folder that `name` means, or the hub id that it is.

    Raises:
        ModelNotFoundError: It is none of these.
    """
    if name == EMBEDDED_MODEL_NAME:
        return tiny_model_folder()
    path = resolve(name)
    if path.exists():
        return path.parent if path.suffix == ".json" else path
    if is_hub_id(name):
        return name
    raise ModelNotFoundError(name, f"there is no file or folder {path}, and it is no repository of huggingface.co.")
