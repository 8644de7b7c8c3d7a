"""Which run the contract's /api/training/* speaks of, how training stands, and what waits."""

from collections.abc import Sequence

from onetrainer_web.protocol.run_folder import RunKind
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.runs.queue import Queue
from onetrainer_web.runs.tracked_run import TrackedRun
from onetrainer_web.runs.views import QueueView, TrainingState


def active_training(runs: Sequence[TrackedRun], queue: Queue) -> TrackedRun | None:
    """The training run whose trainer lives, else the one that is about to be launched, if any."""
    training = [run for run in runs if run.header.kind is RunKind.TRAIN]
    active = [run for run in training if run.state.status.is_active]
    if active:
        return max(active, key=_latest)
    waiting = {run.id: run for run in training if run.state.status is RunStatus.QUEUED}
    return next((waiting[run_id] for run_id in queue.sort(waiting) if queue.may_start(run_id)), None)


def last_training(runs: Sequence[TrackedRun]) -> TrackedRun | None:
    """The training run that ended last, if any."""
    ended = [run for run in runs if run.header.kind is RunKind.TRAIN and run.state.status.is_resumable]
    return max(ended, key=_latest, default=None)


def training_state(runs: Sequence[TrackedRun], queue: Queue) -> TrainingState:
    """How training stands: the active run, else the one that ended last, else idle."""
    active = active_training(runs, queue)
    run = active or last_training(runs)
    if run is None:
        return TrainingState()
    status = run.state.status
    return TrainingState(
        is_training=active is not None,
        status="starting" if status is RunStatus.QUEUED else status.value,
        progress=run.state.progress,
        max_step=run.state.max_step,
        max_epoch=run.state.max_epoch,
        error=run.state.error,
        message=f"waiting for {run.device}" if status is RunStatus.QUEUED else run.state.message,
        run_id=run.id,
        stop_deadline=run.state.stop_deadline,
    )


def queue_view(runs: Sequence[TrackedRun], queue: Queue) -> QueueView:
    """The waiting ones among `runs` in their order."""
    waiting = [run.id for run in runs if run.state.status is RunStatus.QUEUED]
    return QueueView(paused=queue.paused, run_ids=queue.sort(waiting))


def _latest(run: TrackedRun) -> tuple[float, str]:
    return ((run.state.launched or run.header.created).timestamp(), run.id)
