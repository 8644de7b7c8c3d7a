"""Where a run reads and writes: the one place that turns the paths of a configuration into paths of this machine."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.events import Progress
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.workspace import Workspace

_DEFAULTS = TrainConfig()
PROMPT_CHARACTERS = 32


@dataclass(frozen=True)
class RunPaths:
    """Folders of one run; all absolute."""

    workspace: Workspace
    outputs: Path
    """Holds the folders that follow."""
    samples: Path
    saves: Path
    backups: Path
    tensorboard: Path
    config_copies: Path
    cache: Path
    prefix: str
    run_id: str
    destination: str | None
    """`output_model_destination` when it was set."""

    def result(self, model_format: ModelFormat) -> Path:
        """Where the final model goes: a file into a folder that is there, or with the ending that it needs."""
        suffix = "" if is_folder_format(model_format) else ".safetensors"
        if self.destination is None:
            return self.saves / f"{self.run_id}{suffix}"
        path = self.workspace.resolve(self.destination)
        if suffix and path.is_dir():
            return path / f"{self.prefix}{timestamp()}{suffix}"
        return path if path.suffix.lower() == suffix or not suffix else path.with_name(f"{path.name}{suffix}")

    def periodic_save(self, model_format: ModelFormat, progress: Progress) -> Path:
        """Where a save in the middle of the run goes."""
        suffix = "" if is_folder_format(model_format) else ".safetensors"
        return _free(self.saves / f"{self.prefix}{timestamp()}-save-{position(progress)}", suffix)

    def best(self, model_format: ModelFormat) -> Path:
        """Where the model with the lowest validation loss goes, replacing the one before."""
        suffix = "" if is_folder_format(model_format) else ".safetensors"
        return self.saves / f"{self.prefix}best{suffix}"

    def backup(self, progress: Progress) -> Path:
        """Where a backup goes."""
        return _free(self.backups / f"{timestamp()}-backup-{position(progress)}")

    def sample(self, folder: str, progress: Progress, suffix: str) -> Path:
        """Where a sample picture goes."""
        stem = f"{self.prefix}{timestamp()}-training-sample-{position(progress)}"
        return _free(self.samples / folder / stem, suffix)

    def owns_backups(self) -> bool:
        """Whether no other run puts its backups where this one does."""
        return self.backups == self.workspace.run_folder(self.run_id).backups


def run_paths(folder: RunFolder, config: TrainConfig) -> RunPaths:
    """The folders of the run `folder` under `config`.

    A `workspace_dir` left at its default means the run's own folder, a `cache_dir` left at its default the cache that
    all runs of the workspace share, an `output_model_destination` left at its default a file of the run's own.
    """
    workspace = Workspace(folder.workspace)
    if config.workspace_dir in ("", _DEFAULTS.workspace_dir):
        outputs = folder
    else:
        outputs = RunFolder(workspace.resolve(config.workspace_dir))
    is_shared_cache = config.cache_dir in ("", _DEFAULTS.cache_dir)
    is_own_result = config.output_model_destination in ("", _DEFAULTS.output_model_destination)
    return RunPaths(
        workspace=workspace,
        outputs=outputs.path,
        samples=outputs.samples,
        saves=outputs.saves,
        backups=outputs.backups,
        tensorboard=outputs.tensorboard,
        config_copies=outputs.config_copies,
        cache=workspace.cache if is_shared_cache else workspace.resolve(config.cache_dir),
        prefix=config.save_filename_prefix,
        run_id=folder.run_id,
        destination=None if is_own_result else config.output_model_destination,
    )


def is_folder_format(model_format: ModelFormat) -> bool:
    """Whether a format is a folder of files, not one file."""
    return model_format is ModelFormat.DIFFUSERS


def timestamp() -> str:
    """Local time in the form that OneTrainer puts into file names."""
    return datetime.now().strftime("%Y-%m-%d_%H-%M-%S")


def position(progress: Progress) -> str:
    """Where a training stands, in the form that OneTrainer puts into file names."""
    return f"{progress.global_step}-{progress.epoch}-{progress.epoch_step}"


def _free(path: Path, suffix: str = "") -> Path:
    """A name with a number behind it when it is taken: the local time of an hour comes back in autumn."""
    free, number = path.with_name(f"{path.name}{suffix}"), 1
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}-{number}{suffix}")
    return free


def safe_prompt(prompt: str) -> str:
    """The beginning of a prompt with only those characters that every file system takes."""
    kept = "".join(character for character in prompt if character.isalnum() or character in " ._-#")
    return kept.strip()[:PROMPT_CHARACTERS].strip(" .")
