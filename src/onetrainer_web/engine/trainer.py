"""The training of a run, from loading the model to its last save. Reads from top to bottom like what happens."""

import logging
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from onetrainer_web.config.enums import ConceptType, EMAMode
from onetrainer_web.config.files import write_config_file
from onetrainer_web.config.recurring import BACKING_UP, SAVING, TRAINING
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine import checkpoint, onetrainer_backup
from onetrainer_web.engine.checkpoint import Trained
from onetrainer_web.engine.control import Control
from onetrainer_web.engine.data import TrainingSet
from onetrainer_web.engine.ema import Ema
from onetrainer_web.engine.encoders import FamilyEncoders
from onetrainer_web.engine.errors import BackupError, NothingToTrainError, OutputExistsError, OutputNotWrittenError
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.interfaces import SaveTarget
from onetrainer_web.engine.intervals import Interval, Stopwatch, recurring_work
from onetrainer_web.engine.loading import load_model
from onetrainer_web.engine.methods import method_of
from onetrainer_web.engine.optimizers import create_optimizer, drawing_weights
from onetrainer_web.engine.paths import run_paths, timestamp
from onetrainer_web.engine.precision import output_dtype
from onetrainer_web.engine.remaining import behind_short_epoch, change_since, last_step, plan_remaining
from onetrainer_web.engine.reporter import Reporter
from onetrainer_web.engine.sampling import NO_EMA, Sampler, SampleTools, Sheet
from onetrainer_web.engine.schedules import create_scheduler, try_schedule
from onetrainer_web.engine.step import TrainStep
from onetrainer_web.engine.unsupported import check_settings
from onetrainer_web.engine.validation import Best, Validation
from onetrainer_web.engine.weight_updates import WeightUpdates
from onetrainer_web.engine.weights.files import WRITE_FAILURES
from onetrainer_web.engine.weights.metadata import Result, build_metadata
from onetrainer_web.files.atomic import remove_unfinished
from onetrainer_web.files.shortages import reason_of
from onetrainer_web.pipeline.batches import Batch
from onetrainer_web.pipeline.watch import StopRequested, Watch
from onetrainer_web.protocol.backups import Backup
from onetrainer_web.protocol.commands import Sample
from onetrainer_web.protocol.events import (
    BackedUp,
    Completed,
    Estimated,
    Planned,
    Progress,
    Saved,
    Stopped,
)
from onetrainer_web.protocol.lock import is_held
from onetrainer_web.protocol.run_folder import RunFolder

log = logging.getLogger("onetrainer_web.engine")


class Trainer:
    """Trains one run. `model`, `method`, `groups` (what learns) and `data` are there once it is loaded."""

    def __init__(self, folder: RunFolder, config: TrainConfig, reporter: Reporter, control: Control) -> None:
        self._folder = folder
        self._title = folder.read_record().name
        self._config = config
        self._reporter = reporter
        self._control = control
        self._paths = run_paths(folder, config)
        self._family = family_of(config.model_type)
        self._method_class = method_of(config)
        self._progress = Progress()
        self._stopwatch = Stopwatch()
        self._validation: Validation | None = None
        self._best = Best()
        self._measured_at = -1
        """Step of the last measurement of this start."""
        self._backed_up_at = -1
        """Step of the backup that was written or gone on from last."""
        self._has_trained = False
        """Whether this start has changed the model, so that there is something to save."""

    def run(self, backup: Path | None) -> Completed | Stopped:
        """Train to the end, or until the run is told to stop.

        Args:
            backup: Where to go on from; None starts at the beginning.

        Returns:
            How it ended.

        Raises:
            OneTrainerWebError: It cannot go on; the message says why and what to do.
        """
        try:
            self.load(backup)
            for _ in self.steps():
                pass
        except StopRequested:
            return self._end_early()
        return self._end()

    def load(self, backup: Path | None) -> None:
        """Make everything ready for the first step; see `run`."""
        self._check(backup)
        self._load(backup)
        self._prepare(backup)

    def steps(self) -> Iterator[Progress]:
        """Train, giving the position behind each step; in front of each, what is due and what was asked for is done.

        Raises:
            StopRequested: The run was told to stop.
        """
        self._step.set_training(True)
        for epoch in range(self._progress.epoch, self._config.epochs):
            plan = self.data.start_epoch(epoch)
            if self._config.only_cache:
                continue
            self._reporter.activity(TRAINING)
            for batch in self.data.batches(plan, self._progress.epoch_step):
                self._obey()
                if self._is_over():
                    return
                if not self._step.freeze_finished_parts(self._progress, self._stopwatch.seconds):
                    self._reporter.warn("All parts have reached stop_training_after: the training ends here.")
                    return
                self._train_batch(batch)
                yield self._progress
            self._progress = self._progress.model_copy(update={"epoch": epoch + 1, "epoch_step": 0, "epoch_sample": 0})
            log.info("Epoch %d of %d: loss %.4f", epoch + 1, self._config.epochs, self._step.smooth_loss)
        self._control.raise_if_stopped()

    # Before the first step

    def _check(self, backup: Path | None) -> None:
        """Find out what cannot work before anything heavy is done, and remove what a killed start was writing."""
        self._paths.outputs.mkdir(parents=True, exist_ok=True)
        remove_unfinished(self._folder.path)
        for folder in (self._paths.backups, self._paths.saves, self._paths.samples):
            remove_unfinished(folder, self._has_ended)
        for warning in check_settings(self._config):
            self._reporter.warn(warning)
        self._method_class.check(self._config, self._family)
        self._format = self._method_class.output_format(self._config, self._family)
        result = self._paths.result(self._format)
        if self._config.prevent_overwrites and backup is None and result.exists():
            raise OutputExistsError(result)
        if self._paths.destination:
            result.parent.mkdir(parents=True, exist_ok=True)
        copy = self._paths.config_copies / f"{self._paths.prefix}{timestamp()}.json"
        write_config_file(copy, self._config)

    def _has_ended(self, writer: str) -> bool:
        """Whether a writer is this run, in an earlier start, or one of this workspace that nobody works on."""
        folder = self._paths.workspace.run_folder(writer)
        return writer == self._folder.run_id or (folder.record.is_file() and not is_held(folder.lock))

    def _load(self, backup: Path | None) -> None:
        loaded = load_model(self._config, self._paths.workspace.resolve, self._reporter, backup)
        self.model, self.method, self.groups = loaded.model, loaded.method, loaded.groups
        self._family = self.method.family
        if not self.groups:
            raise NothingToTrainError("Nothing is set to be trained; switch `train` on for a part or an embedding.")
        self._control.raise_if_stopped()

    def _prepare(self, backup: Path | None) -> None:
        encoders = FamilyEncoders(self._family, self.model, self._config, keeps_pixels=self._method_class.learns_pixels)
        watch = Watch(self._reporter.advance, self._control.is_stopping)
        self.data = TrainingSet(self._config, self._paths, encoders, self._reporter, watch)
        state = self._read_position(backup) if backup else {}
        steps = self.data.plan()
        self._estimate(last_step(self._progress, steps))
        # What their settings are refused for is said before pictures are encoded.
        self._make_trained()
        try_schedule(self._config, plan_remaining(self._config, self._progress, steps, state.get("step")).schedule)
        self.data.prepare(self._progress.epoch)
        validation_data = self._prepare_validation(encoders, watch)
        if backup and state:
            checkpoint.restore(backup, self._trained)
        elif backup:
            self._take_up(backup)
        self._make_steps(state)
        if validation_data:
            self._validation = Validation(self.method, validation_data)
        self._make_intervals()
        if state:
            self._restore(state)
        if self._config.tensorboard:
            self._reporter.open_tensorboard(self._paths.tensorboard / f"{self._paths.prefix}{timestamp()}")
        self._announce(backup)

    def _read_position(self, backup: Path) -> dict[str, Any]:
        """Go to where a backup was written; batches may be of another size since."""
        progress, state = checkpoint.read_position(backup)
        self._backed_up_at = progress.global_step
        self._progress = progress.model_copy(update={"epoch_step": progress.epoch_sample // self._config.batch_size})
        return state

    def _estimate(self, num_steps: int) -> None:
        """Say how long the run will be while its pictures are still to be encoded."""
        work = recurring_work(self._config, validates=self._config.validation)
        epochs, recurring = self._config.epochs, list(work.values())
        self._reporter.write(
            Estimated(max_step=num_steps, max_epoch=epochs, progress=self._progress, recurring=recurring)
        )

    def _prepare_validation(self, encoders: FamilyEncoders, watch: Watch) -> TrainingSet | None:
        """The pictures of the validation concepts, encoded, if the loss on them is to be measured."""
        if not self._config.validation:
            return None
        data = TrainingSet(self._config, self._paths, encoders, self._reporter, watch, [ConceptType.VALIDATION])
        if not data.has_concepts:
            self._reporter.warn("validation is on, but no enabled concept is of the type VALIDATION.")
            return None
        data.plan()
        data.prepare(0)
        return data

    def _make_trained(self) -> None:
        config = self._config
        optimizer = create_optimizer(config, self.groups)
        parameters = {name: item for group in self.groups for name, item in group.parameters.items()}
        precision = self.model.precision
        is_whole = config.gradient_accumulation_steps == 1 and not precision.needs_scaler(list(parameters.values()))
        device = precision.device
        ema_device = device if config.ema is EMAMode.GPU else torch.device("cpu")
        self._trained = Trained(
            method=self.method,
            groups=self.groups,
            optimizer=optimizer,
            updates=WeightUpdates(optimizer, config, can_fuse=is_whole),
            ema=None if config.ema is EMAMode.OFF else Ema(parameters, ema_device, config.ema_decay),
            config=config,
        )

    def _make_steps(self, state: dict[str, Any]) -> None:
        """Plan what is still to come, say so if it is not what the backup expected, and get ready for it."""
        config = self._config
        within = self._progress.epoch_step > 0
        now = self.data.describe()
        if change := change_since(state.get("data", now), now, is_within_epoch=within):
            self._reporter.warn(change)
        self._progress = behind_short_epoch(self._progress, self.data.steps)
        remaining = plan_remaining(config, self._progress, self.data.steps, state.get("step"))
        self._max_step = remaining.max_step
        optimizer = self._trained.optimizer
        scheduler = create_scheduler(optimizer, config, remaining.schedule, remaining.updates_done)
        self._step = TrainStep(self._family, self.model, self._trained, scheduler, self.data)
        tools = SampleTools(self._folder, config, self._paths, self._reporter, self._control)
        self._sampler = Sampler(self._family, self.model, tools)

    def _make_intervals(self) -> None:
        work = recurring_work(self._config, validates=self._validation is not None)
        self._intervals = {name: Interval(one, self._stopwatch) for name, one in work.items()}
        self._wanted: set[str] = set()

    def _announce(self, backup: Path | None) -> None:
        planned = Planned(
            max_step=self._max_step,
            max_epoch=self._config.epochs,
            buckets=self.data.bucket_counts(),
            resumed_from=self._folder.inside(backup) if backup else None,
            progress=self._progress,
            recurring=[interval.work for interval in self._intervals.values()],
        )
        self._reporter.write(planned)
        num_weights = sum(item.numel() for group in self.groups for item in group.parameters.values())
        device = self.model.precision.device
        log.info(
            "Training %d steps in %d epochs: %d weights on %s", planned.max_step, planned.max_epoch, num_weights, device
        )
        if backup:
            log.info("Going on from %s at step %d", backup.name, self._progress.global_step)

    # The loop

    def _train_batch(self, batch: Batch) -> None:
        before, metrics = self._progress, self._step.take(batch, self._progress)
        self._progress = Progress(
            epoch=before.epoch,
            epoch_step=before.epoch_step + 1,
            epoch_sample=before.epoch_sample + len(batch.names),
            global_step=before.global_step + 1,
        )
        self._tell(metrics)
        self._reporter.memory(self.model.precision.device)

    def _tell(self, metrics: dict[str, float]) -> None:
        """Report the position, and what an optimizer step has measured."""
        if metrics:
            self._has_trained = True
            self._control.is_disposable = False
        self._reporter.step(self._progress, metrics)

    def _obey(self) -> None:
        """In front of a step: what is due and what was asked for. Everything but a stop waits for whole gradients."""
        self._control.raise_if_stopped()
        self._wanted |= {name for name, interval in self._intervals.items() if interval.is_due(self._progress)}
        if self._step.is_accumulating:
            return
        self._draw_samples()
        self._validate()
        if self._control.take_backup() or "backup" in self._wanted:
            self._back_up()
        if self._control.take_save() or self._is_wanted("save"):
            self._save_on_the_way(self._paths.periodic_save(self._format, self._progress))
        self._wanted.clear()

    def _is_wanted(self, name: str) -> bool:
        return name in self._wanted and self._intervals[name].is_past_skip(self._progress)

    def _is_over(self) -> bool:
        """Whether the validation loss has stayed above its lowest for as long as the configuration allows."""
        patience, best = self._config.early_stopping_patience, self._best
        if self._validation is None or not patience or best.num_since < patience:
            return False
        self._reporter.warn(
            f"Stopped early: {best.num_since} measurements in a row were not below the validation loss "
            f"{best.loss:.4f} of step {best.global_step}."
            if best.loss is not None
            else f"Stopped early: none of {best.num_since} measurements of the validation loss gave a number."
        )
        return True

    # Samples, validation, backups, saves

    def _draw_samples(self) -> None:
        commands = self._control.take_samples()
        if self._is_wanted("sample"):
            self._draw(self._sampler.sheet_of(Sample()))
        for command in commands:
            self._draw(self._sampler.sheet_of(command))

    def _draw(self, sheet: Sheet) -> None:
        if not sheet.samples:
            return
        has_average = self._trained.ema is not None
        with self._at_rest():
            with self._average():
                self._sampler.draw(sheet, self._progress)
            if has_average and self._config.non_ema_sampling:
                self._sampler.draw(Sheet(sheet.kind, sheet.samples, NO_EMA), self._progress)

    def _validate(self) -> None:
        if "validate" not in self._wanted or self._validation is None:
            return
        watch = Watch(self._reporter.advance, self._control.is_stopping)
        with self._at_rest(), self._average():
            values = self._validation.measure(watch)
        self._reporter.measured(self._progress.global_step, values)
        log.info("Validation: %s", ", ".join(f"{name} {value:.4f}" for name, value in values.items()))
        self._measured_at = self._progress.global_step
        is_best = self._best.take(values, self._measured_at)
        if is_best and self._config.keep_best and self._measured_at:
            self._save_on_the_way(self._paths.best(self._format))

    @contextmanager
    def _at_rest(self) -> Generator[None]:
        """The model as it is used, not as it trains: without dropout, with the weights that the optimizer means."""
        self._step.set_training(False)
        try:
            with drawing_weights(self._trained.optimizer):
                yield
        finally:
            self._step.set_training(True)
        self._reporter.activity(TRAINING)

    def _average(self) -> AbstractContextManager[None]:
        """The average of the weights in their place, if one is kept."""
        return self._trained.ema.swapped_in() if self._trained.ema else nullcontext()

    def _back_up(self) -> None:
        """Write a backup; a failure does not end the run, because the training itself is unharmed."""
        self._reporter.activity(BACKING_UP)
        folder = self._paths.backup(self._progress)
        try:
            checkpoint.write_backup(folder, self._trained, self._progress, self._state())
        except BackupError as error:
            self._reporter.warn(str(error))
        else:
            self._backed_up_at = self._progress.global_step
            self._reporter.write(BackedUp(path=self._folder.inside(folder), progress=self._progress))
            self._reporter.flush()
            log.info("Backed up to %s", folder.name)
            if self._config.rolling_backup:
                self._prune_backups()
        self._reporter.activity(TRAINING)

    def _prune_backups(self) -> None:
        def is_own(backup: Backup) -> bool:
            return self._paths.owns_backups() or backup.identity.run == self._folder.run_id

        for told in checkpoint.prune_backups(self._paths.backups, self._config.rolling_backup_count, is_own):
            self._reporter.warn_once(told)

    def _save_on_the_way(self, path: Path) -> None:
        """Write the model in the middle of the run; a failure does not end it."""
        try:
            self._save(path)
        except OutputNotWrittenError as error:
            self._reporter.warn(str(error))
        self._reporter.activity(TRAINING)

    def _save_result(self) -> None:
        """Write the result; where that fails, a backup keeps what was trained.

        Raises:
            OutputNotWrittenError: It failed.
        """
        try:
            self._save(self._paths.result(self._format), is_final=True)
        except OutputNotWrittenError as error:
            if self._backed_up_at != self._progress.global_step:
                self._back_up()
            is_kept = self._backed_up_at == self._progress.global_step
            raise OutputNotWrittenError(error.path, error.reason, is_kept=is_kept) from error

    def _save(self, path: Path, *, is_final: bool = False) -> None:
        self._reporter.activity(SAVING)
        config = self._config
        metadata = build_metadata(config, self._describe(path))
        target = SaveTarget(path, self._format, output_dtype(config.output_dtype), metadata, self._folder.run_id)
        try:
            path.parent.mkdir(exist_ok=True)  # what is written beside the model has a folder of its own in it
            with drawing_weights(self._trained.optimizer), self._average():
                notice = self.method.save(target)
        except WRITE_FAILURES as error:
            raise OutputNotWrittenError(path, reason_of(error, path.parent)) from error
        if notice:
            self._reporter.warn(notice)
        self._reporter.write(Saved(path=self._folder.inside(path), progress=self._progress, final=is_final))
        log.info("Saved %s", path)

    def _describe(self, path: Path) -> Result:
        return Result(
            title=self._title or path.stem,
            file_name=path.stem,
            architecture=self.method.architecture,
            prediction=str(getattr(self.model.objective, "prediction", "")),
            progress=self._progress,
            num_pictures=self.data.num_pictures,
            captions=self.data.captions(),
            placeholders=[word.settings.placeholder for word in self.model.embeddings.all],
        )

    def _state(self) -> dict[str, Any]:
        """Plain numbers of the loop for a backup."""
        return {
            "run": self._folder.run_id,
            "data": self.data.describe(),
            "seconds": self._stopwatch.seconds,
            "intervals": {name: interval.state() for name, interval in self._intervals.items()},
            "step": self._step.state(),
            "best": asdict(self._best),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._stopwatch.restore(state["seconds"])
        for name, interval in self._intervals.items():
            interval.restore(state["intervals"][name])
        self._step.restore(state["step"])
        self._best = Best(**state.get("best", {}))

    def _take_up(self, backup: Path) -> None:
        """Go on from a backup that OneTrainer wrote, which holds less."""
        for sentence in onetrainer_backup.take_up(backup, self._trained):
            self._reporter.warn(sentence)

    # The end

    def _end(self) -> Completed:
        if metrics := self._step.finish(self._progress):
            self._tell(metrics)
        if not self._config.only_cache:
            self._require_change()
        if self._has_trained:
            self._wanted |= {name for name in ("sample", "validate") if self._intervals[name].work.at_end}
            if self._measured_at == self._progress.global_step:
                self._wanted.discard("validate")
            try:
                self._draw_samples()
                self._validate()
            except StopRequested:
                log.info("The last samples and measurements were left out")
            if self._config.backup_before_save:
                self._back_up()
        if self._progress.global_step:
            self._save_result()
        return Completed()

    def _require_change(self) -> None:
        if not self._progress.global_step:
            raise NothingToTrainError("Nothing was trained: the run ended before its first step, as told before.")
        if self._has_trained and not self._step.has_changed:
            raise NothingToTrainError(
                "Nothing was trained: in every update the gradients were too large for FLOAT_16. The first updates of "
                "a run often are; train longer, or choose train_dtype BFLOAT_16 or FLOAT_32."
            )

    def _end_early(self) -> Stopped:
        stop = self._control.stop
        if self._has_trained and stop is not None and stop.save:
            self._back_up()
            self._save_result()
        return Stopped()
