"""Backups in the shape that OneTrainer gives them; a real OneTrainer's are read by `make test-onetrainer`."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.engine.conftest import Lab, find_backups
from tests.engine.outcomes import losses, result

from onetrainer_web.protocol.events import Warned, read_events
from onetrainer_web.protocol.run_folder import RunFolder

pytestmark = pytest.mark.slow

TRAINING: dict[str, Any] = {
    "lora_rank": 4,
    "text_encoder": {"train": True},
    "epochs": 4,
    "learning_rate_scheduler": "COSINE",
    "backup_after": 3,
    "backup_after_unit": "STEP",
}


def backup_of_onetrainer(folder: RunFolder) -> Path:
    """The first backup of a run as OneTrainer would have written it: fewer files, its own order of groups."""
    backup = find_backups(folder.backups)[0]
    meta = json.loads((backup / "meta.json").read_text())
    (backup / "meta.json").write_text(json.dumps({"train_progress": meta["train_progress"]}))
    file = backup / "optimizer" / "optimizer.pt"
    state = torch.load(file, weights_only=True)
    groups = state["param_groups"][::-1]
    order = [place for group in groups for place in group["params"]]
    for group in groups:
        group["params"] = [order.index(place) for place in group["params"]]
    kept = {order.index(place): memories for place, memories in state["state"].items()}
    names = state["param_group_mapping"][::-1]
    assert names == ["text_encoder_lora", "unet_lora"], "the order and the names of OneTrainer"
    torch.save({**state, "state": kept, "param_groups": groups, "param_group_mapping": names}, file)
    return backup


def warnings_of(folder: RunFolder) -> list[str]:
    return [event.message for event in read_events(folder.events) if isinstance(event, Warned)]


def test_a_training_goes_on_as_if_it_were_our_own(lab: Lab) -> None:
    whole = lab.train(**TRAINING)
    again = lab.train(backup=backup_of_onetrainer(whole), **TRAINING)
    assert losses(again) == losses(whole)[3:]
    ours, theirs = load_file(result(whole)), load_file(result(again))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert warnings_of(again) == []


def test_what_starts_anew_is_told(lab: Lab) -> None:
    settings = {**TRAINING, "ema": "CPU"}
    whole = lab.train(**settings)
    again = lab.train(backup=backup_of_onetrainer(whole), **{**settings, "optimizer": {"optimizer": "LION"}})
    assert losses(again)[0] == losses(whole)[3], "weights and position are taken up"
    optimizer, average = warnings_of(again)
    assert "optimizer starts anew" in optimizer
    assert "average" in average


def test_weights_lie_under_the_names_that_onetrainer_reads(lab: Lab) -> None:
    backup = find_backups(lab.train(**{**TRAINING, "epochs": 2}).backups)[0]
    names = load_file(backup / "lora" / "lora.safetensors").keys()
    assert "text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_down.weight" in names
    assert {name.partition(".")[0] for name in names} == {"text_encoder", "unet"}
