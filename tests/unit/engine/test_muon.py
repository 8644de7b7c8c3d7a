"""Which weights Muon trains, and with which rates the others do."""

from typing import Any

import pytest
import torch

from onetrainer_web.config.enums import Optimizer
from onetrainer_web.config.optimizer_tables import with_defaults
from onetrainer_web.engine.optimization.muon import split_groups
from onetrainer_web.engine.seams.interfaces import ParameterGroup

WEIGHTS = {"conv_in.weight": (4, 4), "blocks.0.attn.weight": (4, 4), "blocks.0.attn.bias": (4,), "out.weight": (4, 4)}


def split(optimizer: Optimizer = Optimizer.MUON, part: str = "unet", **changes: Any) -> dict[str, Any]:
    """The groups of one part by name, with the names of their weights."""
    parameters = {f"{part}.{name}": torch.nn.Parameter(torch.zeros(shape)) for name, shape in WEIGHTS.items()}
    names = {id(weight): name.removeprefix(f"{part}.") for name, weight in parameters.items()}
    settings = with_defaults(optimizer).model_copy(update=changes)
    groups = split_groups([ParameterGroup(part, part, 0.1, parameters)], settings, scale=2.0)
    return {group["name"]: {**group, "params": [names[id(weight)] for weight in group["params"]]} for group in groups}


def test_matrices_in_blocks_train_with_muon_and_all_others_with_adam() -> None:
    groups = split()
    assert groups["unet_muon"]["params"] == ["blocks.0.attn.weight"]
    assert groups["unet_adam"]["params"] == ["conv_in.weight", "blocks.0.attn.bias", "out.weight"]
    assert [group["use_muon"] for group in groups.values()] == [True, False]
    assert groups["unet_muon"]["lr"] == pytest.approx(0.2)
    assert groups["unet_adam"]["lr"] == pytest.approx(2 * 0.0003)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"muon_hidden_layers": "conv, out"}, ["conv_in.weight", "out.weight"]),
        ({"muon_hidden_layers": "^unet.o", "muon_adam_regex": True}, ["out.weight"]),
        ({"MuonWithAuxAdam": False}, ["conv_in.weight", "blocks.0.attn.weight", "out.weight"]),
    ],
)
def test_the_configuration_chooses_the_layers(changes: dict[str, Any], expected: list[str]) -> None:
    assert split(**changes)["unet_muon"]["params"] == expected


def test_text_encoders_may_have_a_rate_of_their_own() -> None:
    rates: dict[str, Any] = {"muon_te1_adam_lr": 0.01, "muon_te2_adam_lr": 0.02}
    assert split(part="text_encoder", **rates)["text_encoder_adam"]["lr"] == pytest.approx(0.02)
    assert split(part="text_encoder_2", **rates)["text_encoder_2_adam"]["lr"] == pytest.approx(0.04)
    assert split(part="text_encoder")["text_encoder_adam"]["lr"] == pytest.approx(2 * 0.0003)


def test_the_parameters_of_adam_reach_each_library_by_its_names() -> None:
    given: dict[str, Any] = {"muon_adam_config": {"beta1": 0.5, "eps": 1e-3, "use_atan2": True, "weight_decay": None}}
    own = split(**given)["unet_adam"]
    assert (own["betas"], own["eps"], own["weight_decay"]) == ((0.5, 0.99), 1e-3, 0.0)
    other = split(Optimizer.MUON_ADV, **given)["unet_adam"]
    assert (other["adam_betas"], other["adam_eps"], other["adam_use_atan2"]) == ((0.5, 0.99), 1e-3, True)
