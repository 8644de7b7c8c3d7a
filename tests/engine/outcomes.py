"""What became of a run: what it told, what it measured, and the files and pictures that it made."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

from onetrainer_web.protocol.events import Event, Metrics, SampleDrawn, Saved, Step, read_events
from onetrainer_web.protocol.run_folder import RunFolder

Picture = np.ndarray[Any, np.dtype[np.uint8]]
"""Rows of pixels of three colours."""


def events(folder: RunFolder) -> list[Event]:
    """All events of a run."""
    return list(read_events(folder.events))


def losses(folder: RunFolder) -> list[float]:
    """The losses behind all optimizer steps."""
    return [e.metrics["loss/train_step"] for e in events(folder) if isinstance(e, Step) and e.metrics]


def validation_losses(folder: RunFolder) -> list[float]:
    """What was measured of the only validation concept; the first one in front of the first step."""
    return [next(iter(event.values.values())) for event in events(folder) if isinstance(event, Metrics)]


def result(folder: RunFolder) -> Path:
    """The file or folder that a run has made."""
    return [folder.path / e.path for e in events(folder) if isinstance(e, Saved) and e.final][-1]


def pictures(folder: RunFolder) -> list[Picture]:
    """The samples of a run, in order."""
    drawn = [event for event in events(folder) if isinstance(event, SampleDrawn)]
    return [np.asarray(Image.open(folder.path / event.path).convert("RGB")) for event in drawn]


def difference(first: Picture, second: Picture) -> int:
    """How far two pictures of one size differ in the colour where they differ most, in 0 … 255."""
    assert first.shape == second.shape
    return int(np.abs(first.astype(int) - second.astype(int)).max())


def assert_same_picture(first: Picture, second: Picture) -> None:
    """Equal but for the last bit, which the order of additions may change."""
    assert difference(first, second) <= 1


def assert_not_same(first: Picture, second: Picture) -> None:
    """Clearly different pictures."""
    assert difference(first, second) > 8


def weight_files(path: Path) -> list[Path]:
    """The weight files of a saved model."""
    return sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]


def assert_same_weights(first: RunFolder, second: RunFolder) -> None:
    """The results of two runs are equal bit for bit."""
    for own, other in zip(weight_files(result(first)), weight_files(result(second)), strict=True):
        ours, theirs = load_file(own), load_file(other)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
