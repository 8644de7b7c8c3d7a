"""Weights that change one by one, and rounding by chance."""

from typing import Any

import pytest
import torch

from onetrainer_web.config.enums import Optimizer
from onetrainer_web.config.optimizer_tables import FUSED_BACK_PASS, with_defaults
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.optimization.ema import Ema
from onetrainer_web.engine.optimization.optimizers import OPTIMIZERS, create_optimizer
from onetrainer_web.engine.optimization.weight_updates import WeightUpdates, round_by_chance
from onetrainer_web.engine.seams.interfaces import ParameterGroup

NO_SCALER = torch.amp.GradScaler("cpu", enabled=False)
FUSED = sorted(FUSED_BACK_PASS & OPTIMIZERS.keys())
DRAWS_TOGETHER = {Optimizer.PRODIGY_PLUS_SCHEDULE_FREE}
"""Finds its rate in the order in which gradients come."""


class Learner:
    """Two weights, their optimizer, and the loss that pulls them to one."""

    def __init__(self, optimizer: Optimizer, dtype: torch.dtype = torch.float32, **changes: Any) -> None:
        rate = changes.pop("rate", 0.01)
        settings = with_defaults(optimizer).model_copy(update={"min_8bit_size": 1, **changes})
        config = TrainConfig(optimizer=settings, clip_grad_norm=None)
        self.weights = [torch.nn.Parameter(torch.linspace(-1, 1, 48).view(6, 8).to(dtype) * n) for n in (1, 2)]
        parameters = {f"unet.blocks.{place}.weight": weight for place, weight in enumerate(self.weights)}
        self.optimizer = create_optimizer(config, [ParameterGroup("unet", "unet", rate, parameters)])
        self.updates = WeightUpdates(self.optimizer, config, can_fuse=True)

    def step(self, number: int) -> None:
        """One step towards one."""
        torch.manual_seed(number)
        self.updates.begin(number)
        torch.stack([((weight.float() - 1) ** 2).sum() for weight in self.weights]).sum().backward()
        self.updates.apply(NO_SCALER)


@pytest.mark.parametrize("optimizer", [o for o in FUSED if o not in DRAWS_TOGETHER])
def test_steps_within_the_backward_pass_are_the_same_steps(optimizer: Optimizer) -> None:
    plain, fused = Learner(optimizer), Learner(optimizer, fused_back_pass=True)
    assert fused.updates.is_fused
    assert not plain.updates.is_fused
    for number in range(4):
        plain.step(number)
        fused.step(number)
    for own, other in zip(plain.weights, fused.weights, strict=True):
        assert torch.allclose(own, other, rtol=1e-6)
        assert other.grad is None
    assert not torch.equal(fused.weights[0], Learner(optimizer).weights[0])


@pytest.mark.parametrize("optimizer", FUSED)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_fused_steps_go_on_bit_for_bit_from_a_written_state(
    optimizer: Optimizer, dtype: torch.dtype, tmp_path: Any
) -> None:
    settings = {"fused_back_pass": True, "stochastic_rounding": True}
    whole, resumed = Learner(optimizer, dtype, **settings), Learner(optimizer, dtype, **settings)
    for number in range(3):
        whole.step(number)
    torch.save(whole.optimizer.state_dict(), tmp_path / "state.pt")
    for own, other in zip(whole.weights, resumed.weights, strict=True):
        other.data.copy_(own.data)
    resumed.updates.load(torch.load(tmp_path / "state.pt", weights_only=True))
    for number in range(3, 6):
        whole.step(number)
        resumed.step(number)
    for own, other in zip(whole.weights, resumed.weights, strict=True):
        assert own.dtype is dtype
        assert torch.equal(own, other)


def test_clipping_is_by_single_weights_when_they_change_one_by_one() -> None:
    learner = Learner(Optimizer.ADAMW, fused_back_pass=True)
    seen: list[float] = []
    learner.updates._max_norm = 0.5
    for weight in learner.weights:
        weight.register_post_accumulate_grad_hook(lambda w: seen.append(-1 if w.grad is None else float(w.grad.norm())))
    optimizer: Any = learner.optimizer
    optimizer.step = lambda: seen.extend(
        float(w.grad.norm()) for group in learner.optimizer.param_groups for w in group["params"] if w.grad is not None
    )
    learner.step(0)
    assert [norm for norm in seen if norm > 0] == pytest.approx([0.5, 0.5], rel=1e-3)


def test_rounding_by_chance_is_right_on_average_and_depends_on_the_seed_alone() -> None:
    # A bfloat16 near 1 has steps of 1/128: 1.002 lies 0.256 of the way from 1 to the next one.
    values = torch.full((100_000,), 1.002)
    rounded = round_by_chance(values, torch.Generator().manual_seed(1))
    assert rounded.unique().tolist() == [1.0, 1.0078125]
    assert float((rounded > 1).float().mean()) == pytest.approx(0.002 * 128, abs=0.01)
    assert torch.equal(rounded, round_by_chance(values, torch.Generator().manual_seed(1)))
    assert not torch.equal(rounded, round_by_chance(values, torch.Generator().manual_seed(2)))


def test_what_bfloat16_can_hold_is_not_changed_by_rounding() -> None:
    exact = torch.tensor([0.0, 1.0, -2.5, 3e38, -1e-30, float("inf")]).bfloat16()
    assert torch.equal(round_by_chance(exact.float(), torch.Generator().manual_seed(1)), exact)


@pytest.mark.parametrize(
    "optimizer", [Optimizer.ADAM, Optimizer.ADAMW, Optimizer.ADAFACTOR, Optimizer.CAME, Optimizer.CAME_8BIT]
)
def test_small_steps_of_bfloat16_weights_are_not_lost(optimizer: Optimizer) -> None:
    """Steps of 0.00001 vanish beside weights of about one, unless they are rounded by chance."""
    moved: dict[bool, float] = {}
    for rounds in (False, True):
        learner = Learner(optimizer, torch.bfloat16, rate=1e-5, stochastic_rounding=rounds, weight_decay=0.0)
        before = [weight.detach().clone() for weight in learner.weights]
        for number in range(20):
            learner.step(number)
        large = [start.abs() > 0.5 for start in before]
        moved[rounds] = sum(
            float((w.detach().float() - start.float())[mask].abs().sum())
            for w, start, mask in zip(learner.weights, before, large, strict=True)
        )
    assert moved[False] == 0
    assert moved[True] > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_the_average_of_short_weights_follows_as_one_in_double_precision(dtype: torch.dtype) -> None:
    weight = torch.nn.Parameter(torch.linspace(0.1, 1, 100).to(dtype))
    ema = Ema({"weight": weight}, torch.device("cpu"), 0.999)
    start = expected = weight.detach().double()
    draws = torch.Generator().manual_seed(3)
    for update in range(300):
        weight.data += (0.01 * torch.rand(100, generator=draws)).to(dtype)
        decay = ema.update(update)
        expected = decay * expected + (1 - decay) * weight.detach().double()
    moved = (expected - start).norm()
    assert float((ema.averages["weight"].double() - expected).norm()) < 0.01 * float(moved)
    assert float(moved) > 0.1
    older = {"weight": expected.to(torch.bfloat16)}  # as backups held them once
    ema.load(older)
    assert torch.equal(ema.averages["weight"], older["weight"].float())
    with ema.swapped_in():
        assert weight.dtype is dtype
        assert torch.equal(weight, ema.averages["weight"].to(dtype))


def test_many_gradients_of_short_weights_are_summed_up_whole_and_go_on_from_a_backup() -> None:
    learner = Learner(Optimizer.SGD, torch.bfloat16)
    weight = learner.weights[0]
    draws = torch.Generator().manual_seed(3)
    expected = torch.zeros(6, 8, dtype=torch.float64)
    for number in range(300):
        weight.grad = (1 + 0.1 * torch.rand(6, 8, generator=draws)).to(torch.bfloat16)
        expected += weight.grad.double()
        learner.updates.put_by()
        if number == 150:
            kept = learner.updates.gradient(weight)
            assert kept is not None
            learner = Learner(Optimizer.SGD, torch.bfloat16)
            weight = learner.weights[0]
            learner.updates.take_up(weight, kept)
    found = learner.updates.gradient(weight)
    assert found is not None
    assert torch.allclose(found.double(), expected, rtol=1e-5)
    before = weight.detach().clone()
    learner.updates.apply(NO_SCALER)
    assert torch.allclose(weight.double(), before.double() - 0.01 * expected, rtol=0.01)
    assert learner.updates.gradient(weight) is None
