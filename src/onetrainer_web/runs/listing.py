"""Which runs a list shows, and in what order."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.tasks import RunKind
from onetrainer_web.runs.tracked_run import TrackedRun

SortKey = Literal["created", "name", "loss", "validation_loss", "learning_rate", "lora_rank", "steps", "duration"]


class RunQuery(BaseModel):
    """What is asked of the list of runs."""

    status: list[RunStatus] = Field(default=[], description="Only runs in one of these states; empty means any.")
    kind: RunKind | None = Field(default=None, description="Only runs of this kind.")
    search: str = Field(
        default="",
        max_length=200,
        description="Only runs with each of these words in name, model, training method, tags or note, or whose id "
        "begins so.",
    )
    sort: SortKey = Field(default="created", description="What they are ordered by; runs without it come last.")
    ascending: bool = Field(default=False, description="Smallest, first or oldest first, not largest, last or newest.")
    offset: int = Field(default=0, ge=0, le=2**53, description="Runs to pass over.")
    limit: int = Field(default=50, ge=1, description="Runs to give at most.")


ALL_RUNS = RunQuery()
"""The newest runs of any kind and state."""


def find_runs(runs: Sequence[TrackedRun], query: RunQuery) -> list[TrackedRun]:
    """All runs that `query` asks for, in its order, whatever its page.

    Args:
        runs: Oldest first.
        query: What is asked for.
    """
    found = [
        run
        for run in runs
        if (not query.status or run.state.status in query.status)
        and (query.kind is None or run.header.kind is query.kind)
        and (not query.search or run.is_found_by(query.search))
    ]
    if query.sort == "created":
        return found if query.ascending else found[::-1]
    value_of = _VALUES[query.sort]
    valued = [(value, run) for run in found if (value := value_of(run)) is not None]
    ordered = sorted(valued, key=lambda one: one[0], reverse=not query.ascending)
    return [run for _, run in ordered] + [run for run in reversed(found) if value_of(run) is None]


def _duration_s(run: TrackedRun) -> float | None:
    started, ended = run.state.started, run.state.ended
    if started is None:
        return None
    return ((ended or datetime.now(started.tzinfo)) - started).total_seconds()


_VALUES: dict[str, Callable[[TrackedRun], float | str | None]] = {
    "name": lambda run: run.state.name.casefold(),
    "loss": lambda run: run.state.loss,
    "validation_loss": lambda run: run.state.validation_loss,
    "learning_rate": lambda run: run.header.learning_rate,
    "lora_rank": lambda run: run.header.lora_rank,
    "steps": lambda run: run.state.progress.global_step if run.state.progress else None,
    "duration": _duration_s,
}
