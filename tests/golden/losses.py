"""A fixed set of small runs and their losses: losses.json, written by `python scripts/loss_compare.py --write`.

Bit for bit they hold for one version of torch on one kind of processor. Elsewhere other kernels round the last digits
otherwise, and only two revisions on one machine compare so: `python scripts/loss_compare.py REVISION`.
"""

import json
import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import pytest

FILE = Path(__file__).with_suffix(".json")
NUM_EPOCHS = 4
"""Of each run on the tiny Stable Diffusion."""
NUM_STEPS_OF_FAMILY = 3
TOLERANCE = 0.01
"""Share by which a loss may differ where other kernels compute it."""
METHODS: dict[str, dict[str, Any]] = {
    "lora": {"training_method": "LORA", "output_model_format": "KOHYA_LORA", "learning_rate": 1e-2},
    "fine_tune": {"training_method": "FINE_TUNE", "output_model_format": "DIFFUSERS", "learning_rate": 1e-3},
}
_BFLOAT_16: dict[str, Any] = {
    "train_dtype": "BFLOAT_16",
    "unet": {"weight_dtype": "BFLOAT_16", "gradient_checkpointing": False},
}
_WORD = {
    "uuid": "11111111-2222-4333-8444-555555555555",
    "placeholder": "square",
    "token_count": 2,
    "initial_embedding_text": "red",
}
_EMBEDDING = {"embedding_learning_rate": 0.3, "preserve_embedding_norm": True, "ema": "CPU"}
RUNS: dict[str, dict[str, Any]] = {
    "lora": METHODS["lora"],
    "lora with everything": {
        **METHODS["lora"],
        "text_encoder": {"train": True, "dropout_probability": 0.3},
        "unet": {"gradient_checkpointing": True},
        "dropout_probability": 0.1,
        "ema": "CPU",
        "ema_update_step_interval": 1,
        "learning_rate_scheduler": "COSINE",
        "learning_rate_warmup_steps": 2,
        "gradient_accumulation_steps": 2,
        "offset_noise_weight": 0.1,
        "loss_weight_fn": "MIN_SNR_GAMMA",
    },
    "lora with an embedding": {
        **METHODS["lora"],
        **_EMBEDDING,
        "additional_embeddings": [_WORD],
        "text_encoder": {"train": True},
    },
    "lora in float16": {**METHODS["lora"], "train_dtype": "FLOAT_16"},
    "decomposed lora on eight bits": {
        **METHODS["lora"],
        "lora_decompose": True,
        "unet": {"weight_dtype": "INT_8", "gradient_checkpointing": False},
    },
    "embedding": {
        **_EMBEDDING,
        "training_method": "EMBEDDING",
        "output_model_format": "SAFETENSORS",
        "embedding": _WORD,
    },
    "fine_tune": {**METHODS["fine_tune"], "ema": "GPU", "ema_update_step_interval": 2},
    "fine_tune in bfloat16": {**METHODS["fine_tune"], **_BFLOAT_16, "ema": "CPU", "gradient_accumulation_steps": 2},
    "bfloat16, rounded by chance": {
        **METHODS["fine_tune"],
        **_BFLOAT_16,
        "optimizer": {"optimizer": "ADAMW", "stochastic_rounding": True},
    },
    "bfloat16, rounded by chance, each weight by itself": {
        **METHODS["fine_tune"],
        **_BFLOAT_16,
        "optimizer": {"optimizer": "ADAFACTOR", "stochastic_rounding": True, "fused_back_pass": True},
    },
    "schedule-free": {
        **METHODS["lora"],
        "optimizer": {"optimizer": "SCHEDULE_FREE_ADAMW"},
        "sample_after": 3,
        "sample_after_unit": "STEP",
    },
    "prodigy": {**METHODS["lora"], "optimizer": {"optimizer": "PRODIGY"}, "learning_rate": 1},
    "prodigy of another library": {**METHODS["lora"], "optimizer": {"optimizer": "PRODIGY_ADV"}, "learning_rate": 1},
    "muon": {**METHODS["lora"], "optimizer": {"optimizer": "MUON"}},
    "custom schedule": {
        **METHODS["lora"],
        "learning_rate_scheduler": "CUSTOM",
        "custom_learning_rate_scheduler": "torch.optim.lr_scheduler.StepLR",
        "scheduler_params": [{"key": "step_size", "value": "2"}, {"key": "gamma", "value": "0.5"}],
        "learning_rate_warmup_steps": 2,
    },
}
"""What is set of each run on the tiny Stable Diffusion. Beside them stands a LoRA of each model type."""


@dataclass(frozen=True)
class Losses:
    """The losses of all runs, and what computed them."""

    torch: str
    cpu: str
    runs: dict[str, list[float]]

    @classmethod
    def read(cls, file: Path = FILE) -> Self:
        """What was written once."""
        return cls(**json.loads(file.read_text()))

    @classmethod
    def of_here(cls, runs: dict[str, list[float]]) -> Self:
        """What was trained on this machine."""
        return cls(version("torch"), _cpu(), runs)

    def write(self, file: Path = FILE) -> None:
        """Keep them, a run a line."""
        runs = ",\n".join(f"{json.dumps(name)}: {json.dumps(losses)}" for name, losses in self.runs.items())
        head = f'"torch": {json.dumps(self.torch)},\n"cpu": {json.dumps(self.cpu)}'
        file.write_text(f'{{\n{head},\n"runs": {{\n{runs}\n}}\n}}\n')

    def has_kernels_of(self, other: Self) -> bool:
        """Whether both were computed alike to the last bit."""
        return (self.torch, self.cpu) == (other.torch, other.cpu)


@cache
def golden() -> tuple[Losses, bool]:
    """The losses that are kept, and whether they hold here bit for bit."""
    kept = Losses.read()
    return kept, kept.has_kernels_of(Losses.of_here({}))


def is_golden(name: str, losses: list[float]) -> bool:
    """Whether a run, or the longer one that begins like it, has the losses that are kept."""
    kept, is_exact = golden()
    expected = kept.runs[name]
    found = losses[: len(expected)]
    return found == (expected if is_exact else pytest.approx(expected, rel=TOLERANCE))


def _cpu() -> str:
    """What the choice of kernels depends on: the maker of the processor and its vector instructions."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return f"{platform.machine()} {platform.processor()}"
    said = {key.strip(): value for key, _, value in (line.partition(": ") for line in lines)}
    vector = sorted(flag for flag in said.get("flags", "").split() if flag.startswith(("avx", "amx", "fma")))
    return " ".join([said.get("vendor_id", platform.machine()), *vector])
