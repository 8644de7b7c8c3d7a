"""A quiet, offline-friendly process: to be set up before torch and the Hugging Face libraries are imported."""

import gc
import importlib.metadata
import logging
import os
import platform
import sys
import warnings
from collections.abc import Generator
from contextlib import contextmanager

from onetrainer_web.config.enums import AttentionMechanism
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import InvalidConfigError

CACHE_LIMIT_VARIABLE = "ONETRAINER_WEB_CACHE_LIMIT_GIB"
PICKLE_VARIABLE = "ONETRAINER_WEB_ALLOW_PICKLE"
"""How large a folder of encoded pictures and prompts may get; it belongs to the machine, not to a configuration."""
LIBRARIES = ("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors")


def set_up_environment(config: TrainConfig, cache_dir: str | None) -> None:
    """Set what the libraries read from the environment, without overruling what the user has set.

    Args:
        config: The run's configuration.
        cache_dir: Where the Hugging Face hub keeps its downloads; None leaves its own place.
    """
    quiet = {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "DO_NOT_TRACK": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "DIFFUSERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        "TQDM_DISABLE": "1",
    }
    for name, value in quiet.items():
        os.environ.setdefault(name, value)
    if not _compiles(config):  # libraries that compile functions of their own load a compiler for them otherwise
        os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
    if config.offline_mode:
        os.environ["HF_HUB_OFFLINE"] = "1"
    if cache_dir:
        os.environ["HF_HUB_CACHE"] = cache_dir


def _compiles(config: TrainConfig) -> bool:
    is_flex = config.attention_mechanism is AttentionMechanism.FLEX  # torch compiles its kernel for each network
    return config.compile or config.optimizer.compile or is_flex


@contextmanager
def importing() -> Generator[None]:
    """Import torch and what stands on it: modules come to stay, so nobody is to look for garbage among them."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def cache_limit_bytes() -> int | None:
    """How large the cache may get, None without a limit.

    Raises:
        InvalidConfigError: The variable holds no number.
    """
    text = os.environ.get(CACHE_LIMIT_VARIABLE)
    if not text:
        return None
    try:
        return int(float(text) * 2**30)
    except (ValueError, OverflowError) as error:
        raise InvalidConfigError(f"{CACHE_LIMIT_VARIABLE} must be a number of GiB, not {text!r}.") from error


def set_up_log(rank: int = 0) -> None:
    """One line a happening on stdout; of the libraries, and of ranks behind the first one, only errors."""
    name = f"[{rank + 1}] " if rank else ""
    line = f"%(asctime)s  {name}%(message)s"
    logging.basicConfig(stream=sys.stdout, level=logging.ERROR, format=line, datefmt="%H:%M:%S")
    logging.getLogger("onetrainer_web").setLevel(logging.ERROR if rank else logging.INFO)
    warnings.simplefilter("ignore")


def read_versions() -> dict[str, str]:
    """Versions of the program, of Python and of the libraries, read without importing them."""
    versions = {"python": platform.python_version(), "onetrainer-web": importlib.metadata.version("onetrainer-web")}
    for library in LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def allows_pickle() -> bool:
    """Whether model files may be pickles, of which torch then takes tensors and plain values only."""
    return os.environ.get(PICKLE_VARIABLE, "").lower() in ("1", "true", "yes")
