"""Runs on tiny models, in this process and in one of their own."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image, ImageDraw
from tests.engine.outcomes import result
from tests.engine.tiny_models import make_stable_diffusion

from onetrainer_web.config.files import config_to_dict, parse_config
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.trainer import train
from onetrainer_web.engine.loop.warm_sampler import load_sampler
from onetrainer_web.engine.runtime.control import Control
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.runtime.run import Run
from onetrainer_web.protocol.backups import read_backups
from onetrainer_web.protocol.commands import Sample, Stop, append_command
from onetrainer_web.protocol.events import Progress
from onetrainer_web.protocol.run_folder import RunFolder, create_run
from onetrainer_web.protocol.tasks import SampleTask, Task, TrainTask


def pytest_configure(config: pytest.Config) -> None:
    """Let pass what the samplers of diffusers do with NumPy 2; compute as the trainer processes of the tests do."""
    torch.set_num_threads(1)
    # diffusers' Chroma uses a name that diffusers has moved.
    config.addinivalue_line("filterwarnings", "ignore:`FluxPosEmbed` is deprecated:FutureWarning")
    config.addinivalue_line("filterwarnings", "ignore:__array__ implementation:DeprecationWarning:diffusers")


class StoppingReporter(Reporter):
    """Tells the run to stop when a step was reported."""

    control: Control

    def __init__(self, folder: RunFolder, stop_behind: int | None) -> None:
        super().__init__(folder.events)
        self._folder = folder
        self._stop_behind = stop_behind

    def step(self, progress: Progress, metrics: dict[str, float]) -> None:
        """Report as usual."""
        super().step(progress, metrics)
        if progress.global_step == self._stop_behind:
            append_command(self._folder.commands, Stop())
            self.control.check()


@dataclass(frozen=True)
class Lab:
    """A workspace with a tiny model and a few captioned pictures."""

    workspace: Path
    model: Path
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings of every run here."""

    def settings(self, **changes: Any) -> dict[str, Any]:
        """A complete configuration: LoRA on the tiny model, 2 batches of 2 an epoch, nothing extra."""
        chosen: dict[str, Any] = {
            "training_method": "LORA",
            "base_model_name": str(self.model),
            "concepts": [{"path": "datasets/squares", "seed": 7}],
            "resolution": "16",
            "epochs": 2,
            "batch_size": 2,
            "train_device": "cpu",
            "train_dtype": "FLOAT_32",
            "learning_rate": 1e-3,
            "learning_rate_warmup_steps": 0,
            "output_model_format": "KOHYA_LORA",
            "unet": {"gradient_checkpointing": False},
            "text_encoder": {"train": False},
            "samples": [{"prompt": "a red square", "width": 16, "height": 16, "diffusion_steps": 2}],
            "sample_after_unit": "NEVER",
            "backup_after_unit": "NEVER",
            "backup_before_save": False,
            "tensorboard": False,
        }
        return config_to_dict(TrainConfig.model_validate(chosen | {**self.changes, **changes}))

    def add_pictures(self, name: str, num_pictures: int) -> None:
        """One more dataset."""
        draw_squares(self.workspace / "datasets" / name, num_pictures)

    def create(self, task: type[Task] = TrainTask, **changes: Any) -> RunFolder:
        """A run that waits to be started."""
        return create_run(self.workspace / "runs", task(config=self.settings(**changes)), "test")

    def train(
        self,
        folder: RunFolder | None = None,
        backup: Path | None = None,
        stop_behind: int | None = None,
        **changes: Any,
    ) -> RunFolder:
        """Train in this process, until the end or until a stop behind a step."""
        folder = folder or self.create(**changes)
        reporter = StoppingReporter(folder, stop_behind)
        control = reporter.control = Control(folder, 0, reporter.write)
        control.is_disposable = False
        control.check()
        reporter.write(train(Run.of(folder, config_of(folder), reporter, control), backup))
        reporter.close()
        return folder

    def draw(self, **changes: Any) -> RunFolder:
        """Draw the samples of a configuration in this process, with the model that it names, without training."""
        folder = self.create(SampleTask, **changes)
        run = start_of(folder)
        append_command(folder.commands, Sample())
        run.control.is_disposable = False
        run.control.check()
        sampler = load_sampler(run)
        for command in run.control.take_samples():
            sampler.draw(sampler.sheet_of(command), Progress())
        run.reporter.close()
        return folder

    def write_as(self, model_format: str, whole: RunFolder, settings: Mapping[str, Any]) -> Path:
        """What a run has learned, in another format: it goes on from its last backup, behind which nothing is left."""
        again = self.train(backup=find_backups(whole.backups)[-1], **{**settings, "output_model_format": model_format})
        return result(again)

    def start(self, folder: RunFolder) -> subprocess.Popen[bytes]:
        """Start the real trainer process."""
        command = [sys.executable, "-m", "onetrainer_web.engine.worker", str(folder.path)]
        with folder.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def draw_squares(folder: Path, num_pictures: int = 5) -> None:
    """Small captioned pictures that differ."""
    folder.mkdir(parents=True)
    for number in range(num_pictures):
        picture = Image.new("RGB", (20, 20), (40 * number, 90, 200 - 40 * number))
        ImageDraw.Draw(picture).rectangle((4 + number, 4, 12 + number, 12), fill=(250, 40 * number, 30))
        picture.save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(f"square number {number}")


def config_of(folder: RunFolder) -> TrainConfig:
    """What a run was made with."""
    return parse_config(folder.read_record().task.config).config


def start_of(folder: RunFolder) -> Run:
    """A run whose events go into its journal, and that nobody stops."""
    reporter = Reporter(folder.events)
    return Run.of(folder, config_of(folder), reporter, Control(folder, 0, reporter.write))


def find_backups(folder: Path) -> list[Path]:
    """All whole backups in a folder, the one to go on from last."""
    return [backup.path for backup in read_backups(folder).whole]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion that predicts noise."""
    return make_stable_diffusion(tmp_path_factory.mktemp("model") / "tiny-sd")


@pytest.fixture
def lab(tmp_path: Path, tiny_model: Path) -> Lab:
    """A fresh workspace."""
    draw_squares(tmp_path / "datasets" / "squares")
    return Lab(tmp_path, tiny_model)
