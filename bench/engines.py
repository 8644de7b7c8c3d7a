"""Train the demo LoRA with both engines side by side: `python -m bench.engines --onetrainer DIR [--rounds N]`.

Both train at the same time, but never together: while one runs for some seconds the other is halted by a signal, so
that what else happens on the machine meets both alike. All that an engine does between steps is part of its time.
Set OMP_NUM_THREADS=1 on a machine that has other work: threads that wait for each other are slow there.
"""

import argparse
import json
import signal
import statistics
import time
from pathlib import Path
from typing import Any

import psutil
import torch

from bench.loops import temporary_workspace
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.presets import read_preset
from onetrainer_web.protocol.events import Step, read_events
from onetrainer_web.protocol.run_folder import RunRequest
from onetrainer_web.protocol.state import read_state
from onetrainer_web.protocol.tasks import Engine, TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher
from onetrainer_web.system.onetrainer import OneTrainer
from onetrainer_web.tiny.pictures import write_demo_pictures

DEMO = "demo_lora"
NEVER = dict.fromkeys(("sample_after_unit", "backup_after_unit", "save_every_unit"), "NEVER")
WARM_UP_STEPS = 12


class Training:
    """A run of one engine, halted but for its turns."""

    def __init__(self, launcher: Launcher, workspace: Workspace, engine: Engine) -> None:
        config = config_to_dict(read_preset(DEMO).config) | {**NEVER, "temp_device": "cpu", "epochs": 100_000}
        self.rates: list[float] = []
        """Steps a second in each turn."""
        self._processor_s = self._num_steps = 0.0
        start = time.time()
        self._folder = launcher.launch_new(workspace, RunRequest(TrainTask(config=config), engine.value, engine))
        while self._step < WARM_UP_STEPS:
            time.sleep(0.1)
            error = read_state(self._folder).error
            assert error is None, error
        first = next(event for event in read_events(self._folder.events) if isinstance(event, Step))
        self.start_s = first.time.timestamp() - start
        self._process = psutil.Process(read_state(self._folder).pid)
        self._process.suspend()

    @property
    def _step(self) -> int:
        progress = read_state(self._folder).progress
        return progress.global_step if progress else 0

    def take_turn(self, seconds: float) -> None:
        """Train for some seconds."""
        step, used, start = self._step, sum(self._process.cpu_times()[:2]), time.perf_counter()
        self._process.resume()
        time.sleep(seconds)
        self._process.suspend()
        duration = time.perf_counter() - start
        num_steps = self._step - step
        self.rates.append(num_steps / duration)
        self._num_steps += num_steps
        self._processor_s += sum(self._process.cpu_times()[:2]) - used

    def result(self) -> dict[str, float]:
        """What was measured."""
        return {
            "steps_per_s": statistics.median(self.rates),
            "processor_ms_per_step": 1000 * self._processor_s / self._num_steps,
            "until_first_step_s": self.start_s,
            "memory_mb": self._process.memory_info().rss / 2**20,
        }

    def end(self) -> None:
        """End it on the spot."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def compare(onetrainer: OneTrainer, num_rounds: int, seconds: float) -> dict[str, Any]:
    """Both engines in turns."""
    launcher = Launcher(onetrainer=onetrainer)
    with temporary_workspace() as name:
        workspace = Workspace(Path(name))
        workspace.create()
        write_demo_pictures(workspace.datasets / DEMO, DEMO)
        trainings: list[Training] = []
        try:
            trainings.append(Training(launcher, workspace, Engine.ONETRAINER))
            trainings.append(Training(launcher, workspace, Engine.NATIVE))
            for _ in range(num_rounds):
                for training in trainings:
                    training.take_turn(seconds)
            theirs, ours = trainings
            ratio = statistics.median(own / other for own, other in zip(ours.rates, theirs.rates, strict=True))
            return {"native": ours.result(), "onetrainer": theirs.result(), "steps_ratio": ratio}
        finally:
            for training in trainings:
                training.end()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onetrainer", type=Path, required=True, help="folder of a OneTrainer installation")
    parser.add_argument("--rounds", type=int, default=12, help="turns of each engine")
    parser.add_argument("--seconds", type=float, default=5, help="of a turn")
    arguments = parser.parse_args()
    onetrainer = OneTrainer(arguments.onetrainer)
    found = {
        "versions": onetrainer.info.versions,
        "threads": torch.get_num_threads(),
        **compare(onetrainer, arguments.rounds, arguments.seconds),
    }
    print(json.dumps(found, indent=2, default=str))


if __name__ == "__main__":
    main()
