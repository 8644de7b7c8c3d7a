"""The contract's view on training: the one run that is active, whoever started it."""

from typing import Annotated

from fastapi import Body
from pydantic import BaseModel, Field

from onetrainer_web.api.dependencies import ServiceDependency, StartingDependency
from onetrainer_web.api.requests import StopRequest
from onetrainer_web.api.routing import NOT_FOUND, NOT_INSTALLED, Answer, new_router
from onetrainer_web.app.requests import NewTraining
from onetrainer_web.config.files import Note
from onetrainer_web.protocol.commands import Backup, Save, Stop
from onetrainer_web.protocol.events import Progress
from onetrainer_web.runs.views import TrainingState

router = new_router("/api/training", "training")


class TrainingProgress(BaseModel):
    """How far training is."""

    is_training: bool = Field(description="From the accepted start until the trainer process is gone.")
    progress: Progress | None = Field(description="Position; null before the first step.")
    max_step: int = Field(ge=0, description="Steps of the whole run; 0 until known.")
    max_epoch: int = Field(ge=0, description="Epochs of the whole run; 0 until known.")


class StartedTraining(Answer):
    """What starting a training answers."""

    notes: list[Note] | None = Field(
        default=None, description="What of the configuration was not understood or converted; left out when all was."
    )


@router.get("/status")
def get_training_status(service: ServiceDependency) -> TrainingState:
    """How training stands: the active run, else the one that ended last, else idle."""
    return service.current()


@router.get("/progress")
def get_training_progress(service: ServiceDependency) -> TrainingProgress:
    """How far training is."""
    return TrainingProgress.model_validate(service.current(), from_attributes=True)


@router.post("/start", responses=NOT_FOUND | NOT_INSTALLED, response_model_exclude_none=True)
def start_training(starting: StartingDependency, request: NewTraining) -> StartedTraining:
    """Start training now.

    Takes the file `config_path` or the configuration `config_dict`; when both are given and the file cannot be used,
    the configuration. What was started becomes the current configuration.
    """
    read, remarks = starting.start(request)
    return StartedTraining(message=" ".join(["Training started", *remarks]), notes=read.notes or None)


@router.post("/stop")
def stop_training(service: ServiceDependency, request: Annotated[StopRequest | None, Body()] = None) -> Answer:
    """End the active training after the step in progress, with a backup and a save unless told otherwise."""
    service.command_training(Stop.model_validate((request or StopRequest()).model_dump()))
    return Answer(message="Stop command sent")


@router.post("/backup")
def backup_training(service: ServiceDependency) -> Answer:
    """Write the complete state of the active training, for resuming."""
    service.command_training(Backup())
    return Answer(message="Backup command sent")


@router.post("/save")
def save_training(service: ServiceDependency) -> Answer:
    """Write the model of the active training, for using."""
    service.command_training(Save())
    return Answer(message="Save command sent")
