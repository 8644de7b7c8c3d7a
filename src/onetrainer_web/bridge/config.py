"""OneTrainer's configuration for a run: the one that was asked for, at home in the run folder."""

import contextlib
import io
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from onetrainer_web.bridge.checkout import Seam

INPUTS = (
    "base_model_name",
    "lora_model_name",
    "embedding.model_name",
    "vae.model_name",
    "prior.model_name",
    "transformer.model_name",
    "effnet_encoder.model_name",
    "decoder.model_name",
    "text_encoder_4.model_name",
)
"""Settings that name a file, a folder, or something on a hub."""
LIST_INPUTS = {
    "concepts": ("path", "text.prompt_path"),
    "samples": ("base_image_path", "mask_image_path"),
    "additional_embeddings": ("model_name",),
}
EMBEDDED_MODEL_NAME = "tiny"
EMBEDDED_MODEL = Path(__file__).resolve().parents[1] / "tiny" / "model"
DEFAULT_DESTINATION = "models/model.safetensors"
DEFAULT_FOLDERS = {"workspace_dir": "workspace/run", "cache_dir": "workspace-cache/run", "debug_dir": "debug"}
OWN_FOLDERS = {"workspace_dir": ".", "cache_dir": "cache", "debug_dir": "debug"}
"""Where a folder that was left at its default lies in the run folder."""


def make_config(seam: Seam, asked: dict[str, Any], folder: Path, warn: Callable[[str], None]) -> Any:
    """A TrainConfig of OneTrainer's for the run `folder`; whatever it does not understand is told.

    Args:
        seam: OneTrainer.
        asked: The configuration in run.json: complete, concepts and samples inside.
        folder: The run.
        warn: Told one sentence at a time.
    """
    base = folder.parent.parent
    data = {**asked, "concepts": asked.get("concepts") or [], "samples": asked.get("samples") or []}
    resolve_inputs(data, base)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        config = seam.config.default_values()
        known = getattr(config, "types", data)
        config.from_dict(data)
    for line in said.getvalue().splitlines():
        warn(f"OneTrainer says: {line}")
    # What is switched off is not missed.
    if unknown := sorted(name for name in data.keys() - known.keys() - {"__version"} if data[name]):
        warn(f"This checkout of OneTrainer does not know, and ignores: {', '.join(unknown)}.")
    for name, own in OWN_FOLDERS.items():
        given = getattr(config, name)
        is_own = given in ("", DEFAULT_FOLDERS[name])
        setattr(config, name, str((folder / own if is_own else base / os.path.expanduser(given)).resolve()))
    config.output_model_destination = _destination(config, folder, base)
    config.tensorboard = False  # the server shows the event files itself
    if config.cloud.enabled:
        warn("Training in the cloud is not started from here; the run trains on this machine.")
        config.cloud.enabled = False
    return config


def go_on_from(config: Any, backup: Path) -> None:
    """Resume from this backup; OneTrainer takes the last by name, which may be one that a kill left half written."""
    config.continue_last_backup = True
    config.get_last_backup_path = partial(str, backup)


def resolve_inputs(data: dict[str, Any], base: Path) -> None:
    """Make what lies in the workspace findable from OneTrainer's own folder; what does not stays as it is."""
    if data.get("base_model_name") == EMBEDDED_MODEL_NAME:
        data["base_model_name"] = str(EMBEDDED_MODEL)
    for dotted in INPUTS:
        _resolve(data, dotted, base)
    for key, dotted_names in LIST_INPUTS.items():
        data[key] = [dict(item) for item in data.get(key) or []]
        for item in data[key]:
            for dotted in dotted_names:
                _resolve(item, dotted, base)


def _resolve(owner: dict[str, Any], dotted: str, base: Path) -> None:
    *parents, name = dotted.split(".")
    for parent in parents:
        if not isinstance(owner.get(parent), dict):
            return
        owner[parent] = owner = dict(owner[parent])
    value = owner.get(name)
    if isinstance(value, str) and value and (path := base / os.path.expanduser(value)).exists():
        # Links stay: in the hub's cache a model's file is a link to one whose name does not tell what it is.
        owner[name] = os.path.abspath(path)


def _destination(config: Any, folder: Path, base: Path) -> str:
    """Where the final model goes; into a folder it goes under a name of its own, so that it can be told afterwards."""
    suffix = config.output_model_format.file_extension()
    given = config.output_model_destination
    if given in ("", DEFAULT_DESTINATION):
        return str(folder / "save" / f"{folder.name}{suffix}")
    path = (base / os.path.expanduser(given)).resolve()
    return str(path / f"{config.save_filename_prefix}{folder.name}{suffix}" if suffix and path.is_dir() else path)
