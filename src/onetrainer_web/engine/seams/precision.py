"""On which device and in which number formats a run computes."""

from collections.abc import Generator, Iterable, Mapping, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from onetrainer_web.config.enums import PACKED_TYPES, DataType
from onetrainer_web.config.families import facts
from onetrainer_web.config.output import computed_type, mixed_on_cpu
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError

_DTYPES: Mapping[DataType, torch.dtype] = MappingProxyType(
    {
        DataType.FLOAT_32: torch.float32,
        DataType.TFLOAT_32: torch.float32,
        DataType.BFLOAT_16: torch.bfloat16,
        DataType.FLOAT_16: torch.float16,
    }
)
_TYPES = WeakKeyDictionary[nn.Module, torch.dtype]()
"""What `type_of` has found."""


@dataclass(frozen=True)
class Precision:
    """Device and number format of the forward pass."""

    device: torch.device
    train_dtype: torch.dtype
    caches_casts: bool = True
    """Whether weights that autocast has converted are kept until the end of the forward pass."""
    others: Mapping[str, torch.dtype] = field(default_factory=dict[str, torch.dtype])
    """By part, where one computes in another type than `train_dtype`."""

    def dtype_of(self, part: str) -> torch.dtype:
        """In which a part computes."""
        return self.others.get(part, self.train_dtype)

    def autocast(self, part: str) -> AbstractContextManager[object]:
        """Run the forward pass of a part in its type; does nothing for float32."""
        dtype = self.dtype_of(part)
        if dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=dtype, cache_enabled=self.caches_casts)

    def handed_to(self, part: str, made: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What other parts have made, in the type in which `part` computes: autocast joins no two types of 16 bits."""
        if not self.others:
            return dict(made)
        own, short = self.dtype_of(part), (torch.float16, torch.bfloat16)
        return {name: tensor.to(own) if tensor.dtype in short else tensor for name, tensor in made.items()}

    def needs_scaler(self, parameters: list[torch.nn.Parameter]) -> bool:
        """Whether gradients need scaling: float16 underflows, and only float32 parameters can be unscaled."""
        return self.train_dtype is torch.float16 and all(p.dtype is torch.float32 for p in parameters)


def torch_dtype(key: str, data_type: DataType) -> torch.dtype:
    """The torch type of a setting.

    Raises:
        UnsupportedSettingError: It is a quantised type, which this trainer does not have.
    """
    if data_type not in _DTYPES:
        raise UnsupportedSettingError(key, data_type.value, [known.value for known in _DTYPES])
    return _DTYPES[data_type]


def part_dtypes(config: TrainConfig, parts: Iterable[str]) -> dict[str, torch.dtype]:
    """The torch type in which the weights of each part are loaded: that of training where it has no settings.

    Raises:
        UnsupportedSettingError: One is a type that this trainer does not have.
    """
    settings = {part: getattr(config, part, None) for part in parts}
    chosen = {part: own.weight_dtype if own else config.train_dtype for part, own in settings.items()}
    return {
        part: torch_dtype(f"{part}.weight_dtype", config.train_dtype if dtype in PACKED_TYPES else dtype)
        for part, dtype in chosen.items()
    }


def set_type(network: nn.Module, dtype: torch.dtype) -> None:
    """Give the weights of a network a type as its library does when it loads a folder: some it keeps in float32."""
    kept = _kept_in_float32(network, dtype)
    for name, weight in network.state_dict(keep_vars=True).items():
        if weight.is_floating_point():
            weight.data = weight.data.to(dtype if kept.isdisjoint(name.split(".")) else torch.float32)


def type_of(network: Any) -> torch.dtype:
    """The type of the weights of a network that is loaded, as its library tells it.

    It is asked once: diffusers looks through all layers each time, which took SDXL with a LoRA 19 ms, thrice a step.
    """
    if network not in _TYPES:
        _TYPES[network] = network.dtype
    return _TYPES[network]


def _kept_in_float32(network: nn.Module, dtype: torch.dtype) -> Set[str]:
    """Names that diffusers looks for in those of weights for every type, and transformers only for float16."""
    names = frozenset[str](getattr(network, "_keep_in_fp32_modules", None) or ())
    if type(network).__module__.startswith("transformers"):
        always = frozenset[str](getattr(network, "_keep_in_fp32_modules_strict", None) or ())
        return names | always if dtype is torch.float16 else always
    return names


@contextmanager
def default_type(dtype: torch.dtype) -> Generator[None]:
    """Let tensors of which nobody says otherwise be made in a type."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(usual)


def output_dtype(data_type: DataType) -> torch.dtype | None:
    """In which type model files are written; None keeps the type of the weights, as OneTrainer does for small types."""
    return _DTYPES.get(data_type)


def choose_device(name: str) -> tuple[torch.device, str | None]:
    """The device to train on, and what to tell the user when it is not the one that was asked for."""
    kind, _, number = (name.strip().lower() or "cpu").partition(":")
    index = int(number) if number.isdecimal() else 0
    if kind == "cuda" and index < torch.cuda.device_count():
        return torch.device("cuda", index), None
    if kind == "mps" and torch.backends.mps.is_available():
        return torch.device("mps"), None
    if kind == "cpu":
        return torch.device("cpu"), None
    fallback = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    return fallback, f"The device {name!r} is not available on this machine; training goes on {fallback.type}."


def set_up_precision(config: TrainConfig) -> tuple[Precision, str | None]:
    """Device and number format of a run, and a warning when they are not what was asked for."""
    device, warning = choose_device(config.train_device)
    if config.train_dtype is DataType.TFLOAT_32:
        torch.set_float32_matmul_precision("high")
    dtype = torch_dtype("train_dtype", config.train_dtype)
    if mixed := mixed_on_cpu(config) if device.type == "cpu" else None:
        dtype, warning = torch.float32, " ".join(filter(None, (warning, mixed)))
    types = {part: computed_type(config, part) for part in facts(config.model_type).beyond_float16}
    others = {
        part: torch_dtype("fallback_train_dtype", other)
        for part, other in types.items()
        if other is not config.train_dtype and not mixed
    }
    return Precision(device, dtype, config.enable_autocast_cache, others), warning
