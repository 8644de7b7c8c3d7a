"""Which run the contract's /api/training/* speaks of, how training stands, and what waits."""

from onetrainer_web.config.recurring import Doing
from onetrainer_web.protocol.events import CurrentWork
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.runs.event_reader import EventReader
from onetrainer_web.runs.queue import Queue
from onetrainer_web.runs.tracked_run import TrackedRun
from onetrainer_web.runs.views import QueueView, TrainingState


def active_training(reader: EventReader, queue: Queue) -> TrackedRun | None:
    """The training run whose trainer lives, else the one that is about to be launched, if any."""
    training = [run for run in reader.live_runs() if run.header.task.is_training]
    active = [run for run in training if run.state.status.is_active]
    if active:
        return max(active, key=lambda run: run.recency)
    waiting = {run.id: run for run in training if run.state.status is RunStatus.QUEUED}
    return next((waiting[run_id] for run_id in queue.sort(waiting) if queue.may_start(run_id)), None)


def training_state(reader: EventReader, queue: Queue) -> TrainingState:
    """How training stands: the active run, else the last one, else idle."""
    active = active_training(reader, queue)
    run = active or reader.last_training()
    if run is None:
        return TrainingState()
    status = run.state.status
    waiting = CurrentWork(doing=Doing.WAITING_FOR_DEVICE, text=run.device)
    activity = waiting if status is RunStatus.QUEUED else run.activity
    return TrainingState(
        is_training=active is not None,
        status="starting" if status is RunStatus.QUEUED else status.value,
        progress=run.state.progress,
        max_step=run.state.max_step,
        max_epoch=run.state.max_epoch,
        error=run.state.error,
        activity=activity,
        message=activity and activity.message,
        run_id=run.id,
        stop_deadline=run.state.stop_deadline,
    )


def queue_view(reader: EventReader, queue: Queue) -> QueueView:
    """The waiting runs in their order."""
    waiting = [run.id for run in reader.live_runs() if run.state.status is RunStatus.QUEUED]
    return QueueView(paused=queue.paused, run_ids=queue.sort(waiting))
