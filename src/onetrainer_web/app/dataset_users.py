"""Which runs still need a data set."""

from pathlib import Path

from onetrainer_web.config.files import parse_config
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.tasks import TASKS
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.listing import RunQuery
from onetrainer_web.runs.service import RunService

_UNFINISHED = [RunStatus.QUEUED, RunStatus.STARTING, RunStatus.RUNNING, RunStatus.STOPPING]
_NAMED = 5


class DatasetInUseError(OneTrainerWebError):
    """Runs wait for a data set, or train on it."""

    status = 409

    def __init__(self, dataset: str, runs: list[str]) -> None:
        more = f" and {len(runs) - _NAMED} more" if len(runs) > _NAMED else ""
        super().__init__(
            f"Runs that wait or train need the data set {dataset!r}: {', '.join(runs[:_NAMED])}{more}. Stop or delete "
            "them first, or delete it all the same with force=true; they fail then."
        )


def runs_training_on(folder: Path, service: RunService, workspace: Workspace) -> list[str]:
    """Names of the runs that are not over yet and have a concept in a folder."""
    found: list[str] = []
    for run in service.list(RunQuery(status=_UNFINISHED, limit=100_000)).runs:
        if not TASKS[run.kind].is_training:
            continue
        concepts = parse_config(service.record(run.id).task.config).config.concepts or []
        paths = [workspace.resolve(concept.path).resolve() for concept in concepts if concept.path]
        if any(path.is_relative_to(folder.resolve()) for path in paths):
            found.append(run.name)
    return found
