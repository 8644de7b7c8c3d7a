"""Every row of the optimizer table, and the learning rates it gets."""

import math
from pathlib import Path

import pytest
import torch

from onetrainer_web.config.enums import Optimizer
from onetrainer_web.config.optimizer_tables import with_defaults
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.errors import UnsupportedSettingError
from onetrainer_web.engine.interfaces import ParameterGroup
from onetrainer_web.engine.optimizers import OPTIMIZERS, create_optimizer


def make(optimizer: Optimizer) -> tuple[torch.nn.Parameter, torch.optim.Optimizer]:
    """One weight under an optimizer with the settings it starts from."""
    weight = torch.nn.Parameter(torch.linspace(-1, 1, 6).view(2, 3))
    group = ParameterGroup("unet", "unet", 0.01, {"weight": weight})
    return weight, create_optimizer(TrainConfig(optimizer=with_defaults(optimizer)), [group])


def step(weight: torch.nn.Parameter, optimizer: torch.optim.Optimizer, number: int) -> None:
    """One step with a gradient of its own."""
    weight.grad = torch.sin(torch.arange(6.0) + number).view(2, 3)
    optimizer.step()


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_state_that_was_written_and_read_goes_on_bit_for_bit(optimizer: Optimizer, tmp_path: Path) -> None:
    weight, whole = make(optimizer)
    start = weight.detach().clone()
    for number in range(3):
        step(weight, whole, number)
    assert not torch.equal(weight, start)
    torch.save(whole.state_dict(), tmp_path / "state.pt")
    middle = weight.detach().clone()

    other_weight, resumed = make(optimizer)
    other_weight.data.copy_(middle)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for number in range(3, 6):
        step(weight, whole, number)
        step(other_weight, resumed, number)

    assert torch.equal(weight, other_weight)


@pytest.mark.parametrize(
    ("scaler", "factor"),
    [("NONE", 1), ("BATCH", 4), ("GRADIENT_ACCUMULATION", 3), ("BOTH", 12), ("GLOBAL_BOTH", 12), ("GLOBAL_BATCH", 4)],
)
def test_the_rate_grows_with_the_square_root_of_its_scaler(scaler: str, factor: int) -> None:
    config = TrainConfig.model_validate(
        {"learning_rate_scaler": scaler, "batch_size": 4, "gradient_accumulation_steps": 3}
    )
    groups = [
        ParameterGroup(name, name, rate, {"weight": torch.nn.Parameter(torch.zeros(1))})
        for name, rate in (("unet", 0.1), ("text_encoder", 0.2))
    ]
    found = [group["lr"] for group in create_optimizer(config, groups).param_groups]
    assert found == pytest.approx([0.1 * math.sqrt(factor), 0.2 * math.sqrt(factor)])


def test_an_optimizer_without_a_row_is_refused_with_those_that_exist() -> None:
    group = ParameterGroup("unet", "unet", 0.1, {"weight": torch.nn.Parameter(torch.zeros(1))})
    config = TrainConfig(optimizer=with_defaults(Optimizer.TIGER))
    with pytest.raises(UnsupportedSettingError, match=r"TIGER.*ADAMW"):
        create_optimizer(config, [group])
