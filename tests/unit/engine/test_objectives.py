"""Noise, targets, losses and weights against numbers worked out by hand."""

import math

import pytest
import torch

from onetrainer_web.config.enums import LossWeight
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.optimization.ema import Ema, ema_decay_at
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError
from onetrainer_web.engine.seams.objectives import DiffusionObjective, Prediction, draw_noise, log_cosh, sample_losses

ALPHAS = torch.tensor([0.9, 0.5, 0.1])
SNR = [9.0, 1.0, 1 / 9]
ALL = torch.tensor([0, 1, 2])


def objective(prediction: str = "epsilon") -> DiffusionObjective:
    """Three noise levels."""
    return DiffusionObjective(ALPHAS, Prediction(prediction))


def test_noise_is_mixed_in_by_the_square_roots_of_both_shares() -> None:
    latents, noise = torch.full((3, 1, 1, 1), 2.0), torch.full((3, 1, 1, 1), 10.0)
    expected = [math.sqrt(a) * 2 + math.sqrt(1 - a) * 10 for a in (0.9, 0.5, 0.1)]
    assert objective().add_noise(latents, noise, ALL).flatten().tolist() == pytest.approx(expected)


def test_targets_are_the_noise_or_the_velocity() -> None:
    latents, noise = torch.full((3, 1, 1, 1), 2.0), torch.full((3, 1, 1, 1), 10.0)
    assert torch.equal(objective().target(latents, noise, ALL), noise)
    expected = [math.sqrt(a) * 10 - math.sqrt(1 - a) * 2 for a in (0.9, 0.5, 0.1)]
    assert objective("v_prediction").target(latents, noise, ALL).flatten().tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("function", "prediction", "expected"),
    [
        (LossWeight.CONSTANT, "epsilon", [1, 1, 1]),
        # Hang et al. 2023, eq. 7 and appendix: min(SNR, γ) / SNR for noise, min(SNR, γ) / (SNR + 1) for velocity.
        (LossWeight.MIN_SNR_GAMMA, "epsilon", [5 / 9, 1, 1]),
        (LossWeight.MIN_SNR_GAMMA, "v_prediction", [5 / 10, 1 / 2, (1 / 9) / (10 / 9)]),
        # Choi et al. 2022, eq. 8 with k = 1: 1 / (1 + SNR)^γ.
        (LossWeight.P2, "epsilon", [(1 + s) ** -5 for s in SNR]),
        (LossWeight.P2, "v_prediction", [(2 + s) ** -5 for s in SNR]),
        # Yu et al. 2023: 1 / sqrt(SNR).
        (LossWeight.DEBIASED_ESTIMATION, "epsilon", [1 / 3, 1, 3]),
        (LossWeight.DEBIASED_ESTIMATION, "v_prediction", [1 / math.sqrt(s + 1) for s in SNR]),
    ],
)
def test_loss_weights(function: LossWeight, prediction: str, expected: list[float]) -> None:
    found = objective(prediction).loss_weight(function, 5.0, ALL)
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_debiased_weights_do_not_vanish_where_there_is_no_noise() -> None:
    weak = DiffusionObjective(torch.tensor([0.99999]), Prediction.EPSILON)
    found = weak.loss_weight(LossWeight.DEBIASED_ESTIMATION, 0.0, torch.tensor([0]))
    assert found.tolist() == pytest.approx([1 / math.sqrt(1000)])


def test_sigma_weights_belong_to_flow_matching() -> None:
    with pytest.raises(UnsupportedSettingError, match="loss_weight_fn"):
        objective().loss_weight(LossWeight.SIGMA, 1.0, ALL)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [(4 + 0) / 2, (9 + 1) / 2]),
        ({"mse_strength": 0, "mae_strength": 2}, [2 * 1, 2 * 2]),
        (
            {"mse_strength": 0, "log_cosh_strength": 1},
            [math.log(math.cosh(2)) / 2, (math.log(math.cosh(3)) + math.log(math.cosh(1))) / 2],
        ),
        # Huber with δ = 1.5: d²/2 below δ, δ(|d| − δ/2) above.
        (
            {"mse_strength": 0, "huber_strength": 1, "huber_delta": 1.5},
            [1.5 * (2 - 0.75) / 2, (1.5 * (3 - 0.75) + 0.5) / 2],
        ),
        ({"mse_strength": 0.5, "mae_strength": 1}, [0.5 * 2 + 1, 0.5 * 5 + 2]),
    ],
)
def test_losses_of_samples(settings: dict[str, float], expected: list[float]) -> None:
    predicted = torch.tensor([[2.0, 0.0], [-3.0, 1.0]]).view(2, 1, 1, 2)
    found = sample_losses(TrainConfig.model_validate(settings), predicted, torch.zeros_like(predicted))
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_log_cosh_does_not_overflow() -> None:
    assert log_cosh(torch.tensor([1e4, -1e4])).tolist() == pytest.approx([1e4 - math.log(2)] * 2)


def test_noise_depends_on_the_step_alone_and_each_kind_on_its_own() -> None:
    latents = torch.zeros(2, 4, 8, 8)
    plain = draw_noise(TrainConfig(), latents, 3)
    assert torch.equal(plain, draw_noise(TrainConfig(), latents, 3))
    assert not torch.equal(plain, draw_noise(TrainConfig(), latents, 4))
    offset = draw_noise(TrainConfig(offset_noise_weight=0.5), latents, 3) - plain
    assert torch.allclose(offset, offset[:, :, :1, :1].expand_as(offset), atol=1e-6)
    assert len(offset[:, :, 0, 0].unique()) == 8
    perturbation = draw_noise(TrainConfig(perturbation_noise_weight=0.5), latents, 3) - plain
    assert float(perturbation.std()) == pytest.approx(0.5, rel=0.1)


def test_the_average_follows_its_warm_up() -> None:
    assert [ema_decay_at(step, 0.5) for step in (0, 1, 100)] == pytest.approx([0.1, 2 / 11, 0.5])
    weight = torch.nn.Parameter(torch.tensor([0.0]))
    ema = Ema({"weight": weight}, torch.device("cpu"), 0.999)
    weight.data.fill_(10.0)
    assert ema.update(0) == pytest.approx(0.1)
    assert ema.averages["weight"].tolist() == pytest.approx([9.0])


def test_the_average_is_swapped_in_and_out_again() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    ema = Ema({"weight": weight}, torch.device("cpu"), 0.999)
    weight.data.fill_(5.0)
    with ema.swapped_in():
        assert weight.tolist() == [1.0]
    assert weight.tolist() == [5.0]


def test_a_mask_weighs_elements_before_the_mean() -> None:
    predicted = torch.tensor([[[[1.0, 3.0]], [[1.0, 3.0]]]])
    mask = torch.tensor([[[[1.0, 0.5]]]])
    assert float(sample_losses(TrainConfig(), predicted, torch.zeros_like(predicted), mask)) == (1 + 4.5) / 2


def test_generalised_offset_noise_follows_the_recursion_of_its_paper() -> None:
    # Kutsuna 2024 (arXiv 2412.03134), balanced strategy: γ₁ = 1, γ_t = C_t · Σ_{i<t} γ_i / √ᾱ_{i-1} with
    # C_t = (1 - α_t) √ᾱ_{t-1} / (α_t (1 - ᾱ_{t-1})); ψ_t = Σ_{i≤t} γ_i / √ᾱ_{i-1} / √(1 - ᾱ_t), scaled so that ψ_T = 1.
    bars = [1.0, *ALPHAS.double().tolist()]
    total, psi = 1.0, [1.0 / math.sqrt(1 - bars[1])]
    for before, bar in zip(bars[1:], bars[2:], strict=False):
        alpha = bar / before
        gamma = (1 - alpha) * math.sqrt(before) / (alpha * (1 - before)) * total
        total += gamma / math.sqrt(before)
        psi.append(total / math.sqrt(1 - bar))
    found = objective().offset_scale(ALL)
    assert found.tolist() == pytest.approx([each / psi[-1] for each in psi], rel=1e-5)


def test_with_pure_noise_at_the_end_only_the_end_has_an_offset() -> None:
    ends = DiffusionObjective(torch.tensor([0.9, 0.5, 0.0]), Prediction.V)
    assert ends.offset_scale(ALL).tolist() == pytest.approx([0, 0, 1], abs=1e-6)
