"""Runs: the list, one by one, and what they are told."""

from typing import Annotated

from fastapi import Body, Query
from pydantic import BaseModel, Field

from onetrainer_web.api.dependencies import ConfigStoreDependency, ServiceDependency, StartingDependency
from onetrainer_web.api.requests import StopRequest, WholeNumber
from onetrainer_web.api.routing import NOT_FOUND, NOT_INSTALLED, RunId, new_router
from onetrainer_web.app.requests import NewRun, NewVariants, RunName, Tag
from onetrainer_web.app.starting import CreatedRun, CreatedVariants
from onetrainer_web.files.json_files import JsonObject
from onetrainer_web.protocol.commands import Backup, Command, Save, Stop
from onetrainer_web.runs.listing import RunQuery
from onetrainer_web.runs.service import RunService
from onetrainer_web.runs.views import DeletedRun, RunPage, RunView

router = new_router("/api/runs", "runs")


class RunChange(BaseModel):
    """What to change about a run; what is left out stays."""

    name: RunName | None = Field(default=None, description="Readable name.")
    tags: list[Tag] | None = Field(default=None, max_length=20, description="Short words to find it by.")
    note: str | None = Field(default=None, max_length=4000, description="What there is to remember of it.")


class RunPageQuery(RunQuery):
    """What is asked of one page of the list of runs."""

    limit: int = Field(default=50, ge=1, le=1000, description="Runs to give at most.")


class ResumeRequest(BaseModel):
    """From where to go on."""

    backup: str | None = Field(
        default=None, max_length=255, description="Name of a backup of the run; null means the newest."
    )
    epochs: WholeNumber | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Epochs of the whole run from here on, so that a completed one trains longer; null leaves them.",
    )


class SampleRequest(BaseModel):
    """What to draw."""

    samples: list[JsonObject] | None = Field(
        default=None,
        max_length=100,
        description="Sample settings in the configuration's words; null draws the configuration's own list.",
    )


class SentCommand(BaseModel):
    """A command that was written to the run; the event command_taken with this id tells when it is obeyed."""

    run_id: str = Field(description="The run.")
    command_id: int = Field(ge=1, description="Position in commands.jsonl.")


@router.get("")
def list_runs(service: ServiceDependency, query: Annotated[RunPageQuery, Query()]) -> RunPage:
    """The runs of the workspace, newest first unless asked otherwise."""
    return service.list(query)


@router.post("", responses=NOT_FOUND | NOT_INSTALLED)
def create_run(starting: StartingDependency, request: NewRun) -> CreatedRun:
    """Make a run and put it at the end of the queue."""
    return starting.enqueue(request)


@router.post("/variants", responses=NOT_FOUND | NOT_INSTALLED)
def create_variants(starting: StartingDependency, request: NewVariants) -> CreatedVariants:
    """Make a run of every combination of some settings' values, all or none, and put them at the end of the queue."""
    return starting.enqueue_variants(request)


@router.get("/{run_id}", responses=NOT_FOUND)
def get_run(service: ServiceDependency, run_id: RunId) -> RunView:
    """One run."""
    return service.get(run_id)


@router.get("/{run_id}/config", responses=NOT_FOUND)
def get_run_config(service: ServiceDependency, run_id: RunId) -> JsonObject:
    """The complete configuration the run was made with."""
    return service.record(run_id).task.config


@router.patch("/{run_id}", responses=NOT_FOUND)
def change_run(service: ServiceDependency, run_id: RunId, change: RunChange) -> RunView:
    """Give a run another readable name, tags or a note."""
    return service.describe(run_id, change.name, change.tags, change.note)


@router.delete("/{run_id}", responses=NOT_FOUND)
def delete_run(service: ServiceDependency, run_id: RunId) -> DeletedRun:
    """Delete a run with all its files; not while its trainer lives."""
    return service.delete(run_id)


@router.post("/{run_id}/resume", responses=NOT_FOUND | NOT_INSTALLED)
def resume_run(
    service: ServiceDependency, run_id: RunId, request: Annotated[ResumeRequest | None, Body()] = None
) -> RunView:
    """Queue an ended run again, to go on from a backup; with more epochs, a completed one trains longer."""
    wanted = request or ResumeRequest()
    return service.resume(run_id, wanted.backup, wanted.epochs)


@router.post("/{run_id}/stop", responses=NOT_FOUND)
def stop_run(
    service: ServiceDependency, run_id: RunId, request: Annotated[StopRequest | None, Body()] = None
) -> SentCommand:
    """End a run after the step in progress, or take it out of the queue."""
    return _send(service, run_id, Stop.model_validate((request or StopRequest()).model_dump()))


@router.post("/{run_id}/sample", responses=NOT_FOUND | NOT_INSTALLED)
def sample_run(
    service: ServiceDependency,
    store: ConfigStoreDependency,
    run_id: RunId,
    request: Annotated[SampleRequest | None, Body()] = None,
) -> SentCommand:
    """Draw samples from a run's model: between two steps while it trains, afterwards from its newest save.

    Afterwards the answer names the run that keeps the model warm and draws.
    """
    samples = request.samples if request else None
    store.check_paths(samples or [])
    drawing_id, command = service.request_samples_of(run_id, samples)
    return SentCommand(run_id=drawing_id, command_id=command.id)


@router.post("/{run_id}/backup", responses=NOT_FOUND)
def backup_run(service: ServiceDependency, run_id: RunId) -> SentCommand:
    """Write a run's complete state, for resuming."""
    return _send(service, run_id, Backup())


@router.post("/{run_id}/save", responses=NOT_FOUND)
def save_run(service: ServiceDependency, run_id: RunId) -> SentCommand:
    """Write a run's model, for using."""
    return _send(service, run_id, Save())


def _send(service: RunService, run_id: str, command: Command) -> SentCommand:
    return SentCommand(run_id=run_id, command_id=service.command(run_id, command).id)
