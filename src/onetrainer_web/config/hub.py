"""Models on Hugging Face: which names mean one, and whether it has been downloaded to this machine."""

import os
import re
from pathlib import Path

_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_MODEL_SUFFIXES = (".safetensors", ".ckpt", ".gguf")


def is_hub_id(name: str) -> bool:
    """Whether a name has the form of a repository on Hugging Face, owner/name, and is no model file."""
    return _ID.fullmatch(name) is not None and not name.lower().endswith(_MODEL_SUFFIXES)


def is_downloaded(hub_id: str, cache: Path | None = None) -> bool:
    """Whether something of a repository lies in the cache of the Hugging Face libraries.

    Args:
        hub_id: The repository.
        cache: The cache; None means where the libraries keep it on this machine.
    """
    snapshots = (cache or _usual_cache()) / f"models--{hub_id.replace('/', '--')}" / "snapshots"
    return os.path.isdir(snapshots) and any(snapshots.iterdir())


def _usual_cache() -> Path:
    """By the variables that huggingface_hub documents."""
    read = os.environ.get
    home = read("HF_HOME") or os.path.join(read("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    cache = read("HF_HUB_CACHE") or read("HUGGINGFACE_HUB_CACHE") or os.path.join(home, "hub")
    return Path(os.path.expandvars(os.path.expanduser(cache)))
