"""The seam of a OneTrainer checkout and nothing behind it: a trainer that counts, draws grey squares, writes files.

How it behaves, the last part of base_model_name says: "steps=4 pause=0.01 fail=3" (steps of an epoch, seconds a step,
step to fail at, seconds of caching at the start of each epoch but the first: cache, of loading: load, a backup that
fails: full=1).
"""

import json
import re
import time
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import Image


def create_trainer(config: Any, callbacks: Any, commands: Any, reattach: bool = False) -> "Trainer":
    del reattach
    return Trainer(config, callbacks, commands)


class Progress(SimpleNamespace):
    @property
    def name(self) -> str:
        return f"{self.global_step}-{self.epoch}-{self.epoch_step}"


class Writer:
    def add_scalar(self, tag: str, value: float, global_step: int) -> None:
        pass

    def close(self) -> None:
        pass


class Sampler:
    def sample(self, sample_config: Any, destination: str, on_update_progress: Any) -> None:
        on_update_progress(1, 2)
        Path(destination).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (sample_config.width, sample_config.height)).save(f"{destination}.png")


class Trainer:
    def __init__(self, config: Any, callbacks: Any, commands: Any) -> None:
        self.config, self.callbacks, self.commands = config, callbacks, commands
        words = re.findall(r"(\w+)=([\d.]+)", Path(config.base_model_name).name)
        self.options = {"steps": 4, "pause": 0.01, **{name: float(value) for name, value in words}}
        self.folder = Path(config.workspace_dir)
        self.tensorboard = Writer()
        self.one_step_trained = False

    def start(self) -> None:
        self.callbacks.on_update_status("loading the model")
        time.sleep(self.options.get("load", 0))
        position = {"epoch": 0, "epoch_step": 0, "epoch_sample": 0, "global_step": 0}
        if self.config.continue_last_backup:
            meta = json.loads((Path(self.config.get_last_backup_path()) / "meta.json").read_bytes())
            position = meta["train_progress"]
        self.model = SimpleNamespace(train_progress=Progress(**position))
        self.model_sampler = Sampler()
        self.data_loader = self
        self.callbacks.on_update_status("creating the data loader/caching")

    def get_data_set(self) -> "Trainer":
        return self

    def approximate_length(self) -> int:
        return int(self.options["steps"])

    def train(self) -> None:
        progress = self.model.train_progress
        for _ in range(progress.epoch, self.config.epochs):
            if self.commands.stopped:
                return
            self.callbacks.on_update_status("Starting epoch/caching")
            time.sleep(self.options.get("cache", 0) if progress.epoch else 0)
            while progress.epoch_step < self.approximate_length():
                self.obey()
                self.callbacks.on_update_status("Training ...")
                self.step()
                if self.commands.stopped:
                    return
            progress.epoch, progress.epoch_step, progress.epoch_sample = progress.epoch + 1, 0, 0
            self.callbacks.on_update_train_progress(progress, self.approximate_length(), self.config.epochs)

    def step(self) -> None:
        progress = self.model.train_progress
        time.sleep(self.options["pause"])
        if progress.global_step == self.options.get("fail", -1):
            raise RuntimeError("the stand-in fails as it was told to\nsecond line")
        self.tensorboard.add_scalar("lr/unet", 1e-4, progress.global_step)
        self.tensorboard.add_scalar("loss/train_step", 1 / (1 + progress.global_step), progress.global_step)
        self.one_step_trained = True
        progress.epoch_step, progress.epoch_sample = progress.epoch_step + 1, progress.epoch_sample + 1
        progress.global_step += 1
        self.callbacks.on_update_train_progress(progress, self.approximate_length(), self.config.epochs)

    def obey(self) -> None:
        wanted = self.commands.take()
        if wanted.default:
            self.draw(self.config.samples, "default")
        if wanted.custom:
            self.draw(wanted.custom, "custom")
        if wanted.backup:
            self.back_up()
        if wanted.save:
            self.callbacks.on_update_status("Saving")
            self.write(self.folder / "save" / f"{self.now()}-save-{self.model.train_progress.name}.safetensors")

    def draw(self, samples: list[Any], kind: str) -> None:
        self.callbacks.on_update_status("Sampling ...")
        tell = getattr(self.callbacks, f"on_update_sample_{kind}_progress")
        for index, sample in enumerate(samples):
            folder = "custom" if kind == "custom" else f"{index} - {sample.prompt[:32]}"
            name = f"{self.now()}-training-sample-{self.model.train_progress.name}"
            self.model_sampler.sample(sample, str(self.folder / "samples" / folder / name), on_update_progress=tell)

    def back_up(self) -> None:
        self.callbacks.on_update_status("Creating backup")
        folder = self.folder / "backup" / f"{self.now()}-backup-{self.model.train_progress.name}"
        if not self.options.get("full"):
            self.write(folder / "lora" / "lora.safetensors")
            (folder / "meta.json").write_text(json.dumps({"train_progress": vars(self.model.train_progress)}))

    def end(self) -> None:
        if self.one_step_trained:
            if self.config.backup_before_save:
                self.back_up()
            self.callbacks.on_update_status("Saving the final model")
            self.write(Path(self.config.output_model_destination))

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("weights")

    def now(self) -> str:
        return f"{datetime.now():%Y-%m-%d_%H-%M-%S}"
