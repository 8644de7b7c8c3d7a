"""The loops that are compared: the trainer's own step with all that surrounds it, and nothing but torch.

The bare loop does forward, mean squared error, backward and AdamW on ready-made tensors with the very same model and
adapters: a baseline, not a physical limit.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from onetrainer_web.config.files import config_to_dict, parse_config
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.preparation import prepare
from onetrainer_web.engine.loop.trainer import Trainer
from onetrainer_web.engine.runtime.control import Control
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.runtime.run import Run
from onetrainer_web.pipeline.batches import Batch
from onetrainer_web.protocol.run_folder import RunFolder, create_run
from onetrainer_web.protocol.tasks import TrainTask


def make_run(workspace: Path, settings: dict[str, Any]) -> RunFolder:
    """A run folder for a configuration."""
    config = config_to_dict(TrainConfig.model_validate(settings))
    return create_run(workspace / "runs", TrainTask(config=config), "bench")


class OurLoop:
    """The trainer, stepping when it is told to; everything it does in a step is part of the time."""

    def __init__(self, folder: RunFolder) -> None:
        reporter = Reporter(folder.events)
        control = Control(folder, 0, reporter.write)
        config = parse_config(folder.read_record().task.config).config
        self.prepared = prepare(Run.of(folder, config, reporter, control), None)
        self.waited_s = 0.0
        """How long all steps so far have waited for their batches."""
        data = self.prepared.data
        batches = data.batches
        data.batches = lambda plan, places: self._timed(batches(plan, places))
        self._steps = Trainer(self.prepared).steps()

    def _timed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            self.waited_s += time.perf_counter() - start
            if batch is None:
                return
            yield batch

    def block(self, num_steps: int) -> float:
        """Train some steps."""
        start = time.perf_counter()
        for _ in range(num_steps):
            next(self._steps)
        return (time.perf_counter() - start) / num_steps


class BareLoop:
    """Forward, loss, backward and optimizer step of the same model on one ready-made batch."""

    def __init__(self, folder: RunFolder) -> None:
        prepared = OurLoop(folder).prepared
        self._unet = prepared.trained.model.components["unet"]
        self._parameters = [p for group in prepared.trained.groups for p in group.parameters.values()]
        self._optimizer = torch.optim.AdamW(self._parameters, lr=1e-5)
        batch: Batch = next(prepared.data.batches(prepared.data.start_epoch(0), [0]))
        self._latents = batch.latents_BCHW
        self._prompt = batch.conditioning["prompt"]
        self._target = torch.randn_like(self._latents)
        self._timesteps = torch.randint(0, 1000, (len(self._latents),))

    def block(self, num_steps: int) -> float:
        """Train some steps."""
        start = time.perf_counter()
        for _ in range(num_steps):
            predicted = self._unet(self._latents, self._timesteps, self._prompt, return_dict=False)[0]
            F.mse_loss(predicted, self._target).backward()
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)
        return (time.perf_counter() - start) / num_steps


def temporary_workspace() -> tempfile.TemporaryDirectory[str]:
    """A workspace that goes away."""
    return tempfile.TemporaryDirectory(prefix="bench-")
