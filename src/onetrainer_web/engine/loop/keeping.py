"""What a training writes to stay: backups to go on from, and the model in files that others use."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from onetrainer_web.config.recurring import Doing
from onetrainer_web.engine.loop import checkpoint
from onetrainer_web.engine.loop.preparation import Prepared
from onetrainer_web.engine.optimization.optimizers import drawing_weights
from onetrainer_web.engine.runtime.errors import BackupError, OutputNotWrittenError
from onetrainer_web.engine.seams.interfaces import SaveTarget
from onetrainer_web.engine.seams.precision import output_dtype
from onetrainer_web.engine.weights.files import WRITE_FAILURES
from onetrainer_web.engine.weights.metadata import Result, build_metadata
from onetrainer_web.files.shortages import reason_of
from onetrainer_web.protocol.backups import Backup
from onetrainer_web.protocol.events import BackedUp, Progress, Saved

log = logging.getLogger("onetrainer_web.engine")


class Keeper:
    """Keeps what one training has come to."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._run = prepared.run
        self._trained = prepared.trained
        self._title = prepared.run.folder.read_record().name
        self._backed_up_at = prepared.backed_up_at

    def back_up(self, progress: Progress) -> None:
        """Write a backup; a failure does not end the run, because the training itself is unharmed."""
        self._run.ranks.of_first("backup", lambda: self._back_up(progress))

    def _back_up(self, progress: Progress) -> None:
        run = self._run
        run.reporter.activity(Doing.BACKING_UP)
        folder = run.paths.backup(progress)
        try:
            checkpoint.write_backup(folder, self._trained, progress, self._numbers())
        except BackupError as error:
            run.reporter.warn(str(error))
        else:
            self._backed_up_at = progress.global_step
            run.reporter.write(BackedUp(path=run.folder.inside(folder), progress=progress))
            run.reporter.flush()
            log.info("Backed up to %s", folder.name)
            if run.config.rolling_backup:
                self._prune_backups()
        run.reporter.activity(Doing.TRAINING)

    def save_on_the_way(self, progress: Progress, *, is_best: bool = False) -> None:
        """Write the model in the middle of the run; a failure does not end it.

        Args:
            progress: Where the training stands.
            is_best: Whether it takes the place of the best one so far, instead of a place of its own.
        """
        self._run.ranks.of_first("save", lambda: self._save_on_the_way(progress, is_best=is_best))

    def _save_on_the_way(self, progress: Progress, *, is_best: bool) -> None:
        paths, output_format = self._run.paths, self._prepared.output_format
        try:
            self._save(paths.best(output_format) if is_best else paths.periodic_save(output_format, progress), progress)
        except OutputNotWrittenError as error:
            self._run.reporter.warn(str(error))
        self._run.reporter.activity(Doing.TRAINING)

    def save_result(self, progress: Progress) -> None:
        """Write the result; where that fails, a backup keeps what was trained.

        Raises:
            OutputNotWrittenError: It failed.
        """
        self._run.ranks.of_first("result", lambda: self._save_result(progress))

    def _save_result(self, progress: Progress) -> None:
        try:
            self._save(self._run.paths.result(self._prepared.output_format), progress, is_final=True)
        except OutputNotWrittenError as error:
            if self._backed_up_at != progress.global_step:
                self._back_up(progress)
            is_kept = self._backed_up_at == progress.global_step
            raise OutputNotWrittenError(error.path, error.reason, is_kept=is_kept) from error

    def _numbers(self) -> dict[str, Any]:
        """What a backup remembers besides weights and states of the optimizer."""
        prepared = self._prepared
        return {
            "run": self._run.folder.run_id,
            "data": prepared.data.describe(),
            **prepared.calendar.state(),
            "step": prepared.step.state(),
            "best": asdict(prepared.best),
        }

    def _prune_backups(self) -> None:
        run = self._run

        def is_own(backup: Backup) -> bool:
            return run.paths.owns_backups() or backup.identity.run == run.folder.run_id

        for told in checkpoint.prune_backups(run.paths.backups, run.config.rolling_backup_count, is_own):
            run.reporter.warn_once(told)

    def _save(self, path: Path, progress: Progress, *, is_final: bool = False) -> None:
        run, trained, output_format = self._run, self._trained, self._prepared.output_format
        run.reporter.activity(Doing.SAVING)
        metadata = build_metadata(run.config, self._describe(path, progress))
        target = SaveTarget(path, output_format, output_dtype(run.config.output_dtype), metadata, run.folder.run_id)
        try:
            path.parent.mkdir(exist_ok=True)  # what is written beside the model has a folder of its own in it
            with drawing_weights(trained.optimizer), trained.average():
                notice = trained.method.save(target)
        except WRITE_FAILURES as error:
            raise OutputNotWrittenError(path, reason_of(error, path.parent)) from error
        if notice:
            run.reporter.warn(notice)
        run.reporter.write(Saved(path=run.folder.inside(path), progress=progress, final=is_final))
        log.info("Saved %s", path)

    def _describe(self, path: Path, progress: Progress) -> Result:
        data, model = self._prepared.data, self._trained.model
        return Result(
            title=self._title or path.stem,
            file_name=path.stem,
            architecture=self._trained.method.architecture,
            prediction=model.objective.prediction,
            progress=progress,
            num_pictures=data.num_pictures,
            captions=data.captions(),
            placeholders=[word.settings.placeholder for word in model.embeddings.all],
        )
