"""What a process and its children use, in the fields of /api/system/processes."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import psutil
from pydantic import BaseModel, ConfigDict, Field

from onetrainer_web.errors import NotFoundError

_BYTES_PER_MB = 2**20
_MIN_INTERVAL_S = 0.2


class ProcessNotFoundError(NotFoundError):
    """No process has this id any more."""

    def __init__(self, pid: int) -> None:
        super().__init__(f"There is no process {pid}. It has ended; ask again for the current one.")
        self.pid = pid


class ProcessInfo(BaseModel):
    """The answer of /api/system/processes: a process with its children."""

    model_config = ConfigDict(frozen=True)

    pid: int = Field(description="Process id.")
    cpu_percent: float = Field(description="Since the last reading, at first since its start; 100 is one busy core.")
    memory_percent: float = Field(description="Share of the machine's memory, 0 to 100.")
    memory_mb: float = Field(description="Resident memory, in MB of 2^20 bytes.")
    num_threads: int = Field(description="Threads.")
    status: str = Field(description='Such as "running" or "sleeping".')


class _Reading(NamedTuple):
    pid: int
    started: float
    read_at: float
    cpu_s: float
    percent: float


class ProcessMeter:
    """Remembers the last reading of the processes it is asked about, to measure between readings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: _Reading | None = None

    def process_info(self, pid: int) -> ProcessInfo:
        """Look at a process.

        Raises:
            ProcessNotFoundError: It has ended.
        """
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                started, status = process.create_time(), process.status()
            tree = [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess as error:
            raise ProcessNotFoundError(pid) from error
        resident = sum(_of_living(tree, lambda member: member.memory_info().rss))
        return ProcessInfo(
            pid=pid,
            cpu_percent=self._cpu_percent(pid, started, sum(_of_living(tree, _cpu_seconds))),
            memory_percent=round(100 * resident / psutil.virtual_memory().total, 2),
            memory_mb=round(resident / _BYTES_PER_MB, 1),
            num_threads=int(sum(_of_living(tree, lambda member: member.num_threads()))),
            status=status,
        )

    def _cpu_percent(self, pid: int, started: float, cpu_s: float) -> float:
        now = time.time()
        with self._lock:
            last = self._last
            if last is None or (last.pid, last.started) != (pid, started):
                last = _Reading(pid, started, read_at=started, cpu_s=0.0, percent=0.0)
            elif now - last.read_at < _MIN_INTERVAL_S:
                return last.percent
            # Children that ended take their seconds with them; that must not show as negative work.
            used_s = max(0.0, cpu_s - last.cpu_s)
            percent = round(100 * used_s / max(now - last.read_at, _MIN_INTERVAL_S), 1)
            self._last = _Reading(pid, started, now, cpu_s, percent)
            return percent


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _of_living(tree: Iterable[psutil.Process], measure: Callable[[psutil.Process], float]) -> list[float]:
    """The measure of each process; those that ended meanwhile, or may not be looked at, have none."""
    values: list[float] = []
    for process in tree:
        try:
            values.append(measure(process))
        except psutil.Error:
            continue
    return values
