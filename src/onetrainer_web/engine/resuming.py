"""Which backup a start goes on from."""

from pathlib import Path

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.checkpoint import find_backups, read_position
from onetrainer_web.engine.errors import NothingToTrainError
from onetrainer_web.engine.paths import run_paths
from onetrainer_web.engine.reporter import Reporter
from onetrainer_web.protocol.commands import Resume
from onetrainer_web.protocol.run_folder import RunFolder


def choose_backup(folder: RunFolder, config: TrainConfig, resume: Resume | None, reporter: Reporter) -> Path | None:
    """The backup to go on from; None starts at the beginning.

    Args:
        folder: The run.
        config: Its configuration; `continue_last_backup` looks for a backup on a first start too.
        resume: The asking to go on, None on a first start.
        reporter: Told when there is nothing to go on from.

    Raises:
        BackupError: The backup that was asked for by name is not there or not whole.
        NothingToTrainError: A new run would go on from a backup behind its last epoch.
    """
    backups = run_paths(folder, config).backups
    if resume and resume.backup:
        named = backups / Path(resume.backup).name
        read_position(named)
        return named
    if not resume and not config.continue_last_backup:
        return None
    found = find_backups(backups)
    if not found:
        reporter.warn("There is no backup to go on from; the training starts at the beginning.")
        return None
    position, _ = read_position(found[-1])
    if not resume and position.epoch >= config.epochs:
        raise NothingToTrainError(
            f"Nothing is left to train: the backup {found[-1].name} lies behind epoch {position.epoch}, and epochs is "
            f"{config.epochs}. Raise epochs, or switch continue_last_backup off."
        )
    return found[-1]
