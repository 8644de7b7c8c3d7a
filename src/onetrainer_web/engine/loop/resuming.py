"""Which backup a start goes on from."""

from pathlib import Path

from onetrainer_web.engine.runtime.errors import BackupError, NothingToTrainError
from onetrainer_web.engine.runtime.run import Run
from onetrainer_web.protocol.backups import Backups, read_backup, read_backups
from onetrainer_web.protocol.commands import Resume


def choose_backup(run: Run, resume: Resume | None) -> Path | None:
    """The backup to go on from; None starts at the beginning.

    Args:
        run: What was asked for; `continue_last_backup` looks for a backup on a first start too.
        resume: The asking to go on, None on a first start.

    Raises:
        BackupDamagedError: The backup that was asked for by name is not there or not whole.
        BackupError: There are backups, but none of them is whole.
        NothingToTrainError: A new run would go on from a backup behind its last epoch.
    """
    config, paths, reporter = run.config, run.paths, run.reporter
    if resume and resume.backup:
        return read_backup(paths.backups / Path(resume.backup).name).path
    if not resume and not config.continue_last_backup:
        return None
    found = read_backups(paths.backups)
    for damaged in found.damaged:
        reporter.warn(damaged.passed_over)
    if resume and not paths.owns_backups():
        own = _of_run(found, run.folder.run_id)
        # One that began with another's backup and has none of its own yet begins with it again.
        found = own if own.whole or not config.continue_last_backup else found
    if not found.whole:
        if found.damaged:
            raise BackupError(f"No backup in {paths.backups} is whole. Delete them to start at the beginning.")
        reporter.warn("There is no backup to go on from; the training starts at the beginning.")
        return None
    last = found.whole[-1]
    if not resume and last.progress.epoch >= config.epochs:
        raise NothingToTrainError(
            f"Nothing is left to train: the backup {last.path.name} lies behind epoch {last.progress.epoch}, and "
            f"epochs is {config.epochs}. Raise epochs, or switch continue_last_backup off."
        )
    return last.path


def _of_run(found: Backups, run_id: str) -> Backups:
    """Those of a run in a folder that several share; backups of before runs were noted may be anybody's."""
    own = found.only(lambda backup: backup.identity.run == run_id)
    return own if own.whole else found.only(lambda backup: backup.identity.run is None)
