"""Everything in front of the first step: a run and a backup go in, a training that can begin comes out."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onetrainer_web.config.checks.issue import Severity, Subject
from onetrainer_web.config.enums import ConceptType, ModelFormat
from onetrainer_web.config.files import write_config_file
from onetrainer_web.config.output import written_format
from onetrainer_web.config.text import counted
from onetrainer_web.config.validation import find_issues, without_effect
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.engine.loop import checkpoint, onetrainer_backup
from onetrainer_web.engine.loop.data import TrainingSet, read_concepts
from onetrainer_web.engine.loop.encoders import FamilyEncoders
from onetrainer_web.engine.loop.intervals import Calendar, Stopwatch, recurring_work
from onetrainer_web.engine.loop.loading import load_model
from onetrainer_web.engine.loop.remaining import behind_short_epoch, change_since, last_step, plan_remaining
from onetrainer_web.engine.loop.step import TrainStep
from onetrainer_web.engine.loop.trained import Trained
from onetrainer_web.engine.loop.validation import Best, Validation
from onetrainer_web.engine.optimization.schedules import create_scheduler, try_schedule
from onetrainer_web.engine.runtime.errors import (
    InvalidSettingError,
    NothingToTrainError,
    OutputExistsError,
    PicturesInMotionError,
    PicturesTooLargeError,
)
from onetrainer_web.engine.runtime.paths import timestamp
from onetrainer_web.engine.runtime.run import Run
from onetrainer_web.engine.samples.sampling import Sampler
from onetrainer_web.engine.seams.interfaces import Method
from onetrainer_web.files.atomic import remove_unfinished
from onetrainer_web.protocol.events import Estimated, Planned, Progress
from onetrainer_web.protocol.lock import is_held

log = logging.getLogger("onetrainer_web.engine")


@dataclass(frozen=True)
class Prepared:
    """A training that can begin, at the start or where a backup stands."""

    run: Run
    output_format: ModelFormat
    data: TrainingSet
    trained: Trained
    step: TrainStep
    sampler: Sampler
    validation: Validation | None
    best: Best
    calendar: Calendar
    progress: Progress
    """Where it begins."""
    backed_up_at: int | None
    """Step of the backup that it goes on from."""


def prepare(run: Run, backup: Path | None) -> Prepared:
    """Load, plan and encode what a training needs.

    Args:
        run: What was asked for.
        backup: Where to go on from; None starts at the beginning.

    Raises:
        OneTrainerWebError: It cannot work; the message says why and what to do.
        StopRequested: The run was told to stop.
    """
    stopwatch = Stopwatch()
    output_format = run.ranks.of_first("checks", lambda: _check(run, backup))
    config, reporter = run.config, run.reporter
    loaded = load_model(config, run.paths.workspace.resolve, reporter, backup)
    if not loaded.groups:
        raise NothingToTrainError("Nothing is set to be trained; switch `train` on for a part or an embedding.")
    run.ranks.send("weights", [weight.data for group in loaded.groups for weight in group.parameters.values()])
    run.control.raise_if_stopped()
    method = loaded.method
    encoders = FamilyEncoders(method.family, loaded.model, config, keeps_pixels=method.learns_pixels)
    data = TrainingSet(run, encoders)
    written_at, kept = checkpoint.read_position(backup) if backup else (Progress(), {})
    progress = _in_batches(written_at, config.batch_size)
    steps = data.count_steps()
    _require_places(data, method.family.largest_side(loaded.model))
    _estimate(run, last_step(progress, steps), progress)
    # What their settings are refused for is said before pictures are encoded.
    trained = Trained.of(method, loaded.groups, config)
    try_schedule(config, plan_remaining(config, progress, steps, kept.get("step")).schedule)
    data.prepare(progress.epoch)
    _require_same(run, data)
    validation = _prepare_validation(run, encoders, method)
    if backup:
        _restore_weights(run, backup, kept, trained)
    _tell_change(run, data, kept, progress)
    progress = behind_short_epoch(progress, data.count_steps())
    remaining = plan_remaining(config, progress, data.count_steps(), kept.get("step"))
    scheduler = create_scheduler(trained.optimizer, config, remaining.schedule, remaining.updates_done)
    prepared = Prepared(
        run=run,
        output_format=output_format,
        data=data,
        trained=trained,
        step=TrainStep(trained, scheduler, data, run.ranks, kept.get("step")),
        sampler=Sampler(method.family, loaded.model, run),
        validation=validation,
        best=Best(**kept.get("best", {})),
        calendar=Calendar(recurring_work(config, validates=validation is not None), stopwatch, kept),
        progress=progress,
        backed_up_at=written_at.global_step if backup else None,
    )
    if config.tensorboard and run.ranks.is_first:
        reporter.open_tensorboard(run.paths.tensorboard / f"{run.paths.prefix}{timestamp()}")
    _announce(prepared, remaining.max_step, backup)
    return prepared


def _check(run: Run, backup: Path | None) -> ModelFormat:
    """Find out what cannot work before anything heavy is done, and remove what a killed start was writing.

    Returns:
        The format of the result.
    """
    config, paths = run.config, run.paths
    paths.outputs.mkdir(parents=True, exist_ok=True)
    remove_unfinished(run.folder.path)
    for folder in (paths.backups, paths.saves, paths.samples):
        remove_unfinished(folder, lambda writer: _has_ended(run, writer))
    # What a server or a shell has told before the start holds for whoever starts without them, and for later versions.
    issues = find_issues(Subject(config, workspace=None, deep=True))
    for issue in issues:
        if issue.severity is Severity.ERROR:
            raise InvalidSettingError(issue)
    for issue in without_effect(issues):
        run.reporter.warn(issue.message)
    output_format = written_format(config)
    result = paths.result(output_format)
    if config.prevent_overwrites and backup is None and result.exists():
        raise OutputExistsError(result)
    if paths.destination:
        result.parent.mkdir(parents=True, exist_ok=True)
    write_config_file(paths.config_copies / f"{paths.prefix}{timestamp()}.json", config)
    return output_format


def _has_ended(run: Run, writer: str) -> bool:
    """Whether a writer is this run, in an earlier start, or one of this workspace that nobody works on."""
    folder = run.paths.workspace.run_folder(writer)
    return writer == run.folder.run_id or (folder.record.is_file() and not is_held(folder.lock))


def _require_places(data: TrainingSet, largest_side: int | None) -> None:
    """Refuse pictures that are too large for the model before any is encoded."""
    for bucket in data.bucket_counts():
        if largest_side and bucket.kept and max(bucket.width, bucket.height) > largest_side:
            raise PicturesTooLargeError(Size(bucket.width, bucket.height), largest_side)


def _require_same(run: Run, data: TrainingSet) -> None:
    """Refuse to train ranks on different pictures, as they are found while somebody adds or deletes some."""
    if len({repr(found) for found in run.ranks.of_each("pictures", data.describe)}) > 1:
        raise PicturesInMotionError


def _in_batches(written_at: Progress, batch_size: int) -> Progress:
    """Where a backup was written, in batches of today's size."""
    return written_at.model_copy(update={"epoch_step": written_at.epoch_sample // batch_size})


def _estimate(run: Run, num_steps: int, progress: Progress) -> None:
    """Say how long the run will be while its pictures are still to be encoded."""
    config = run.config
    recurring = list(recurring_work(config, validates=config.validation).values())
    run.reporter.write(Estimated(max_step=num_steps, max_epoch=config.epochs, progress=progress, recurring=recurring))


def _prepare_validation(run: Run, encoders: FamilyEncoders, method: Method) -> Validation | None:
    """What measures the loss on the validation concepts, if it is asked for."""
    if not run.config.validation:
        return None
    kind = ConceptType.VALIDATION
    if not any(concept.enabled and concept.type is kind for concept in read_concepts(run)):
        run.reporter.warn("validation is on, but no enabled concept is of the type VALIDATION.")
        return None
    data = TrainingSet(run, encoders, [kind])
    data.prepare(0)
    return Validation(method, data, run.ranks)


def _restore_weights(run: Run, backup: Path, kept: Mapping[str, Any], trained: Trained) -> None:
    """Take up what a backup holds besides numbers; one that OneTrainer wrote holds less, and no numbers of ours."""
    if kept:
        checkpoint.restore(backup, trained, takes_up_gradients=run.ranks.is_first)
        return
    for sentence in onetrainer_backup.take_up(backup, trained):
        run.reporter.warn(sentence)


def _tell_change(run: Run, data: TrainingSet, kept: Mapping[str, Any], progress: Progress) -> None:
    """Say so if the pictures are others than a backup expected."""
    now = data.describe()
    if change := change_since(kept.get("data", now), now, is_within_epoch=progress.epoch_step > 0):
        run.reporter.warn(change)


def _announce(prepared: Prepared, max_step: int, backup: Path | None) -> None:
    run, trained = prepared.run, prepared.trained
    planned = Planned(
        max_step=max_step,
        max_epoch=run.config.epochs,
        buckets=prepared.data.bucket_counts(),
        resumed_from=run.folder.inside(backup) if backup else None,
        progress=prepared.progress,
        recurring=prepared.calendar.work,
    )
    run.reporter.write(planned)
    num_weights = sum(item.numel() for group in trained.groups for item in group.parameters.values())
    device = trained.model.precision.device
    log.info(
        "Training %s in %s: %d weights on %s",
        counted(planned.max_step, "step"),
        counted(planned.max_epoch, "epoch"),
        num_weights,
        device,
    )
    if backup:
        log.info("Going on from %s at step %d", backup.name, prepared.progress.global_step)
