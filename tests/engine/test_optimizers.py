"""Every row of the optimizer table, and the learning rates it gets."""

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from onetrainer_web.config.enums import Optimizer
from onetrainer_web.config.optimizer_tables import (
    ADAPTIVE,
    FUSED_BACK_PASS,
    LACKING,
    LIBRARIES,
    PARAMETERS,
    SCHEDULE_FREE,
    effective_parameters,
    with_defaults,
)
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.optimization.optimizers import OPTIMIZERS, create_optimizer, drawing_weights, effective_rate
from onetrainer_web.engine.runtime.errors import LibraryMissingError, OptimizerSettingsError
from onetrainer_web.engine.seams.interfaces import ParameterGroup

SHAPE = (64, 96)
"""Above the 4096 values below which 8-bit optimizers keep whole numbers."""


NEEDED: dict[Optimizer | tuple[Optimizer, str], dict[str, Any]] = {
    (Optimizer.ADAFACTOR, "warmup_init"): {"relative_step": True},
    (Optimizer.SGD, "nesterov"): {"momentum": 0.9},
    Optimizer.CAME_8BIT: {"min_8bit_size": 4096},
    Optimizer.SCHEDULE_FREE_SGD: {"momentum": 0.9},
    Optimizer.SGD_8BIT: {"momentum": 0.9},
    Optimizer.LARS: {"momentum": 0.9},
    Optimizer.LARS_8BIT: {"momentum": 0.9},
    (Optimizer.MUON_ADV, "ortho_rank"): {"low_rank_ortho": True},
    (Optimizer.ADAMUON_ADV, "ortho_rank"): {"low_rank_ortho": True},
}
"""Further settings without which a setting has no meaning."""


def make(optimizer: Optimizer, **changes: Any) -> tuple[torch.nn.Parameter, torch.optim.Optimizer]:
    """One weight under an optimizer with the settings it starts from, and some of them changed."""
    weight = torch.nn.Parameter(torch.linspace(-1, 1, math.prod(SHAPE)).view(SHAPE))
    rate = 1.0 if optimizer in ADAPTIVE else 0.01
    other = torch.nn.Parameter(weight.detach().flip(0), requires_grad=True)
    named = {"unet": weight, "text_encoder": other}
    groups = [ParameterGroup(name, name, rate, {f"{name}.blocks.0.weight": w}) for name, w in named.items()]
    settings = with_defaults(optimizer).model_copy(update=NEEDED.get(optimizer, {}) | changes)
    return weight, create_optimizer(TrainConfig(optimizer=settings), groups)


def step(optimizer: torch.optim.Optimizer, number: int) -> None:
    """One step with a gradient of its own."""
    for place, group in enumerate(optimizer.param_groups):
        for parameter in group["params"]:
            parameter.grad = torch.sin(torch.arange(float(math.prod(SHAPE))) * (1 + number + place)).view(SHAPE)
    optimizer.step()


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_state_that_was_written_and_read_goes_on_bit_for_bit(optimizer: Optimizer, tmp_path: Path) -> None:
    weight, whole = make(optimizer)
    start = weight.detach().clone()
    for number in range(3):
        step(whole, number)
    assert not torch.equal(weight, start)
    torch.save(whole.state_dict(), tmp_path / "state.pt")
    other_weight, resumed = make(optimizer)
    for own, group in zip(whole.param_groups, resumed.param_groups, strict=True):
        group["params"][0].data.copy_(own["params"][0].data)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for number in range(3, 6):
        step(whole, number)
        step(resumed, number)

    assert torch.equal(weight, other_weight)


FOUR_DEVICES = {"multi_gpu": True, "device_indexes": "0,1,2,5"}


@pytest.mark.parametrize(
    ("settings", "scaler", "factor"),
    [
        *(({}, scaler, factor) for scaler, factor in (("NONE", 1), ("BATCH", 4), ("GRADIENT_ACCUMULATION", 3))),
        *(({}, scaler, factor) for scaler, factor in (("BOTH", 12), ("GLOBAL_BOTH", 12), ("GLOBAL_BATCH", 4))),
        *(
            (FOUR_DEVICES, scaler, factor)
            for scaler, factor in (("BOTH", 12), ("GLOBAL_BOTH", 48), ("GLOBAL_BATCH", 16))
        ),
        (FOUR_DEVICES | {"keep_effective_batch": True}, "GLOBAL_BOTH", 12),
    ],
)
def test_the_rate_grows_with_the_square_root_of_its_scaler(settings: dict[str, Any], scaler: str, factor: int) -> None:
    config = TrainConfig.model_validate(
        {"learning_rate_scaler": scaler, "batch_size": 4, "gradient_accumulation_steps": 3, **settings}
    )
    groups = [
        ParameterGroup(name, name, rate, {"weight": torch.nn.Parameter(torch.zeros(1))})
        for name, rate in (("unet", 0.1), ("text_encoder", 0.2))
    ]
    found = [group["lr"] for group in create_optimizer(config, groups).param_groups]
    assert found == pytest.approx([0.1 * math.sqrt(factor), 0.2 * math.sqrt(factor)])


def path_of(optimizer: Optimizer, **changes: Any) -> tuple[torch.Tensor, Any]:
    """Where six steps lead, and what the optimizer says of its settings."""
    weight, chosen = make(optimizer, **changes)
    for number in range(6):
        step(chosen, number)
    groups = [{name: value for name, value in group.items() if name != "params"} for group in chosen.param_groups]
    plain = {name: value for name, value in vars(chosen).items() if isinstance(value, int | float)}
    return weight.detach(), (repr(groups), repr(plain))


OTHER: dict[Any, Any] = {
    "growth_rate": 1.5,
    "k": 3,
    "n_sma_threshold": 3,
    "beta3": 0.5,
    "min_8bit_size": 8192,
    "quant_block_size": 1024,
    "slice_p": 1,
    "ns_steps": 3,
    "ortho_rank": 8,
}
"""Values to try where half of the usual one means nothing."""
CASES = [
    (optimizer, setting)
    for optimizer, row in sorted(OPTIMIZERS.items())
    for value in row.arguments.values()
    for setting in ([value] if isinstance(value, str) else value)
    # It pages memory of a graphics card, which not every machine has; rounding concerns bfloat16 alone.
    if setting not in ("is_paged", "stochastic_rounding")
]


@pytest.mark.parametrize(("optimizer", "setting"), CASES)
def test_every_setting_reaches_its_optimizer(optimizer: Optimizer, setting: str) -> None:
    usual = effective_parameters(with_defaults(optimizer))[setting]
    other = OTHER.get(setting)
    if other is None:
        other = not usual if isinstance(usual, bool) else 0.5 if not usual else usual * 0.5
    needed = NEEDED.get((optimizer, setting), {})
    weight, settings = path_of(optimizer, **needed)
    changed_weight, changed_settings = path_of(optimizer, **needed, **{setting: other})
    assert settings != changed_settings or not torch.equal(weight, changed_weight)


@pytest.mark.parametrize("optimizer", [o for o in OPTIMIZERS if o in SCHEDULE_FREE])
def test_drawing_with_the_averaged_weights_leaves_the_training_as_it_was(optimizer: Optimizer) -> None:
    weight, chosen = make(optimizer)
    for number in range(3):
        step(chosen, number)
    training = weight.detach().clone()
    with drawing_weights(chosen):
        assert not torch.equal(weight, training)
    assert torch.equal(weight, training)
    step(chosen, 3)
    assert not torch.equal(weight, training)


def test_the_rate_of_an_optimizer_that_finds_its_own_is_told_with_its_factor() -> None:
    weight, chosen = make(Optimizer.PRODIGY, d0=1e-3)
    assert effective_rate(chosen.param_groups[0]) == pytest.approx(1e-3)
    step(chosen, 0)
    assert effective_rate(chosen.param_groups[0]) == chosen.param_groups[0]["d"]


def test_rows_name_the_package_of_their_library() -> None:
    own = {"torch.optim", "transformers.optimization"}
    modules = {
        "pytorch-optimizer": "pytorch_optimizer",
        "prodigy-plus-schedule-free": "prodigyplus",
        "adv-optm": "adv_optm",
    }
    for optimizer, row in OPTIMIZERS.items():
        package = LIBRARIES.get(optimizer)
        expected = modules.get(package, package) if package else None
        if row.library == "onetrainer_web.engine.optimization.came_8bit":
            continue  # stands on two packages
        assert row.library in own if expected is None else row.library.partition(".")[0] == expected


MORE = {
    "compile orthogonal_gradient": [o for o in OPTIMIZERS if LIBRARIES.get(o) == "adv-optm"],
    "fused foreach": [Optimizer.ADAM, Optimizer.ADAMW],
    "MuonWithAuxAdam muon_hidden_layers muon_adam_regex muon_adam_lr muon_te1_adam_lr muon_te2_adam_lr "
    "muon_adam_config": [Optimizer.MUON, Optimizer.MUON_ADV, Optimizer.ADAMUON_ADV],
    "stochastic_rounding": [Optimizer.ADAM, Optimizer.ADAMW, Optimizer.ADAFACTOR, Optimizer.CAME, Optimizer.CAME_8BIT],
    "fused_back_pass": FUSED_BACK_PASS,
}
"""What is obeyed elsewhere than in the arguments of a row."""


def test_what_a_library_lacks_is_named() -> None:
    for optimizer, row in OPTIMIZERS.items():
        taken = {name for value in row.arguments.values() for name in ([value] if isinstance(value, str) else value)}
        taken |= {name for names, having in MORE.items() if optimizer in having for name in names.split()}
        assert LACKING.get(optimizer, frozenset()) == set(PARAMETERS[optimizer]) - taken, optimizer


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prodigyopt", None)
    with pytest.raises(LibraryMissingError, match="pip install prodigyopt"):
        make(Optimizer.PRODIGY)


def test_every_optimizer_of_onetrainer_is_there() -> None:
    assert set(OPTIMIZERS) == set(Optimizer)


def test_came_in_8_bits_goes_nearly_the_way_of_came_and_remembers_a_quarter() -> None:
    way, _ = path_of(Optimizer.CAME)
    weight, packed = make(Optimizer.CAME_8BIT)
    start = weight.detach().clone()
    for number in range(6):
        step(packed, number)
    assert torch.linalg.norm(weight - way) < 0.02 * torch.linalg.norm(way - start)
    assert not torch.equal(weight, way)
    memory = packed.state[weight]["exp_avg"]
    assert (memory.dtype, memory.shape) == (torch.uint8, weight.shape)
    _, whole = make(Optimizer.CAME_8BIT, min_8bit_size=math.prod(SHAPE) + 1)
    for number in range(6):
        step(whole, number)
    assert torch.equal(whole.param_groups[0]["params"][0], way)


def test_settings_that_an_optimizer_does_not_accept_are_told() -> None:
    with pytest.raises(OptimizerSettingsError, match="SCHEDULE_FREE_SGD.*[Mm]omentum"):
        make(Optimizer.SCHEDULE_FREE_SGD, momentum=0)
