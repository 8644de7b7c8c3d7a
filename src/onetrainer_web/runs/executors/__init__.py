"""Where runs are carried out: all that the queue has to know of a place, whatever computes there.

Beside each run folder one process of this machine holds its lock. It is the trainer itself, or what stands for it: a
parent of several ranks, a deputy of a trainer elsewhere. So a run is alive as long as its lock is held, signals reach
one process, and what differs between places is which devices there are and which program is started.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Protocol

from onetrainer_web.protocol.run_folder import RunFolder


class Urgency(IntEnum):
    """How a trainer is told to end, gentlest first."""

    INTERRUPT = 0
    """SIGINT: as Ctrl-C, the trainer may still tidy up."""
    TERMINATE = 1
    """SIGTERM."""
    KILL = 2
    """SIGKILL: it and all it has started are gone at once."""


@dataclass(frozen=True)
class Job:
    """What is started for a run."""

    folder: RunFolder
    command: Sequence[str]
    """The program and its arguments."""
    environment: Mapping[str, str]
    """All its environment variables."""
    working_folder: Path
    """Where the program starts."""


class Executor(Protocol):
    """A place where runs are carried out."""

    def devices(self) -> tuple[str, ...]:
        """What it has, in the words of configurations (cuda:0, mps, cpu), what is taken first in front; never none."""
        ...

    def start(self, job: Job, lock_descriptor: int | None) -> int:
        """Start a program that outlives this one; its log is open before its first instruction.

        Args:
            job: What to start.
            lock_descriptor: An open file that holds the run's lock, to be inherited; None where that is impossible.

        Returns:
            The process id.

        Raises:
            OSError: The program cannot be started.
        """
        ...

    def is_alive(self, folder: RunFolder, pid: int | None, *, has_lock: bool = False) -> bool:
        """Whether a run has a living trainer.

        Args:
            folder: The run.
            pid: What its trainer said about itself; None when it has not come so far.
            has_lock: Whether the caller holds the run's lock, which then says nothing about others.
        """
        ...

    def end(self, folder: RunFolder, pid: int | None, command: Sequence[str], urgency: Urgency) -> int | None:
        """Tell the trainer of a run to end; one that is gone already is no error.

        Args:
            folder: The run.
            pid: What its trainer said about itself; None when it has not come so far.
            command: How it would be started, for trainers that have said nothing yet.
            urgency: How hard.

        Returns:
            The process that was told; None when none could be found with certainty.
        """
        ...
