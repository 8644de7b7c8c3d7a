"""The state in a backup that OneTrainer wrote: what the native trainer can take up; the rest starts anew and is told.

Position and weights are read as from any backup. States of the optimizer lie there without names of weights, by their
place in groups that have names; the weights of a group stand in the order of the network's modules, as here.
"""

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from onetrainer_web.config.optimizer_tables import SCHEDULE_FREE
from onetrainer_web.engine.loop.trained import Trained

_OWN = ("params", "name", "lr", "initial_lr")
"""What a group does not take from a backup."""


def take_up(folder: Path, trained: Trained) -> list[str]:
    """Take up what fits of the state that OneTrainer left; the weights were loaded by the method.

    Args:
        folder: The backup.
        trained: The training that goes on from it.

    Returns:
        What starts anew, as sentences.
    """
    anew: list[str] = []
    kept = _read(folder / "optimizer" / "optimizer.pt")
    partners = _partners(kept, trained)
    if partners:
        trained.updates.load(_renumbered(kept["state"], partners, trained.optimizer.state_dict()["param_groups"]))
    else:
        anew.append("The optimizer starts anew: what OneTrainer kept of it does not belong to what is trained here.")
    if trained.ema:
        anew.append("The average of the weights (EMA) starts anew from the weights as they are.")
    return anew


def _read(path: Path) -> dict[str, Any]:
    """Tensors and numbers; an empty one when there is no file, or one that would have to run code to be read."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError):
        return {}


def _partners(kept: dict[str, Any], trained: Trained) -> list[dict[str, Any]]:
    """The group in the backup for each of ours; none at all when one is missing, or has other weights."""
    chosen = trained.config.optimizer.optimizer
    # Schedule-free optimizers are put away with other weights than those they train.
    if set(kept.get("param_group_optimizer_mapping", ())) != {chosen.value} or chosen in SCHEDULE_FREE:
        return []
    groups = dict(zip(map(_plain, kept["param_group_mapping"]), kept["param_groups"], strict=True))
    partners = [groups.get(_plain(group.name), {}) for group in trained.groups]
    own = [list(group.parameters.values()) for group in trained.groups]
    fits = all(_fits(partner, kept["state"], weights) for partner, weights in zip(partners, own, strict=True))
    return partners if fits and len(partners) == len(trained.optimizer.param_groups) else []


def _plain(group: str) -> str:
    """A group's name as the part that it trains: OneTrainer's newer families leave `_lora` out."""
    return group.removesuffix("_lora").replace("text_encoder_1", "text_encoder")


def _fits(partner: dict[str, Any], states: dict[int, Any], weights: Sequence[Tensor]) -> bool:
    places = partner.get("params", [])
    return len(places) == len(weights) and all(
        memory.shape == weight.shape
        for place, weight in zip(places, weights, strict=True)
        for memory in states.get(place, {}).values()
        if isinstance(memory, Tensor) and memory.ndim == weight.ndim > 1
    )


def _renumbered(states: dict[int, Any], partners: list[dict[str, Any]], own: list[dict[str, Any]]) -> dict[str, Any]:
    """What was kept, in the order of our groups and with our learning rates."""
    state = {
        place: states[old]
        for partner, group in zip(partners, own, strict=True)
        for old, place in zip(partner["params"], group["params"], strict=True)
        if old in states
    }
    groups = [
        {name: value if name in _OWN else partner.get(name, value) for name, value in group.items()}
        for partner, group in zip(partners, own, strict=True)
    ]
    return {"state": state, "param_groups": groups}
