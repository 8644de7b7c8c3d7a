"""Models on Hugging Face: which names mean one, and whether it has been downloaded to this machine."""

import os
import re
from pathlib import Path

from onetrainer_web.files.confined import read_file

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_MODEL_SUFFIXES = (".safetensors", ".ckpt", ".gguf")


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a repository on Hugging Face, owner/name, and is no model file."""
    return _ID.fullmatch(name) is not None and not name.lower().endswith(_MODEL_SUFFIXES)


def downloaded(hub_id: str, cache: Path | None = None) -> Path | None:
    """The folder of what the Hugging Face libraries have of a repository, its newest state; None where that is nothing.

    Args:
        hub_id: The repository; anything else has none.
        cache: The cache; None means where the libraries keep it on this machine.
    """
    if not is_hub_id(hub_id):
        return None
    repository = (cache or _usual_cache()) / f"models--{hub_id.replace('/', '--')}"
    try:
        states = sorted((repository / "snapshots").iterdir(), key=lambda state: state.stat().st_mtime)
        newest = _newest(repository / "refs" / "main")
    except (OSError, ValueError):
        return None
    return next((state for state in states if state.name == newest), states[-1] if states else None)


def _newest(told: Path) -> str:
    """The state that was downloaded last, where the libraries wrote that down."""
    return read_file(told).decode().strip() if told.is_file() else ""


def _usual_cache() -> Path:
    """By the variables that huggingface_hub documents."""
    read = os.environ.get
    home = read("HF_HOME") or os.path.join(read("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    cache = read("HF_HUB_CACHE") or read("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    return Path(os.path.expandvars(os.path.expanduser(cache)))
