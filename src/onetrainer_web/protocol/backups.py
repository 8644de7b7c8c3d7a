"""Which folders are whole backups, whose they are, and in which order they are gone on from.

All of it is read from what is in them. Their names carry local time, which goes back each autumn and on journeys.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from onetrainer_web.errors import InvalidConfigError, OneTrainerWebError
from onetrainer_web.files.json_files import load_json
from onetrainer_web.protocol.events import Progress

META = "meta.json"
"""Position and plain numbers; what OneTrainer knows a backup by."""
STATE = "onetrainer_web"
"""Where in it our own numbers stand; OneTrainer passes them over."""
_MARK = "-backup-"
_NEEDED = ("optimizer/optimizer.pt", "optimizer/lr_scheduler.pt")
"""Of those of our backups that do not say what they hold."""


class BackupDamagedError(OneTrainerWebError):
    """A folder among the backups cannot be gone on from."""

    status = 400

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The backup {path.name} is damaged: {reason}. Choose another one.")
        self.passed_over = f"The backup {path.name} is damaged and was passed over: {reason}."
        self.reason = reason


class Identity(BaseModel):
    """What a backup says of itself."""

    number: int = 0
    """Its place in the order of writing, among those of its folder."""
    run: str | None = None
    """The run that wrote it."""
    files: dict[str, int] | None = None
    """What belongs to it besides meta.json, in bytes."""


@dataclass(frozen=True)
class Backup:
    """A whole backup."""

    path: Path
    progress: Progress
    state: dict[str, Any]
    """Plain numbers of the trainer; none when OneTrainer wrote it."""
    identity: Identity

    @property
    def position(self) -> tuple[int, int, int]:
        """Where the training stood."""
        return self.progress.epoch, self.progress.epoch_step, self.progress.global_step


@dataclass(frozen=True)
class Backups:
    """What lies in a folder of backups."""

    whole: list[Backup] = field(default_factory=list[Backup])
    """By position, the one to go on from last; those that a return to an earlier one has given up come first."""
    damaged: list[BackupDamagedError] = field(default_factory=list[BackupDamagedError])

    def next_number(self) -> int:
        """For a backup that is written now."""
        return 1 + max((backup.identity.number for backup in self.whole), default=0)

    def only(self, is_wanted: Callable[[Backup], bool]) -> "Backups":
        """The wanted ones among the whole; what is damaged does not say whose it is."""
        wanted = [backup for backup in self.whole if is_wanted(backup)]
        return Backups(sorted(wanted, key=lambda backup: _rank(backup, wanted)), self.damaged)


def read_backups(folder: Path) -> Backups:
    """All backups in `folder`, none if it is not there."""
    found = Backups()
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or not (_MARK in path.name or os.path.lexists(path / META)):
            continue
        try:
            found.whole.append(read_backup(path))
        except BackupDamagedError as error:
            found.damaged.append(error)
    return found.only(lambda _: True)


def read_backup(path: Path) -> Backup:
    """One backup.

    Raises:
        BackupDamagedError: It is not there or not whole; the message says what is wrong.
    """
    try:
        _find(path, "its folder", stat.S_ISDIR)
        _find(path / META, META, stat.S_ISREG)
        meta = load_json(path / META)
        state = dict(meta.get(STATE, {}))
        backup = Backup(path, Progress.model_validate(meta["train_progress"]), state, Identity.model_validate(state))
        _check_files(backup)
    except (_Flaw, InvalidConfigError) as error:
        raise BackupDamagedError(path, str(error).rstrip(".")) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupDamagedError(path, f"{META} does not say where the training stood") from error
    return backup


def sizes_in(folder: Path) -> dict[str, int]:
    """All files below a folder, in bytes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_size for path in files}


class _Flaw(Exception):
    """Why a backup is not whole."""


def _rank(backup: Backup, others: list[Backup]) -> tuple[bool, tuple[int, int, int], int]:
    number = backup.identity.number
    # OneTrainer's have no number: nobody knows whether they were written before or after others.
    is_given_up = bool(backup.state) and any(
        other.identity.number > number and other.position <= backup.position for other in others
    )
    return not is_given_up, backup.position, number


def _check_files(backup: Backup) -> None:
    if backup.identity.files is None:
        for name in _NEEDED if backup.state else ():
            if not _find(backup.path / name, name, stat.S_ISREG):
                raise _Flaw(f"{name} is empty")
        return
    for name, size in backup.identity.files.items():
        found = _find(backup.path / name, name, stat.S_ISREG)
        if found != size:
            raise _Flaw(f"{name} has {found:,} bytes of {size:,}")


def _find(path: Path, name: str, is_right: Callable[[int], bool]) -> int:
    """The size of what must be there; nothing is opened: whoever opens a pipe can wait for ever."""
    try:
        found = path.lstat()
    except OSError as error:
        raise _Flaw(f"{name} is missing") from error
    if not is_right(found.st_mode):
        kinds = {stat.S_IFREG: "a file", stat.S_IFDIR: "a folder", stat.S_IFLNK: "a link"}
        raise _Flaw(f"{name} is {kinds.get(stat.S_IFMT(found.st_mode), 'neither a file nor a folder')}")
    return found.st_size
