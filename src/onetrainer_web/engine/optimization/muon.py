"""Which weights Muon trains, and which the AdamW beside it.

Muon (Jordan et al. 2024) makes steps orthogonal, which has a meaning for the matrices inside a network only; its
authors train what comes first and last, and all vectors, with AdamW.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch.nn import Parameter

from onetrainer_web.config.enums import Optimizer
from onetrainer_web.config.optimizer_tables import PARAMETERS, effective_parameters
from onetrainer_web.config.optimizers import TrainOptimizerConfig
from onetrainer_web.engine.seams.interfaces import ParameterGroup

MUONS = frozenset({Optimizer.MUON, Optimizer.MUON_ADV, Optimizer.ADAMUON_ADV})
_IN_A_BLOCK = r"\.\d+\."
"""Repeated blocks are numbered; what comes before and behind them is not."""
_RATES = {"text_encoder": "muon_te1_adam_lr", "text_encoder_2": "muon_te2_adam_lr"}


def split_groups(
    groups: Sequence[ParameterGroup], settings: TrainOptimizerConfig, scale: float
) -> list[dict[str, Any]]:
    """The groups of an optimizer of `MUONS`: up to two for each of `groups`, `<name>_muon` and `<name>_adam`.

    Args:
        groups: What trains.
        settings: Of the optimizer.
        scale: Factor of all learning rates.
    """
    values = effective_parameters(settings)
    found: list[dict[str, Any]] = []
    for group in groups:
        inside = {name for name, weight in group.parameters.items() if _is_for_muon(name, weight, values)}
        rate = values.get(_RATES.get(group.part or "", "")) or values["muon_adam_lr"]
        for label, is_muon, own_rate in (("muon", True, group.learning_rate), ("adam", False, rate)):
            weights = [weight for name, weight in group.parameters.items() if (name in inside) == is_muon]
            more = {} if is_muon else _adam_arguments(settings)
            place = {"params": weights, "lr": own_rate * scale, "name": f"{group.name}_{label}", "use_muon": is_muon}
            if weights:
                found.append({**place, **more})
    return found


def _is_for_muon(name: str, weight: Parameter, values: Mapping[str, Any]) -> bool:
    if weight.ndim < 2:
        return False
    if not values["MuonWithAuxAdam"]:
        return True
    patterns = [pattern.strip() for pattern in (values["muon_hidden_layers"] or "").split(",") if pattern.strip()]
    if not patterns:
        return re.search(_IN_A_BLOCK, name) is not None
    if values["muon_adam_regex"]:
        return any(re.search(pattern, name) for pattern in patterns)
    return any(pattern in name for pattern in patterns)


def _adam_arguments(settings: TrainOptimizerConfig) -> dict[str, Any]:
    """`muon_adam_config` as the library calls it; what it leaves out has AdamW's defaults."""
    given = {name: value for name, value in (settings.muon_adam_config or {}).items() if value is not None}
    values = {**PARAMETERS[Optimizer.ADAMW_ADV], **given}
    betas = (values["beta1"], values["beta2"])
    if settings.optimizer is Optimizer.MUON:
        return {"betas": betas, "eps": values["eps"], "weight_decay": values["weight_decay"]}
    same = ["eps", "weight_decay", "use_atan2", "kourkoutas_beta", "nnmf_factor"]
    orthogonal = "flattened" if values["orthogonal_gradient"] else "disabled"
    return {"adam_betas": betas, "adam_orthogonal_gradient": orthogonal, **{f"adam_{n}": values[n] for n in same}}
