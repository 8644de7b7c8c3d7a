"""Turns what happened in runs into the messages that listeners get."""

from collections.abc import Sequence

from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.events import Event, SampleKind
from onetrainer_web.protocol.journal import READ_BYTES
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.broker import Broker, Topic
from onetrainer_web.runs.log_file import read_log
from onetrainer_web.runs.messages import (
    DeletedRunData,
    LogData,
    LogMessage,
    MetricsData,
    MetricsMessage,
    Published,
    QueueMessage,
    RunDeletedMessage,
    RunMessage,
    SampleCount,
    SampleCounter,
    SampleCustomMessage,
    SampleCustomProgressMessage,
    SampleDefaultMessage,
    SampleDefaultProgressMessage,
    SampleMessage,
    StepMetrics,
    TrainingStateMessage,
)
from onetrainer_web.runs.sample_views import sample_view
from onetrainer_web.runs.tracked_run import TrackedRun, file_size
from onetrainer_web.runs.views import QueueView, TrainingState
from onetrainer_web.storage.rows import SampleRow

_PROGRESS: dict[SampleKind, type[SampleDefaultProgressMessage | SampleCustomProgressMessage]] = {
    "default": SampleDefaultProgressMessage,
    "custom": SampleCustomProgressMessage,
}
_DONE: dict[SampleKind, type[SampleDefaultMessage | SampleCustomMessage]] = {
    "default": SampleDefaultMessage,
    "custom": SampleCustomMessage,
}


class Announcer:
    """Publishes the messages of a server."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._training: TrainingState | None = None
        self._queue: QueueView | None = None
        self._log_offsets: dict[str, int] = {}

    def tell_run(self, run: TrackedRun) -> None:
        """A run has changed."""
        self.tell(Topic.RUNS, RunMessage(data=run.view()), subject=run.id)

    def tell_deleted(self, run_id: str) -> None:
        """A run is gone."""
        self._broker.forget(run_id)
        self._broker.forget(_curves_of(run_id))
        self._log_offsets.pop(run_id, None)
        self.tell(Topic.RUNS, RunDeletedMessage(data=DeletedRunData(run_id=run_id)))

    def tell_events(self, run: TrackedRun, events: Sequence[Event]) -> None:
        """Something happened in a run."""
        for event in events:
            match event:
                case happened.SampleProgress():
                    counter = SampleCounter(current=event.current, total=event.total)
                    self.tell(Topic.TRAINING, _PROGRESS[event.kind](data=counter))
                case happened.SamplesDone():
                    count = SampleCount(sample_count=event.sample_count)
                    self.tell(Topic.TRAINING, _DONE[event.kind](data=count))
                case _:
                    pass
        points = [point for event in events if (point := _point(event))]
        if points:
            message = MetricsMessage(data=MetricsData(run_id=run.id, points=points))
            self.tell(Topic.METRICS, message, subject=_curves_of(run.id), gathered="points")

    def tell_samples(self, workspace: Workspace, samples: Sequence[SampleRow]) -> None:
        """Pictures were drawn."""
        for sample in samples:
            self.tell(Topic.SAMPLES, SampleMessage(data=sample_view(workspace, sample)))

    def tell_log(self, run: TrackedRun) -> None:
        """Send what was added to the log of a run since the last time, if somebody listens."""
        if not self._broker.is_wanted(Topic.LOG):
            self._log_offsets.clear()
            return
        size = file_size(run.folder.log)
        offset = self._log_offsets.setdefault(run.id, size)
        if offset < size:
            page = read_log(run.folder.log, offset, READ_BYTES)
            data = LogData(run_id=run.id, offset=page.offset, text=page.text)
            self.tell(Topic.LOG, LogMessage(data=data))
            self._log_offsets[run.id] = page.next_offset

    def tell_training(self, state: TrainingState) -> None:
        """How training stands, when it has changed."""
        if state != self._training:
            self._training = state
            self.tell(Topic.TRAINING, TrainingStateMessage(data=state), subject="training_state")

    def tell_queue(self, queue: QueueView) -> None:
        """How the queue stands, when it has changed."""
        if queue != self._queue:
            self._queue = queue
            self.tell(Topic.RUNS, QueueMessage(data=queue), subject="queue")

    def tell(self, topic: Topic, message: Published, subject: str | None = None, gathered: str = "") -> None:
        """Publish any message; `subject` and `gathered` are the broker's."""
        plain = message.model_dump(mode="json")
        self._broker.publish(topic, message.type, plain["data"], subject, gathered)


def _curves_of(run_id: str) -> str:
    return f"curves of {run_id}"


def _point(event: Event) -> StepMetrics | None:
    match event:
        case happened.Step() if event.metrics:
            step, values = event.progress.global_step, event.metrics
        case happened.Metrics():
            step, values = event.global_step, event.values
        case _:
            return None
    return StepMetrics(global_step=step, time=event.time, values=values)
