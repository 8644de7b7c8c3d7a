"""What a run still has to do: counted from where it stands and from today's pictures, not from those of its past."""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onetrainer_web.config.devices import batches_an_update
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.optimization.schedules import SchedulePlan, plan_schedule
from onetrainer_web.pipeline.items import TrainingData
from onetrainer_web.protocol.events import Progress


@dataclass(frozen=True)
class Remaining:
    """Where a run ends, and where its learning rate stands."""

    max_step: int
    """The step behind which the run ends."""
    updates_done: int
    """Optimizer steps that lie behind."""
    schedule: SchedulePlan


def last_step(progress: Progress, steps: Sequence[int]) -> int:
    """The step behind which a run ends.

    Args:
        progress: Where it stands.
        steps: Batches of each epoch, as its pictures are now.
    """
    to_come = steps[progress.epoch :]
    return progress.global_step + sum(to_come) - min(progress.epoch_step, to_come[0] if to_come else 0)


def behind_short_epoch(progress: Progress, steps: Sequence[int]) -> Progress:
    """At the start of the next epoch, where the running one has become so short that all its steps lie behind."""
    if not progress.epoch_step or progress.epoch >= len(steps) or progress.epoch_step < steps[progress.epoch]:
        return progress
    return Progress(epoch=progress.epoch + 1, global_step=progress.global_step)


def plan_remaining(
    config: TrainConfig, progress: Progress, steps: Sequence[int], kept: Mapping[str, Any] | None
) -> Remaining:
    """Plan the rest of a run.

    Args:
        config: The run's configuration.
        progress: Where it stands.
        steps: Batches of each epoch, as its pictures are now.
        kept: What a backup remembers of the training steps; None at the start, and if it remembers nothing.
    """
    accumulation = batches_an_update(config)
    done = kept["num_updates"] if kept else progress.global_step // accumulation
    waiting = len(kept["pending"]) if kept else 0
    max_step = last_step(progress, steps)
    to_come = math.ceil((waiting + max_step - progress.global_step) / accumulation)
    return Remaining(max_step, done, plan_schedule(config, done + to_come))


def describe_data(config: TrainConfig, data: TrainingData) -> dict[str, Any]:
    """What decides how long an epoch is and what it shows, for a backup."""
    names = [[concept.label, *(picture.file.name for picture in concept.pictures)] for concept in data.concepts]
    return {
        "pictures": data.num_pictures,
        "batch_size": config.batch_size,
        "gradient_accumulation_steps": batches_an_update(config),
        "names": hashlib.sha256(repr(names).encode()).hexdigest(),
    }


def change_since(then: Mapping[str, Any], now: Mapping[str, Any], *, is_within_epoch: bool) -> str | None:
    """What has changed since a backup, in words; None when nothing has."""
    if then == now:
        return None
    changes = [f"{key} {then[key]} then, {now[key]} now" for key in now if key != "names" and then[key] != now[key]]
    mixed = "; in the running epoch some pictures may come twice or not at all" if is_within_epoch else ""
    return (
        f"Since the backup the data has changed ({'; '.join(changes) or 'as many pictures, but others'}). What is left "
        f"of the run and its learning rate are planned anew{mixed}."
    )
