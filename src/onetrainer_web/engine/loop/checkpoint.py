"""Backups: the complete state of a training, written whole or not at all, in OneTrainer's folder layout.

<timestamp>-backup-<global_step>-<epoch>-<epoch_step>/
  meta.json                       position; what OneTrainer knows a backup by
  lora/lora.safetensors           the trained weights, or a whole model in diffusers format
  embeddings/<uuid>.safetensors   the vectors of embeddings
  optimizer/optimizer.pt          state of the optimizer
  optimizer/gradients.safetensors gradients of an unfinished accumulation
  ema/ema.safetensors             averaged weights
  onetrainer_config/              the configuration
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.trained import Trained
from onetrainer_web.engine.runtime.errors import BackupError
from onetrainer_web.engine.seams.interfaces import ParameterGroup
from onetrainer_web.engine.weights.embeddings import write_to_backup
from onetrainer_web.engine.weights.files import WRITE_FAILURES, remove_whole, replacing
from onetrainer_web.files.json_files import write_json_atomically
from onetrainer_web.files.shortages import reason_of
from onetrainer_web.protocol.backups import META, STATE, Backup, read_backup, read_backups, sizes_in
from onetrainer_web.protocol.events import Progress

log = logging.getLogger("onetrainer_web.engine")


def write_backup(folder: Path, trained: Trained, progress: Progress, state: Mapping[str, Any]) -> None:
    """Write a backup; `folder` appears only when all of it is on the disk.

    Args:
        folder: Where it goes.
        trained: What is kept.
        progress: Where the training stands.
        state: Plain numbers of the loop, as JSON.

    Raises:
        BackupError: Disk or memory do not allow it; nothing is left behind then.
    """
    try:
        _write(folder, trained, progress, state)
    except WRITE_FAILURES as error:
        reason = reason_of(error, folder.parent)
        raise BackupError(f"No backup could be written to {folder.parent}: {reason}.") from error


def restore(folder: Path, trained: Trained, *, takes_up_gradients: bool = True) -> None:
    """Take up the state of a backup; the weights were loaded by the method.

    Args:
        folder: The backup.
        trained: What goes on from it.
        takes_up_gradients: Whether the sum of an unfinished accumulation, too; one of several ranks does.

    Raises:
        BackupError: The backup belongs to another optimizer or other parameters.
    """
    device = next(iter(trained.groups[0].parameters.values())).device
    state = torch.load(folder / "optimizer" / "optimizer.pt", map_location=device, weights_only=True)
    names = state.pop("param_group_mapping")
    kinds = state.pop("param_group_optimizer_mapping")
    sizes = [
        [len(group["params"]) for group in held["param_groups"]] for held in (state, trained.optimizer.state_dict())
    ]
    is_same = names == [group.name for group in trained.groups] and set(kinds) == {_kind(trained)}
    if not is_same or sizes[0] != sizes[1]:
        raise BackupError(f"{folder} was written with other trained parts or another optimizer; start a new run.")
    trained.updates.load(state)
    gradients = folder / "optimizer" / "gradients.safetensors"
    if takes_up_gradients and gradients.is_file():
        weights = _named(trained.groups)
        for name, gradient in load_file(gradients, device=str(device)).items():
            trained.updates.take_up(weights[name], gradient)
    if trained.ema:
        trained.ema.load(load_file(folder / "ema" / "ema.safetensors"))


def read_position(folder: Path) -> tuple[Progress, dict[str, Any]]:
    """Position and plain numbers of a backup.

    Raises:
        BackupDamagedError: It is not there or not whole.
    """
    backup = read_backup(folder)
    return backup.progress, backup.state


def prune_backups(folder: Path, num_kept: int, is_own: Callable[[Backup], bool] = lambda _: True) -> list[str]:
    """Delete all but the last backups; to be called after a backup was written, never before.

    Args:
        folder: Where they lie.
        num_kept: How many stay: the newest always does.
        is_own: Tells those that may be deleted; several runs may share the folder.

    Returns:
        What was passed over or could not be deleted, as sentences.
    """
    backups = read_backups(folder).only(is_own)
    newest = max(backups.whole, key=lambda backup: backup.identity.number, default=None)
    told = [damaged.passed_over for damaged in backups.damaged]
    for backup in backups.whole[:-num_kept]:
        if backup is newest:
            continue
        try:
            remove_whole(backup.path)
            log.info("Deleted the old backup %s", backup.path.name)
        except OSError as error:
            told.append(f"The old backup {backup.path.name} cannot be deleted: {error.strerror or error}.")
    return told


def _write(folder: Path, trained: Trained, progress: Progress, state: Mapping[str, Any]) -> None:
    with replacing(folder, state.get("run", "")) as making:
        making.mkdir()
        trained.method.write_weights(making)
        write_to_backup(making, trained.model.embeddings.all)
        _write_optimizer(making / "optimizer", trained)
        if trained.ema:
            (making / "ema").mkdir()
            averages = {name: average.cpu().contiguous() for name, average in trained.ema.averages.items()}
            save_file(averages, making / "ema" / "ema.safetensors")
        _write_config(making / "onetrainer_config", trained.config)
        own = {**state, "number": read_backups(folder.parent).next_number(), "files": sizes_in(making)}
        meta = {"train_progress": progress.model_dump(), STATE: own}
        write_json_atomically(making / META, meta)


def _save(state: object, path: Path) -> None:
    with path.open("wb") as file:  # given a path, torch does not tell a full disk from anything else
        torch.save(state, file)


def _write_optimizer(folder: Path, trained: Trained) -> None:
    folder.mkdir()
    mapping = {
        "param_group_mapping": [group.name for group in trained.groups],
        "param_group_optimizer_mapping": [_kind(trained)] * len(trained.groups),
    }
    _save(trained.optimizer.state_dict() | mapping, folder / "optimizer.pt")
    gradients: dict[str, Tensor] = {
        name: gradient.cpu().contiguous()
        for name, parameter in _named(trained.groups).items()
        if (gradient := trained.updates.gradient(parameter)) is not None
    }
    if gradients:
        save_file(gradients, folder / "gradients.safetensors")


def _write_config(folder: Path, config: TrainConfig) -> None:
    packed = config_to_dict(config, "packed")
    write_json_atomically(folder / "args.json", config_to_dict(config, "settings"))
    for name in ("concepts", "samples"):
        if packed[name] is not None:
            write_json_atomically(folder / f"{name}.json", packed[name])


def _kind(trained: Trained) -> str:
    return trained.config.optimizer.optimizer.value


def _named(groups: Sequence[ParameterGroup]) -> dict[str, torch.nn.Parameter]:
    return {name: parameter for group in groups for name, parameter in group.parameters.items()}
