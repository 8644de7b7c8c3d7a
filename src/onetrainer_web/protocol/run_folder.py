"""The only place that names a path inside a run.

run.json         what was asked; written once, atomically, before launch
events.jsonl     what happened; only the trainer appends
commands.jsonl   what is wanted; only the server or the command line appends
trainer.lock     held by the trainer process as long as it lives
trainer.log      its stdout and stderr
"""

import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from onetrainer_web.config.confined import read_file, readable
from onetrainer_web.config.files import write_json_atomically
from onetrainer_web.errors import OneTrainerWebError


class RunKind(StrEnum):
    """What a run does."""

    TRAIN = "train"
    SAMPLE = "sample"


class Engine(StrEnum):
    """Who trains."""

    NATIVE = "native"
    ONETRAINER = "onetrainer"


class RunRecord(BaseModel):
    """The content of run.json: what was asked, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(description="Folder name of the run, which sorts by creation.")
    kind: RunKind = Field(description="train: train a model. sample: keep a model warm and draw samples from it.")
    engine: Engine = Field(
        default=Engine.NATIVE, description="native: this project's trainer. onetrainer: a OneTrainer installation."
    )
    name: str = Field(description="Readable name given at creation.")
    created: datetime = Field(description="When it was asked for, UTC.")
    parent: str | None = Field(
        default=None, description="The run whose configuration it was made from, changed or not; it may be deleted."
    )
    config: dict[str, Any] = Field(description="The complete configuration, packed: concepts and samples inside.")


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


def create_run(  # noqa: PLR0913  (the lines of run.json)
    runs: Path,
    kind: RunKind,
    name: str,
    config: dict[str, Any],
    engine: Engine = Engine.NATIVE,
    *,
    parent: str | None = None,
    prepare: Callable[[RunFolder], None] | None = None,
) -> RunFolder:
    """Make a run folder with its run.json below `runs`; the run is then queued.

    The folder appears under its name with run.json already inside, so that no reader sees half a run.

    Args:
        runs: The workspace's folder of runs.
        kind: What the run does.
        name: Readable name; empty means its id.
        config: The complete configuration, packed.
        engine: Which trainer runs it.
        parent: The run whose configuration it was made from.
        prepare: Called with the folder before it appears: who takes its lock here keeps a server from launching it.
    """
    now, making = _reserve(runs)
    run_id = new_run_id(now)
    record = RunRecord(
        id=run_id, kind=kind, engine=engine, name=name or run_id, created=now, parent=parent, config=config
    )
    target = runs / run_id
    try:
        if prepare:
            prepare(RunFolder(making))
        write_json_atomically(making / "run.json", record.model_dump(mode="json"))
        os.rename(making, target)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return RunFolder(target)


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
