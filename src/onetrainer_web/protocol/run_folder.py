"""The only place that names a path inside a run.

run.json         what was asked; written once, atomically, before launch
events.jsonl     what happened; only the trainer appends
commands.jsonl   what is wanted; the server and the command line append, and a trainer that a shell starts says so in it
commands.lock    held while a line is appended to it
trainer.lock     held by the trainer process as long as it lives
trainer.log      its stdout and stderr
"""

import os
import re
import shutil
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.files.confined import read_file, readable
from onetrainer_web.files.json_files import write_json_atomically
from onetrainer_web.protocol.tasks import KINDS, Engine, Task


class RunRecord(BaseModel):
    """The content of run.json: what was asked, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Folder name of the run, which sorts by creation.")
    engine: Engine = Field(
        default=Engine.NATIVE, description="native: this project's trainer. onetrainer: a OneTrainer installation."
    )
    name: str = Field(description="Readable name given at creation.")
    created: datetime = Field(description="When it was asked for, UTC.")
    parent: str | None = Field(
        default=None, description="The run whose configuration it was made from, changed or not; it may be deleted."
    )
    task: Task = Field(description=KINDS)

    @model_validator(mode="before")
    @classmethod
    def _gather_task(cls, data: Any) -> Any:
        """Runs of earlier versions have what is now their task at the top."""
        if isinstance(data, dict) and "kind" in data:
            record = dict(cast("dict[str, Any]", data))
            task = {key: record.pop(key) for key in ("kind", "config") if key in record}
            return record | {"task": task}
        return cast("Any", data)


@dataclass(frozen=True)
class RunRequest:
    """A run to make: all of its record but the moment."""

    task: Task
    name: str = ""
    """Empty means its id."""
    engine: Engine = Engine.NATIVE
    parent: str | None = None
    """The run whose configuration it is made from."""

    def record(self, created: datetime) -> RunRecord:
        """Its run.json when it is made at this moment, UTC."""
        run_id = new_run_id(created)
        return RunRecord(
            id=run_id,
            engine=self.engine,
            name=self.name or run_id,
            created=created,
            parent=self.parent,
            task=self.task,
        )


class RunFolderError(OneTrainerWebError):
    """A run folder cannot be read."""

    status = 400

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The run folder {readable(path.name)!r} cannot be read: {reason}.")
        self.reason = reason


class RunFolder:
    """Paths and the one immutable record of a run."""

    def __init__(self, path: Path) -> None:
        # A folder that is a link is not followed: to delete the run would be to delete what it leads to.
        self.path = Path(os.path.abspath(path.parent.resolve() / path.name)) if path.name else path.resolve()

    @cached_property
    def run_id(self) -> str:
        """Name of the folder."""
        return self.path.name

    @cached_property
    def workspace(self) -> Path:
        """The workspace this run lies in: relative paths of its configuration start there."""
        return self.path.parent.parent

    @cached_property
    def record(self) -> Path:
        """run.json"""
        return self.path / "run.json"

    @cached_property
    def events(self) -> Path:
        """events.jsonl"""
        return self.path / "events.jsonl"

    @cached_property
    def commands(self) -> Path:
        """commands.jsonl"""
        return self.path / "commands.jsonl"

    @cached_property
    def lock(self) -> Path:
        """trainer.lock"""
        return self.path / "trainer.lock"

    @cached_property
    def log(self) -> Path:
        """trainer.log"""
        return self.path / "trainer.log"

    @cached_property
    def samples(self) -> Path:
        """Sample pictures, one folder a prompt."""
        return self.path / "samples"

    @cached_property
    def saves(self) -> Path:
        """Model files for using."""
        return self.path / "save"

    @cached_property
    def backups(self) -> Path:
        """Complete states for resuming."""
        return self.path / "backup"

    @cached_property
    def tensorboard(self) -> Path:
        """TensorBoard event files."""
        return self.path / "tensorboard"

    @cached_property
    def config_copies(self) -> Path:
        """The configuration as started, one file a start."""
        return self.path / "config"

    def read_record(self) -> RunRecord:
        """What was asked.

        Raises:
            RunFolderError: run.json is missing or not a run record.
        """
        try:
            content = read_file(self.record)
            return RunRecord.model_validate_json(content)
        except FileNotFoundError as error:
            raise RunFolderError(self.path, "it has no run.json") from error
        except OSError as error:
            raise RunFolderError(self.path, f"run.json: {error.strerror}") from error
        except ValidationError as error:
            problem = error.errors()[0]
            what = ".".join(map(str, problem["loc"])) or "run.json"
            raise RunFolderError(self.path, f"{what}: {problem['msg']}") from error

    def inside(self, path: Path) -> str:
        """`path` relative to the run folder, with forward slashes; absolute when it lies outside."""
        path, here = path.resolve(), self.path.resolve()
        return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def new_run_id(now: datetime) -> str:
    """A folder name that sorts by time of creation: 20260101-120000-1a2b, its last part in 65536ths of a second."""
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond * 65536 // 1_000_000:04x}"


def create_run(
    runs: Path,
    task: Task,
    name: str = "",
    engine: Engine = Engine.NATIVE,
    *,
    prepare: Callable[[RunFolder], None] | None = None,
) -> RunFolder:
    """Make one run.

    Args:
        runs: The workspace's folder of runs.
        task: What it does.
        name: Readable name; empty means its id.
        engine: Who does it.
        prepare: Called with the folder before it appears: who takes its lock here keeps a server from launching it.
    """
    with making_runs(runs, [RunRequest(task, name, engine)], prepare) as [folder]:
        return folder


@contextmanager
def making_runs(
    runs: Path, requests: Sequence[RunRequest], prepare: Callable[[RunFolder], None] | None = None
) -> Generator[list[RunFolder]]:
    """A block for which run folders with their run.json stand below `runs`: the runs are queued when it has ended.

    A folder appears under its name with run.json already inside, so that no reader sees half a run. When one cannot be
    made, or the block fails, none stays.

    Args:
        runs: The workspace's folder of runs.
        requests: What they do.
        prepare: Called with each folder before it appears.
    """
    hidden: list[Path] = []
    made: list[Path] = []
    try:
        for request in requests:
            now, making = _reserve(runs)
            hidden.append(making)
            if prepare:
                prepare(RunFolder(making))
            record = request.record(now)
            write_json_atomically(RunFolder(making).record, record.model_dump(mode="json"))
        for making in hidden:
            made.append(runs / making.name.removeprefix("."))
            os.rename(making, made[-1])
        yield [RunFolder(path) for path in made]
    except BaseException:
        for path in (*hidden, *made):
            shutil.rmtree(path, ignore_errors=True)
        raise


def is_being_made(path: Path) -> bool:
    """Whether a folder among the runs is one in which a run is made, or would have been."""
    return re.fullmatch(r"\.\d{8}-\d{6}-[0-9a-f]{4}", path.name) is not None


def _reserve(runs: Path) -> tuple[datetime, Path]:
    """A moment of creation whose name no other run has, and the hidden folder in which its run is made."""
    while True:
        now = datetime.now(UTC)
        run_id = new_run_id(now)
        making = runs / f".{run_id}"
        try:
            making.mkdir(parents=True)
        except FileExistsError:
            continue
        if not (runs / run_id).exists():
            return now, making
        making.rmdir()
