"""What the stages of the build share: the plan, the time slice, checkpoints that survive an interruption, seeds."""

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class BuildPlan:
    """Everything that decides the finished weights; the same plan on the same machine gives the same model."""

    seed: int = 7
    varied_pictures: int = 5000
    """Pictures the autoencoder learns from, drawn once and augmented in every step."""
    autoencoder_steps: int = 1500
    autoencoder_batch_size: int = 16
    autoencoder_learning_rate: float = 1.5e-3
    captioned_pictures: int = 30000
    """Captioned pictures the denoiser learns from, encoded once."""
    denoiser_steps: int = 8000
    denoiser_batch_size: int = 16
    denoiser_learning_rate: float = 1e-3
    denoiser_decay_share: float = 0.25
    """Share of the steps, at the end, in which the learning rate falls to nothing; before that it is constant."""
    caption_dropout: float = 0.1
    """Share of captions replaced by the empty one, for classifier-free guidance."""
    ema_decay: float = 0.999


@dataclass
class TimeSlice:
    """How long this call of the build may still work; a stage asks between steps and stops in good order."""

    minutes: float | None = None
    _started_s: float = field(default_factory=time.monotonic)

    def is_over(self) -> bool:
        """Tell whether the time is used up; without a limit it never is."""
        return self.minutes is not None and time.monotonic() - self._started_s > self.minutes * 60


def generator_for(seed: int, purpose: str, step: int) -> torch.Generator:
    """Give a generator that depends on nothing but its arguments, so that a resumed build loses nothing."""
    digest = hashlib.sha256(f"{seed} {purpose} {step}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


def write_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write tensors and plain values so that `path` always holds a whole checkpoint, the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    torch.save(dict(content), unfinished)
    os.replace(unfinished, path)


def read_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read what `write_checkpoint` wrote, or give None when there is nothing yet."""
    return torch.load(path, weights_only=True) if path.exists() else None
