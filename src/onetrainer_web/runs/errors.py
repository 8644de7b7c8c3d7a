"""What can go wrong when something is asked of a run."""

from pathlib import Path

from onetrainer_web.config.text import counted
from onetrainer_web.errors import InvalidRequestError, NotFoundError, OneTrainerWebError


class AlreadyTrainingError(InvalidRequestError):
    """A training is active or about to start."""

    def __init__(self, run_id: str) -> None:
        super().__init__(
            f"Training is already running (run {run_id}). Stop it first, or queue the new one with POST /api/runs."
        )
        self.run_id = run_id


class NotRunningError(InvalidRequestError):
    """A command needs a living trainer, and there is none."""

    def __init__(self, run_id: str | None = None) -> None:
        what = "No training is running" if run_id is None else f"The run {run_id} is not running"
        super().__init__(f"{what}. Start one first.")
        self.run_id = run_id


class RunStoppingError(InvalidRequestError):
    """A run that is stopping takes no more wishes."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"The run {run_id} is stopping and does nothing more. Wait until it has ended.")
        self.run_id = run_id


class RunActiveError(InvalidRequestError):
    """Something cannot be done to a run while its trainer lives."""

    def __init__(self, run_id: str, action: str) -> None:
        super().__init__(f"The run {run_id} is active and cannot be {action}. Stop it first.")
        self.run_id = run_id


class NotResumableError(InvalidRequestError):
    """The run waits or is active, so there is nothing to resume."""

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(f"The run {run_id} is {status} and cannot be resumed. Only ended runs can.")
        self.run_id = run_id


class TrainedLongerError(InvalidRequestError):
    """A run is to be as long as it already is, or shorter."""

    def __init__(self, run_id: str, epochs: int, done: int) -> None:
        super().__init__(
            f"The run {run_id} has trained {counted(done, 'epoch')}; with {epochs} in all, nothing is left. "
            "Ask for more."
        )
        self.run_id = run_id


class BackupNotFoundError(NotFoundError):
    """The run has no backup of this name."""

    def __init__(self, run_id: str, backup: str) -> None:
        super().__init__(
            f"The run {run_id} has no backup {backup!r}. GET /api/runs/{run_id}/backups names those it has."
        )
        self.run_id = run_id
        self.backup = backup


class OneTrainerMissingError(OneTrainerWebError):
    """A run needs a OneTrainer installation, and this server has none that works."""

    status = 501

    def __init__(self, reason: str = "") -> None:
        hint = "Start the server with --onetrainer DIR, the folder of a OneTrainer installation."
        super().__init__(f"OneTrainer cannot train here. {reason or hint}")


class EngineCannotSampleError(InvalidRequestError):
    """OneTrainer draws samples only while it trains."""

    def __init__(self) -> None:
        super().__init__(
            "OneTrainer draws samples only while it trains; a run that only draws needs the native engine."
        )


class RunFileNotFoundError(NotFoundError):
    """The run folder has no such file."""

    def __init__(self, run_id: str, path: str) -> None:
        super().__init__(f"The run {run_id} has no file {path!r}. GET /api/runs/{run_id}/files names those it has.")
        self.run_id = run_id
        self.path = path


class OutputNotFoundError(NotFoundError):
    """The run folder has no such backup or model file."""

    def __init__(self, run_id: str, path: str) -> None:
        super().__init__(
            f"The run {run_id} has no backup or model file {path!r} in its folder. GET /api/runs/{run_id}/backups and "
            "…/saves name those it has; other files go only with the whole run."
        )
        self.run_id = run_id
        self.path = path


class SampleNotFoundError(NotFoundError):
    """No sample has this id."""

    def __init__(self, sample_id: str) -> None:
        super().__init__(f"There is no sample {sample_id!r}. GET /api/samples/list names those that exist.")
        self.sample_id = sample_id


class QueueOrderError(InvalidRequestError):
    """An order of the queue names something that does not wait in it."""

    def __init__(self, unknown: list[str]) -> None:
        super().__init__(f"These runs do not wait in the queue: {', '.join(unknown)}. Reload the queue and try again.")
        self.unknown = unknown


class WorkspaceGoneError(OneTrainerWebError):
    """The folder that is served is not there any more."""

    status = 507

    def __init__(self, workspace: Path) -> None:
        super().__init__(f"The workspace {workspace} is gone. Mount its disk again or bring the folder back.")
        self.workspace = workspace


class WorkspaceBusyError(InvalidRequestError):
    """Another server serves this workspace."""

    def __init__(self, workspace: str, holder: str) -> None:
        super().__init__(
            f"The workspace {workspace} is already served by {holder}. "
            "Use that server, stop it, or start this one with another --workspace."
        )
        self.holder = holder
