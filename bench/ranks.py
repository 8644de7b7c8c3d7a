"""How much faster several devices train than one: `python -m bench.ranks [--rounds N]`, on a CPU two processes.

One run on one device and one on several, the same training, step in turns: while one does, the processes of the other
are held. On a CPU each process has one thread, so two on two cores can be twice as fast as one. With cards, say which:
`--device cuda --indexes 0,1`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.loops import make_run, temporary_workspace
from bench.models import write_model, write_pictures
from bench.run import NUM_PICTURES, SIDES_PX, settings
from onetrainer_web.config.devices import numbers_in
from onetrainer_web.protocol.events import Event, Step, parse_events
from onetrainer_web.protocol.journal import LineReader
from onetrainer_web.protocol.run_folder import RunFolder

LOOK_S = 0.005
PATIENCE_S = 600.0
UPDATES_PER_BLOCK = {"demo": 40, "large": 4}
MEBIBYTE = 2**20


class Training:
    """A run of one or several processes that steps when it is let."""

    def __init__(self, folder: RunFolder) -> None:
        self._reader = LineReader(folder.events)
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "onetrainer_web.engine.worker", str(folder.path)]
        with folder.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.steps_of(2)
        self.hold()

    @property
    def processes(self) -> list[psutil.Process]:
        """All of them, the one that holds the lock first."""
        holder = psutil.Process(self._process.pid)
        return [holder, *holder.children(recursive=True)]

    def steps_of(self, num_updates: int) -> list[Step]:
        """The last steps of so many updates to come."""
        found: list[Step] = []
        end = time.monotonic() + PATIENCE_S
        while len(found) < num_updates:
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("A run does not train; its log says why.")
            time.sleep(LOOK_S)
            new: Iterator[Event] = parse_events(self._reader.read(), [Step.model_fields["type"].default])
            found += [event for event in new if isinstance(event, Step) and event.metrics]
        return found

    def hold(self) -> None:
        """Let nothing of it compute."""
        for process in self.processes:
            process.suspend()

    def block(self, num_updates: int) -> float:
        """Steps a second over some updates, the first of which only warms up."""
        for process in self.processes:
            process.resume()
        steps = self.steps_of(num_updates + 1)
        self.hold()
        seconds = (steps[-1].time - steps[0].time).total_seconds()
        return (steps[-1].progress.global_step - steps[0].progress.global_step) / seconds

    def close(self) -> None:
        """End it."""
        for process in reversed(self.processes):
            process.kill()
        self._process.wait()


@contextmanager
def training(workspace: Path, size: str, **changes: Any) -> Iterator[Training]:
    """A run of the benchmark's configuration."""
    one = Training(make_run(workspace, settings(workspace, size, **changes)))
    try:
        yield one
    finally:
        one.close()


def compare(workspace: Path, size: str, device: str, indexes: str, num_rounds: int) -> dict[str, Any]:
    """One device and several, in turns."""
    num_devices = len(numbers_in(indexes))
    common = {"train_device": device, "keep_effective_batch": True, "gradient_accumulation_steps": num_devices}
    several = {"multi_gpu": True, "device_indexes": indexes}
    with (
        training(workspace, size, **common) as one,
        training(workspace, size, **common, **several) as many,
    ):
        pairs = [(one.block(UPDATES_PER_BLOCK[size]), many.block(UPDATES_PER_BLOCK[size])) for _ in range(num_rounds)]
        memory = [process.memory_info().rss / MEBIBYTE for process in many.processes]
    return {
        "one_steps_per_s": statistics.median(alone for alone, _ in pairs),
        "several_steps_per_s": statistics.median(together for _, together in pairs),
        "ratio": statistics.median(together / alone for alone, together in pairs),
        "ideal": num_devices,
        "memory_mib": [round(held) for held in memory],
    }


def main() -> None:
    """Measure and print as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", nargs="+", choices=list(SIDES_PX), default=list(SIDES_PX))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--indexes", default="0,1")
    options = parser.parse_args()
    with temporary_workspace() as name:
        workspace = Path(name)
        for size in options.sizes:
            write_model(workspace / "models" / size, size)
            write_pictures(workspace / "datasets" / size, NUM_PICTURES, SIDES_PX[size])
            found = compare(workspace, size, options.device, options.indexes, options.rounds)
            print(json.dumps({size: found}, indent=2), flush=True)


if __name__ == "__main__":
    main()
