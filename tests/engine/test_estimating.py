"""What a training will hold is known before it starts: measured ones hold what was estimated."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from tests.engine.conftest import Lab, config_of
from torch.profiler import ProfilerActivity, profile

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.estimating import _Walk, estimate
from onetrainer_web.protocol.estimates import Estimate

Answer = TypeVar("Answer")
CPU = torch.device("cpu")
WITH_MUCH_TO_HOLD: dict[str, Any] = {"resolution": "96", "batch_size": 4, "epochs": 2}
KINDS: dict[str, dict[str, Any]] = {
    "LoRA": {},
    "LoRA with checkpointing": {"unet": {"gradient_checkpointing": True}},
    "fine-tuning in bfloat16": {
        "training_method": "FINE_TUNE",
        "output_model_format": "DIFFUSERS",
        "train_dtype": "BFLOAT_16",
        "unet": {"gradient_checkpointing": False, "weight_dtype": "BFLOAT_16"},
        "optimizer": {"optimizer": "ADAMW", "stochastic_rounding": True},
    },
}


def on_a_card(work: Callable[[TrainConfig, Path], Answer], lab: Lab, **changes: Any) -> Answer:
    """What comes out of some work on a pretended card: in a process that does nothing else, as such a card wants it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, config_of(lab.create(**changes)), lab.workspace).result()


def estimated(config: TrainConfig, workspace: Path) -> Estimate:
    """What a training would hold."""
    return estimate(config, lambda name: workspace / name)


def steps_that_wait(config: TrainConfig, workspace: Path) -> tuple[list[int], Estimate]:
    """How often each step waits for the card, and what it would hold."""
    waits: list[int] = []
    take = _Walk._take

    def counting(walk: _Walk, step: Any, batch: Any) -> None:
        before = walk._memory.num_waits
        take(walk, step, batch)
        waits.append(walk._memory.num_waits - before)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Walk, "_take", counting)
        return waits, estimated(config, workspace)


def most_held(work: Callable[[], object]) -> int:
    """Bytes that torch's allocator had given away at most, by torch's own profiler."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        work()
    held = most = 0
    assert seen.profiler is not None
    results: Any = seen.profiler.kineto_results
    changes = sorted((event.start_ns(), event.nbytes()) for event in results.events() if event.name() == "[memory]")
    for _, change in changes:
        held += change
        most = max(most, held)
    return most


@pytest.mark.parametrize("kind", KINDS)
def test_a_training_holds_what_was_estimated(lab: Lab, kind: str) -> None:
    changes = {**WITH_MUCH_TO_HOLD, **KINDS[kind]}
    expected = estimate(config_of(lab.create(**changes)), lambda name: lab.workspace / name, CPU).peak_bytes
    measured = most_held(lambda: lab.train(**changes))
    assert expected == pytest.approx(measured, rel=0.05)


def test_a_step_waits_for_the_card_once(lab: Lab) -> None:
    """For its loss, behind everything that it gave the card to do."""
    waits, found = on_a_card(steps_that_wait, lab, train_dtype="BFLOAT_16")
    assert waits == [1]
    assert {held.what for held in found.phases[-1].held} >= {"activations", "unet", "vae", "text encoder", "adapters"}


def test_what_waits_in_main_memory_is_not_on_the_card(lab: Lab) -> None:
    whole = on_a_card(estimated, lab)
    parked = on_a_card(estimated, lab, unet={"gradient_checkpointing": False, "offload_fraction": 0.5})

    def weights(found: Estimate) -> int:
        training = next(phase for phase in found.phases if phase.phase == "training")
        return next(held.bytes for held in training.held if held.what == "unet")

    assert weights(parked) < 0.9 * weights(whole)
