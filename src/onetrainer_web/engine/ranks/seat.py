"""What a rank is told when it is started, and where ranks and their parent find each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Meeting:
    """A folder, outside the run's, for as long as the ranks of a run live."""

    folder: Path

    @property
    def store(self) -> Path:
        """Where torch's processes find each other."""
        return self.folder / "store"

    @property
    def stop(self) -> Path:
        """There when the first rank was told to stop: for ranks that are in the middle of something long."""
        return self.folder / "stop"

    def diary(self, rank: int) -> Path:
        """Where a rank stands; see `Diary`."""
        return self.folder / f"diary-{rank}"

    def failure(self, rank: int) -> Path:
        """The sentence with which a rank has ended."""
        return self.folder / f"failure-{rank}"

    def write_failure(self, rank: int, sentence: str) -> None:
        """Leave the sentence with which a rank ends."""
        self.failure(rank).write_text(sentence, encoding="utf-8")


@dataclass(frozen=True)
class Seat:
    """The place of one rank."""

    rank: int
    size: int
    device: str
    meeting: Meeting
    parent_pid: int
    """The process that holds the run's lock."""
    has_started: bool
    """Whether the run had been started before."""

    def arguments(self) -> list[str]:
        """As `parse` reads them."""
        return [
            str(self.rank),
            str(self.size),
            self.device,
            str(self.meeting.folder),
            str(self.parent_pid),
            str(int(self.has_started)),
        ]

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> "Seat":
        """Read what `arguments` has written."""
        rank, size, device, folder, parent_pid, has_started = arguments
        return cls(int(rank), int(size), device, Meeting(Path(folder)), int(parent_pid), has_started == "1")

    @property
    def is_first(self) -> bool:
        """Whether this rank decides and writes."""
        return self.rank == 0
