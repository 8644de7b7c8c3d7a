"""What runs wrote: curves, events, log, and the files in their folders."""

from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from onetrainer_web.api.archives import ARCHIVE_ANSWERS, archive_response
from onetrainer_web.api.dependencies import ServiceDependency
from onetrainer_web.api.file_response import SentFile
from onetrainer_web.api.routing import NOT_FOUND, RunId, new_router
from onetrainer_web.protocol.events import Event
from onetrainer_web.runs.views import DeletedOutput, FileView, LogPage, MetricsView, OutputView

router = new_router("/api/runs", "runs")

Seq = Annotated[int, Query(ge=0, le=2**53, description="Give events with a `seq` beyond this one.")]

FilePath = Annotated[str, Path(description="Relative to the run folder.", min_length=1, pattern=r"^[^\x00]+$")]


class EventPage(BaseModel):
    """Some events of a run, oldest first."""

    events: list[Event] = Field(description="The events.")
    next_after: int = Field(ge=0, description="Value of `after` that goes on behind them.")


class FileList(BaseModel):
    """The files of a run."""

    files: list[FileView] = Field(description="By path.")
    total: int = Field(ge=0, description="Files on all pages.")


class OutputList(BaseModel):
    """Backups or model files of a run."""

    outputs: list[OutputView] = Field(description="Newest first.")


@router.get("/{run_id}/metrics", responses=NOT_FOUND)
def get_run_metrics(
    service: ServiceDependency,
    run_id: RunId,
    names: Annotated[
        str,
        Query(
            description="TensorBoard tags, separated by commas; empty means all. clock, which only comes when it is "
            "named, says when each step was done, in seconds since 1970."
        ),
    ] = "",
    max_points: Annotated[int, Query(ge=4, le=100_000, description="Points of each curve at most.")] = 1000,
    smoothing: Annotated[
        float,
        Query(ge=0, le=0.999, description="Weight of the past in a moving average over all points; 0 changes nothing."),
    ] = 0.0,
    per_epoch: Annotated[
        bool, Query(description="One point for each whole epoch, at its last step: the mean of its values.")
    ] = False,
) -> MetricsView:
    """Curves of a run, thinned so that peaks and dips stay."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    return service.outputs.metrics(run_id, wanted, max_points, smoothing, per_epoch=per_epoch)


@router.get("/{run_id}/events", responses=NOT_FOUND)
def list_run_events(
    service: ServiceDependency,
    run_id: RunId,
    after: Seq = 0,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Events to give at most.")] = 1000,
    types: Annotated[str, Query(description="Types of event, separated by commas; empty means all.")] = "",
) -> EventPage:
    """What happened in a run, straight from its journal."""
    wanted = [name.strip() for name in types.split(",") if name.strip()]
    events = service.outputs.events(run_id, after, limit, wanted)
    return EventPage(events=events, next_after=events[-1].seq if events else after)


@router.get("/{run_id}/log", responses=NOT_FOUND)
def get_run_log(
    service: ServiceDependency,
    run_id: RunId,
    offset: Annotated[
        int, Query(ge=-(2**53), le=2**53, description="Byte to begin at; a negative one counts from the end.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=4 * 2**20, description="Bytes to give at most.")] = 65536,
) -> LogPage:
    """A stretch of what the trainer printed."""
    return service.outputs.log(run_id, offset, limit)


@router.get("/{run_id}/backups", responses=NOT_FOUND)
def list_run_backups(service: ServiceDependency, run_id: RunId) -> OutputList:
    """Complete states a run can be resumed from."""
    return OutputList(outputs=service.outputs.backups(run_id))


@router.get("/{run_id}/saves", responses=NOT_FOUND)
def list_run_saves(service: ServiceDependency, run_id: RunId) -> OutputList:
    """Model files a run wrote."""
    return OutputList(outputs=service.outputs.saves(run_id))


@router.get("/{run_id}/files", responses=NOT_FOUND)
def list_run_files(
    service: ServiceDependency,
    run_id: RunId,
    offset: Annotated[int, Query(ge=0, le=2**53, description="Files to pass over.")] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000, description="Files to give at most.")] = 1000,
) -> FileList:
    """All files in a run's folder."""
    files = service.outputs.files(run_id)
    return FileList(files=files[offset : offset + limit], total=len(files))


@router.get("/{run_id}/archive", response_class=Response, responses=NOT_FOUND | ARCHIVE_ANSWERS)
def get_run_archive(
    service: ServiceDependency,
    run_id: RunId,
    folder: Annotated[
        str, Query(description="Folder below the run's; empty means all of it.", pattern=r"^[^\x00]*$")
    ] = "",
) -> Response:
    """A folder of a run as a zip: its samples, a backup, a model of several files."""
    path, files = service.outputs.folder_files(run_id, folder)
    name = service.get(run_id).name
    return archive_response(path, files, f"{name} {path.name}" if folder else name)


@router.get(
    "/{run_id}/files/{path:path}",
    response_class=Response,
    responses=NOT_FOUND
    | {
        200: {"description": "The file.", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
        206: {"description": "The asked-for range of the file."},
        416: {"description": "The file has no such range."},
    },
)
def get_run_file(
    service: ServiceDependency,
    run_id: RunId,
    path: FilePath,
    download: Annotated[bool, Query(description="Have a browser store the file instead of showing it.")] = False,
) -> Response:
    """One file of a run; takes Range requests."""
    file = service.outputs.file_path(run_id, path)
    # Without a name in the answer, a page can give the file one of its own (`<a download="…">`).
    return SentFile(file, is_download=download)


@router.delete("/{run_id}/files/{path:path}", responses=NOT_FOUND)
def delete_run_output(service: ServiceDependency, run_id: RunId, path: FilePath) -> DeletedOutput:
    """Delete a backup or a model file of a run, to free its space; a backup not while the trainer lives."""
    return service.outputs.delete(run_id, path)
