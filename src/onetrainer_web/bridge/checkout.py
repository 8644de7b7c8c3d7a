"""The seam: what is needed of OneTrainer, imported from its checkout and looked at before anything relies on it."""

import importlib
import inspect
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

CALLBACKS = (
    "on_update_train_progress",
    "on_update_status",
    "on_sample_default",
    "on_update_sample_default_progress",
    "on_sample_custom",
    "on_update_sample_custom_progress",
)
COMMANDS = ("stop", "sample_default", "sample_custom", "backup", "save")
LIBRARIES = ("torch", "diffusers", "transformers", "mgds")


class SeamError(Exception):
    """The checkout lacks something that this program needs."""


@dataclass(frozen=True)
class Seam:
    """What is used of OneTrainer."""

    create_trainer: Any
    callbacks: Any
    commands: Any
    config: Any
    sample_config: Any


def find_seam(checkout: Path) -> Seam:
    """Import what is needed from the checkout, whose folder must be the working folder.

    Raises:
        SeamError: Something is missing; says what.
    """
    sys.path.insert(0, str(checkout))
    seam = Seam(
        create_trainer=_find(checkout, "modules.util.create", "create_trainer"),
        callbacks=_find(checkout, "modules.util.callbacks.TrainCallbacks", "TrainCallbacks"),
        commands=_find(checkout, "modules.util.commands.TrainCommands", "TrainCommands"),
        config=_find(checkout, "modules.util.config.TrainConfig", "TrainConfig"),
        sample_config=_find(checkout, "modules.util.config.SampleConfig", "SampleConfig"),
    )
    known = inspect.signature(seam.callbacks).parameters
    _require("TrainCallbacks", [name for name in CALLBACKS if name not in known])
    _require("TrainCommands", _lacking(seam.commands, COMMANDS))
    _require("TrainConfig", _lacking(seam.config, ("default_values", "from_dict", "get_last_backup_path")))
    _require("SampleConfig", _lacking(seam.sample_config, ("default_values", "from_dict")))
    return seam


def check_trainer(trainer: Any) -> None:
    """Make sure that a trainer can be driven.

    Raises:
        SeamError: It cannot; says what is missing.
    """
    _require(type(trainer).__name__, _lacking(trainer, ("start", "train", "end")))


def read_versions(checkout: Path) -> dict[str, str]:
    """The commit of the checkout, and the versions of Python and of the libraries, without importing them."""
    git = ["git", "-C", str(checkout), "rev-parse", "--short=12", "HEAD"]
    try:
        (checkout / ".git").stat()  # or git would speak of a repository around it
        commit = subprocess.run(git, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        commit = "unknown"
    libraries = {library: _version(library) for library in LIBRARIES}
    known = {library: version for library, version in libraries.items() if version}
    return {"onetrainer": commit, "python": sys.version.split()[0], **known}


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""


def _find(checkout: Path, module: str, name: str) -> Any:
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise SeamError(
                f"OneTrainer's Python ({sys.executable}) lacks the package {error.name}. "
                "Run OneTrainer's own installer or updater."
            ) from error
        raise SeamError(f"This checkout ({checkout}) has no {module}.") from error
    if not hasattr(found, name):
        raise SeamError(f"This checkout's {module} has no {name}.")
    return getattr(found, name)


def _lacking(thing: Any, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if not hasattr(thing, name)]


def _require(owner: str, missing: list[str]) -> None:
    if missing:
        raise SeamError(
            f"This checkout's {owner} has no {', '.join(missing)}. "
            "Update OneTrainer, or this program if OneTrainer is the newer one."
        )
