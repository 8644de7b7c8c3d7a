"""OneTrainer's words into events: status texts, progress, samples and scalars as they come."""

import functools
import inspect
import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onetrainer_web.bridge.control import Control
from onetrainer_web.bridge.journal import Journal, finite, say
from onetrainer_web.config.recurring import RECURRING_WORK, WORDS, Doing

CACHING = ("Caching", "Starting epoch/caching")
TRAINING, SAMPLING, BACKING_UP, SAVING = "Training ...", "Sampling ...", "Creating backup", "Saving"
SAVING_LAST = "Saving the final model"
DOING = {
    TRAINING: Doing.TRAINING,
    SAMPLING: Doing.SAMPLING,
    "Calculating validation loss": Doing.VALIDATING,
    BACKING_UP: Doing.BACKING_UP,
    SAVING: Doing.SAVING,
    SAVING_LAST: Doing.SAVING,
    **dict.fromkeys(CACHING, Doing.CACHING),
}
"""What OneTrainer does by its status texts; all others are shown as they are."""
MIN_PROGRESS_S = 0.1
MIN_MEMORY_S = 5.0


def position(progress: Any) -> dict[str, int]:
    """Where OneTrainer's training stands."""
    return {name: int(getattr(progress, name)) for name in ("epoch", "epoch_step", "epoch_sample", "global_step")}


class Translator:
    """Hears what a trainer of OneTrainer's says, and writes it down."""

    def __init__(self, folder: Path, config: Any, journal: Journal, control: Control) -> None:
        """Prepare; `watch` has to be called with the trainer.

        Args:
            folder: The run.
            config: OneTrainer's configuration for it.
            journal: Where events go.
            control: Told when OneTrainer is deaf to a stop.
        """
        self._folder = folder
        self._config = config
        self._journal = journal
        self._control = control
        self._outputs = Path(config.workspace_dir)
        self._trainer: Any = None
        self._status = ""
        self._known: set[Path] = set()
        self._round: dict[str, Any] | None = None
        self._max_step = 0
        self._scalars: dict[str, float | None] = {}
        self._told_at = 0.0
        self._memory_told_at = 0.0
        self.resumed_from: str | None = None
        self.position = {"epoch": 0, "epoch_step": 0, "epoch_sample": 0, "global_step": 0}

    def callbacks(self) -> dict[str, Callable[..., None]]:
        """For the constructor of OneTrainer's TrainCallbacks; finished samples are heard of by their files instead."""
        return {
            "on_update_train_progress": _audible(self._on_progress),
            "on_update_status": _audible(self._on_status),
            "on_update_sample_default_progress": _audible(self._on_denoising),
            "on_update_sample_custom_progress": _audible(self._on_denoising),
        }

    def watch_scalars(self, trainer: Any) -> None:
        """Hear every scalar in the moment in which OneTrainer hands it to TensorBoard."""
        writer = getattr(trainer, "tensorboard", None)
        if writer is None or not hasattr(writer, "add_scalar"):
            self._journal.warn(f"This checkout's {type(trainer).__name__} has no tensorboard: there will be no curves.")
            return
        add_scalar = writer.add_scalar

        def add_and_tell(tag: str, value: Any, global_step: int | None = None, *args: Any, **kwargs: Any) -> None:
            add_scalar(tag, value, global_step, *args, **kwargs)
            self._hear_scalar(tag, float(value), int(global_step or 0))

        writer.add_scalar = add_and_tell

    def watch_samples(self, trainer: Any) -> None:
        """Hear where every sample goes and how it is drawn; to be called when the trainer has started."""
        self._trainer = trainer
        sampler = getattr(trainer, "model_sampler", None)
        if sampler is None:
            message = f"This checkout's {type(trainer).__name__} has no model_sampler: samples will not be listed."
            self._journal.warn(message)
            return
        sample = sampler.sample
        signature = inspect.signature(sample)

        def sample_and_tell(*args: Any, **kwargs: Any) -> None:
            call = signature.bind(*args, **kwargs)
            call.arguments["destination"] = free = _free_name(call.arguments["destination"])
            sample(*call.args, **call.kwargs)
            self._hear_sample(call.arguments["sample_config"], Path(free))

        sampler.sample = sample_and_tell

    def close_scalars(self) -> None:
        """Close TensorBoard's file, which OneTrainer does at its end only."""
        if writer := getattr(self._trainer, "tensorboard", None):
            writer.close()

    def finish(self) -> None:
        """Report what the last thing that OneTrainer did has brought."""
        self._leave(self._status)
        self._status = ""

    # What OneTrainer calls

    def _on_status(self, status: str) -> None:
        if status == self._status == TRAINING:
            return
        self._leave(self._status)
        self._status = status
        self._control.set_deaf(status in CACHING)
        if status in (TRAINING, SAMPLING):
            self._plan(_epoch_length(self._trainer))
        doing = DOING.get(status, Doing.OTHER)
        self._journal.write("activity", doing=doing, text=status if doing is Doing.OTHER else "")
        if status != TRAINING:
            say(status)
        if status in (BACKING_UP, SAVING):
            self._known = set(self._written(status))
        elif status == SAMPLING:
            self._round = {"drawn": 0, "kind": "default"}

    def _on_progress(self, progress: Any, max_step: int, _max_epoch: int) -> None:
        """Behind each step, and once more behind each epoch, which is no step."""
        if progress.global_step == self.position["global_step"]:
            self.position = position(progress)
            return
        self._plan(max_step)
        self.position = position(progress)
        metrics, self._scalars = self._scalars, {}
        if getattr(self._trainer, "one_step_trained", True):
            self._control.is_disposable = False
        self._journal.write("step", progress=self.position, metrics=metrics)
        self._tell_memory()

    def _on_denoising(self, step: int, max_step: int) -> None:
        now = time.monotonic()
        if now - self._told_at >= MIN_PROGRESS_S:
            self._told_at = now
            self._journal.write("activity", doing=Doing.DENOISING, current=int(step), total=int(max_step))

    # What it means

    def _plan(self, epoch_length: int) -> None:
        """Say how long the whole run is, whenever that is news: OneTrainer only knows its current epoch."""
        if not epoch_length:
            return
        if not self._max_step:
            self.position = position(self._trainer.model.train_progress)
        now, epochs = self.position, int(self._config.epochs)
        left = epoch_length - now["epoch_step"] + (epochs - now["epoch"] - 1) * epoch_length
        max_step = now["global_step"] + max(0, left)
        if max_step != self._max_step:
            self._max_step = max_step
            self._journal.write(
                "planned",
                max_step=max_step,
                max_epoch=epochs,
                progress=now,
                resumed_from=self.resumed_from,
                recurring=_recurring_work(self._config),
            )

    def _hear_scalar(self, tag: str, value: float, global_step: int) -> None:
        if tag.startswith("loss/validation_step/"):
            # OneTrainer counts from 0 and measures behind the step.
            self._journal.write("metrics", global_step=global_step + 1, values={tag: finite(value)})
        else:
            self._scalars[tag] = finite(value)

    def _hear_sample(self, sample_config: Any, destination: Path) -> None:
        found = sorted(destination.parent.glob(f"{_escape(destination.name)}.*"))
        if not found:
            self._journal.warn(f"A sample was drawn but no file was written to {destination.parent}.")
            return
        done = self._round = self._round or {"drawn": 0, "kind": "default"}
        if destination.parent.name == "custom":
            done["kind"], index = "custom", done["drawn"]
            done.setdefault("total", sum(self._control.custom_samples))
            self._control.custom_samples.clear()
        else:
            index = int(destination.parent.name.partition(" ")[0])
            done.setdefault("total", sum(1 for sample in self._config.samples if sample.enabled))
        done["drawn"] += 1
        self._journal.write(
            "sample",
            kind=done["kind"],
            path=self.inside(found[-1]),
            index=index,
            progress=self.position,
            settings=_settings(sample_config),
        )
        total = max(done["total"], done["drawn"])
        self._journal.write("sample_progress", kind=done["kind"], current=done["drawn"], total=total)

    def _leave(self, status: str) -> None:
        """OneTrainer says when it begins something, never that it has succeeded: that is seen by what it has left."""
        if status == SAMPLING and self._round:
            self._journal.write("samples_done", kind=self._round["kind"], sample_count=self._round["drawn"])
            self._round = None
        elif status in (BACKING_UP, SAVING):
            new = sorted(set(self._written(status)) - self._known)
            if not new:
                self._journal.warn(
                    f"OneTrainer failed at {WORDS[DOING[status]]}; the log says why. The training goes on."
                )
            for path in new:
                if status == BACKING_UP:
                    progress = json.loads((path / "meta.json").read_bytes())["train_progress"]
                    self._journal.write("backup", path=self.inside(path), progress=progress)
                else:
                    self._journal.write("save", path=self.inside(path), progress=self.position)

    def _written(self, status: str) -> list[Path]:
        if status == BACKING_UP:
            return [path.parent for path in (self._outputs / "backup").glob("*/meta.json")]
        return list((self._outputs / "save").glob("*-save-*"))

    def inside(self, path: Path) -> str:
        """A path relative to the run folder; absolute when it lies outside."""
        path = path.resolve()
        return path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else str(path)

    def _tell_memory(self) -> None:
        now = time.monotonic()
        if now - self._memory_told_at < MIN_MEMORY_S or not str(self._config.train_device).startswith("cuda"):
            return
        import torch  # OneTrainer has brought it

        self._memory_told_at = now
        index = torch.device(self._config.train_device).index or 0
        allocated, reserved = torch.cuda.memory_allocated(index), torch.cuda.memory_reserved(index)
        held = {"device": index, "allocated_bytes": allocated, "reserved_bytes": reserved}
        self._journal.write("memory", devices=[held])


def _audible(callback: Callable[..., None]) -> Callable[..., None]:
    """OneTrainer swallows what a callback raises; it shall stand in the log at least."""

    @functools.wraps(callback)
    def call(*args: Any) -> None:
        try:
            callback(*args)
        except Exception:
            traceback.print_exc()
            raise

    return call


def _recurring_work(config: Any) -> list[dict[str, Any]]:
    """What OneTrainer does besides its steps; behind the last one it neither draws nor measures.

    Older versions lack some of it.
    """
    at_end = {"backup": bool(config.backup_before_save), "save": True}
    return [
        {
            "doing": keys.doing,
            "every": getattr(config, keys.every),
            "unit": str(getattr(config, keys.unit)),
            "from_start": keys.from_start,
            "skip": getattr(config, keys.skip, 0) if keys.skip else 0,
            "at_end": at_end.get(keys.name, False),
        }
        for keys in RECURRING_WORK
        if hasattr(config, keys.every) and (keys.name != "validate" or config.validation)
    ]


def _epoch_length(trainer: Any) -> int:
    """Steps of the current epoch, as soon as they are known; 0 where a version keeps them elsewhere."""
    try:
        return int(trainer.data_loader.get_data_set().approximate_length())
    except AttributeError:
        return 0


def _free_name(destination: str) -> str:
    """OneTrainer names samples by the second; two in one second shall not replace each other."""
    path, number = Path(destination), 1
    while any(path.parent.glob(f"{_escape(path.name)}.*")):
        number += 1
        path = Path(f"{destination}-{number}")
    return str(path)


def _escape(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def _settings(sample_config: Any) -> dict[str, Any]:
    """A sample's settings as used, in the configuration's words."""
    settings = sample_config.to_dict()
    return {name: value for name, value in settings.items() if name not in ("__version", "enabled")}
