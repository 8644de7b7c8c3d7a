"""What the run service gives to its callers: plain models, ready to be sent."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.protocol.events import CurrentWork, Progress
from onetrainer_web.protocol.state import RunState
from onetrainer_web.protocol.tasks import KINDS, Engine, RunKind


class _View(BaseModel):
    model_config = ConfigDict(frozen=True)


class RunView(RunState):
    """A run: what was asked, and how it stands."""

    id: str = Field(description="Folder name of the run.")
    kind: RunKind = Field(description=KINDS)
    engine: Engine = Field(description="native: this project's trainer. onetrainer: a OneTrainer installation.")
    created: datetime = Field(description="When it was asked for, UTC.")
    model_type: str = Field(description="Model type of its configuration.")
    training_method: str = Field(description="Training method of its configuration.")
    parent: str | None = Field(
        default=None, description="The run whose configuration it was made from, changed or not; it may be deleted."
    )
    resolution: str = Field(description="Resolution of its configuration.")
    batch_size: str = Field(description="Batch size of its configuration.")
    learning_rate: float | None = Field(description="Learning rate of its configuration.")
    lora_rank: int | None = Field(description="Rank of its adapter; null where it trains none.")
    message: str | None = Field(default=None, description="What is going on now, for a person to read, in English.")
    device: str = Field(
        description='What it has for itself, or waits for: "cpu", "mps", "cuda:0", "cuda:0, cuda:1" and so on; "cuda" '
        "is any GPU."
    )


class UnreadableFolder(_View):
    """A folder among the runs that is none."""

    id: str = Field(description="What DELETE /api/runs/{run_id} takes it away by; of a link, only the link.")
    name: str = Field(description="Its name; what of it is no text is written as its code.")
    reason: str = Field(description="What is wrong with it and what to do, one sentence.")


class RunPage(_View):
    """Some runs of a longer list, newest first."""

    runs: list[RunView] = Field(description="The runs of this page.")
    total: int = Field(ge=0, description="Runs on all pages.")
    unreadable: list[UnreadableFolder] = Field(
        default=[], description="What else lies in the folder of runs and cannot be read as one."
    )


TrainingStatus = Literal["idle", "starting", "running", "stopping", "completed", "stopped", "failed", "interrupted"]


class TrainingState(_View):
    """How training stands, in the words of /api/training/status and the training_state message."""

    is_training: bool = Field(default=False, description="From the accepted start until the trainer process is gone.")
    status: TrainingStatus = Field(default="idle", description="idle until the first run of the workspace.")
    progress: Progress | None = Field(default=None, description="Position; null before the first step.")
    max_step: int = Field(default=0, ge=0, description="Steps of the whole run; 0 until known.")
    max_epoch: int = Field(default=0, ge=0, description="Epochs of the whole run; 0 until known.")
    error: str | None = Field(default=None, description="Why the run failed or was interrupted, one sentence.")
    activity: CurrentWork | None = Field(default=None, description="What is going on now; null where nothing is.")
    message: str | None = Field(default=None, description="The same for a person to read, in English.")
    run_id: str | None = Field(default=None, description="The run this is about.")
    stop_deadline: datetime | None = Field(
        default=None, description="When a trainer that does not answer a stop is ended by force."
    )


class SampleView(_View):
    """A sample picture."""

    id: str = Field(description="sample_001 and so on, counted over the workspace's life.")
    timestamp: datetime = Field(description="When it was drawn, UTC.")
    path: str = Field(description="The picture file, absolute.")
    metadata: dict[str, Any] = Field(
        description="prompt, negative_prompt, seed, steps, cfg_scale, width, height, kind, run_id, global_step, epoch."
    )


class SamplePage(_View):
    """Some samples of a longer list, newest first unless asked otherwise."""

    samples: list[SampleView] = Field(description="The samples of this page.")
    total: int = Field(ge=0, description="Samples on all pages.")


class MetricPoint(_View):
    """One value of a curve."""

    step: int = Field(ge=0, description="global_step it was measured at.")
    value: float | None = Field(description="The value; null where it was no finite number.")


class MetricsView(_View):
    """Curves of a run, thinned so that each keeps the smallest and the largest value of every stretch."""

    run_id: str = Field(description="The run.")
    metrics: dict[str, list[MetricPoint]] = Field(description="OneTrainer's TensorBoard tag → points by step.")


class LogPage(_View):
    """A stretch of a run's log."""

    text: str = Field(description="Whole lines, as far as possible.")
    offset: int = Field(ge=0, description="Where it starts, in bytes.")
    next_offset: int = Field(ge=0, description="Where to go on reading, in bytes.")
    size: int = Field(ge=0, description="Length of the whole log so far, in bytes.")


class FileView(_View):
    """A file of a run folder."""

    path: str = Field(description="Relative to the run folder, with forward slashes.")
    size: int = Field(ge=0, description="Bytes.")
    modified: datetime = Field(description="Last change, UTC.")


class OutputView(_View):
    """A backup or a model file that a run wrote and that is still there."""

    name: str = Field(description="Last part of its path; names a backup when resuming.")
    path: str = Field(description="Relative to the run folder with forward slashes, or absolute outside it.")
    time: datetime = Field(description="When it was written, UTC.")
    size: int = Field(ge=0, description="Bytes, of all files in it.")
    progress: Progress = Field(description="Where the training stood.")
    final: bool = Field(default=False, description="Whether it is the run's result.")
    damage: str | None = Field(default=None, description="Why no run can go on from it; null when it is whole.")


class QueueView(_View):
    """The waiting runs."""

    paused: bool = Field(description="Whether waiting runs stay waiting.")
    run_ids: list[str] = Field(description="Waiting runs, next one first.")


class DeletedRun(_View):
    """What deleting a run did."""

    run_id: str = Field(description="The run that is gone.")
    freed_bytes: int = Field(ge=0, description="Bytes that its files took.")


class DeletedOutput(_View):
    """What deleting a backup or a model file did."""

    path: str = Field(description="The output that is gone, relative to the run folder.")
    freed_bytes: int = Field(ge=0, description="Bytes that it took.")
