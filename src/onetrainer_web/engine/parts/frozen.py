"""Linear layers whose frozen weights are kept in fewer bits, or in main memory, and expanded where they are used.

Nothing of full size outlives a layer's own computation, not even for the backward pass, which expands them again.
Matrix products run in the type of the activations: memory is saved, not time.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from onetrainer_web.config.enums import KEPT_AS, DataType
from onetrainer_web.config.layer_filters import ALL_LAYERS, LayerFilter, layer_filter_of
from onetrainer_web.config.output import learning_parts
from onetrainer_web.config.text import counted
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime.errors import LibraryMissingError
from onetrainer_web.engine.seams.interfaces import Model

_LARGEST_INT8 = 127

log = logging.getLogger("onetrainer_web.engine")


@dataclass(frozen=True)
class Format:
    """A way to keep a matrix in fewer bits: tensors from the matrix, and the matrix from the tensors."""

    pack: Callable[[Tensor], dict[str, Tensor]]
    unpack: Callable[[Mapping[str, Tensor], torch.Size, torch.dtype], Tensor]


def _pack_float8(weight: Tensor) -> dict[str, Tensor]:
    return {"values": weight.to(torch.float8_e4m3fn)}


def _unpack_values(packed: Mapping[str, Tensor], _shape: torch.Size, dtype: torch.dtype) -> Tensor:
    return packed["values"].to(dtype)


def _pack_int8(weight: Tensor) -> dict[str, Tensor]:
    """Each row in steps of its largest value / 127 (Dettmers et al. 2022, "LLM.int8()", vector-wise quantization)."""
    scales = weight.float().abs().amax(1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny) / _LARGEST_INT8
    return {"values": (weight.float() / scales).round().to(torch.int8), "scales": scales}


def _unpack_int8(packed: Mapping[str, Tensor], _shape: torch.Size, dtype: torch.dtype) -> Tensor:
    return (packed["values"].float() * packed["scales"]).to(dtype)


def _pack_nfloat4(weight: Tensor) -> dict[str, Tensor]:
    """NormalFloat in blocks of 64 (Dettmers et al. 2023, "QLoRA"), by bitsandbytes."""
    functional = _bitsandbytes()
    values, state = functional.quantize_4bit(weight.contiguous(), quant_type="nf4", quant_storage=torch.uint8)
    return {"values": values, "scales": state.absmax, "code": state.code}


def _unpack_nfloat4(packed: Mapping[str, Tensor], shape: torch.Size, dtype: torch.dtype) -> Tensor:
    functional = _bitsandbytes()
    state = functional.QuantState(
        packed["scales"], shape=shape, code=packed["code"], blocksize=64, quant_type="nf4", dtype=dtype
    )
    # Of a matrix of two numbers it thinks that it lies on its side.
    return functional.dequantize_4bit(packed["values"], state).reshape(shape)


def _bitsandbytes() -> Any:
    try:
        import bitsandbytes.functional
    except ModuleNotFoundError as error:
        raise LibraryMissingError(DataType.NFLOAT_4.value, "bitsandbytes") from error
    return bitsandbytes.functional


PLAIN = Format(lambda weight: {"values": weight}, _unpack_values)
"""As it is; for layers that only wait in main memory."""
_OWN = {
    DataType.FLOAT_8: Format(_pack_float8, _unpack_values),
    DataType.INT_8: Format(_pack_int8, _unpack_int8),
    DataType.NFLOAT_4: Format(_pack_nfloat4, _unpack_nfloat4),
}
FORMATS: Mapping[DataType, Format] = MappingProxyType({**_OWN, **{name: _OWN[kept] for name, kept in KEPT_AS.items()}})


class _Product(torch.autograd.Function):
    """x · Wᵀ with a W that is expanded once more in the backward pass instead of being kept."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, layer: "FrozenLinear") -> Tensor:  # pyright: ignore
        ctx.layer = layer
        return F.linear(values, layer.expanded(values.dtype, values.device))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # pyright: ignore
        return gradient @ ctx.layer.expanded(gradient.dtype, gradient.device), None


class FrozenLinear(nn.Linear):
    """A frozen linear layer; `weight` reads as the expanded matrix, and so it is written to files."""

    def __init__(self, layer: nn.Linear, kept: Format, *, is_parked: bool = False) -> None:
        """Take the weights of a layer; if `is_parked`, they wait in main memory wherever the layer is moved."""
        nn.Module.__init__(self)
        self._is_parked = is_parked
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self._format, self._shape, self._dtype = kept, layer.weight.shape, layer.weight.dtype
        self.bias = layer.bias
        self._place = layer.weight.device
        """Where it computes, wherever its weights wait."""
        for name, tensor in kept.pack(layer.weight.detach()).items():
            is_pinned = is_parked and torch.cuda.is_available()
            self.register_buffer(f"packed_{name}", tensor.pin_memory() if is_pinned else tensor)

    @property
    def weight(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The matrix in the type that it was loaded in."""
        return self.expanded(self._dtype, self._place)

    def expanded(self, dtype: torch.dtype, device: torch.device | None) -> Tensor:
        """The matrix in some type on a device; None leaves it where it is kept."""
        packed = {
            name.removeprefix("packed_"): tensor.to(device, non_blocking=True) if device else tensor
            for name, tensor in self._buffers.items()
            if tensor is not None
        }
        return self._format.unpack(packed, self._shape, dtype)

    def forward(self, input: Tensor) -> Tensor:
        """x · Wᵀ + b in the type that autocast asks for, else in that of the input."""
        kind = input.device.type
        values = input.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else input
        product = _Product.apply(values, self)
        return product if self.bias is None else product + self.bias.to(product.dtype)  # pyright: ignore

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        del keep_vars
        # In main memory: a whole network of them, expanded, may not fit the device.
        destination[f"{prefix}weight"] = self.weight.cpu()
        if self.bias is not None:
            destination[f"{prefix}bias"] = self.bias.detach()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> nn.Module:
        """Move to a device; a change of type concerns the bias alone, packed values keep theirs."""
        packed = {name: tensor for name, tensor in self._buffers.items() if tensor is not None}
        super()._apply(fn, recurse)
        for name, tensor in packed.items():
            self._place = self._buffers[name].device  # pyright: ignore
            moved = tensor if self._is_parked else tensor.to(self._buffers[name].device)  # pyright: ignore
            self._buffers[name] = moved
        return self


def quantize(network: nn.Module, kept: DataType, wanted: LayerFilter) -> str | None:
    """Put the linear layers of a frozen network into fewer bits, in place.

    Args:
        network: Already loaded.
        kept: One of `FORMATS`.
        wanted: The layers that are chosen.

    Returns:
        What is wrong with the choice, one sentence; None when nothing is.
    """
    layers = {
        f"{path}.{name}".lstrip("."): (parent, name, layer)
        for path, parent in network.named_modules()
        for name, layer in parent.named_children()
        if type(layer) is nn.Linear
    }
    chosen = [found for full, found in layers.items() if wanted.fits(full)]
    for parent, name, layer in chosen:
        setattr(parent, name, FrozenLinear(layer, FORMATS[kept]))
    log.info("Keeping %s of %s in %s", counted(len(chosen), "layer"), type(network).__name__, kept.value)
    return wanted.complaint("quantization.layer_filter", list(layers))


def park(network: nn.Module, share: float) -> int:
    """Let a share of the linear layers of a frozen network, evenly spread, wait in main memory; to be called there.

    Returns:
        How many layers wait.
    """
    layers = [
        (parent, name, layer)
        for parent in network.modules()
        for name, layer in parent.named_children()
        if isinstance(layer, FrozenLinear) or type(layer) is nn.Linear
    ]
    chosen = [found for place, found in enumerate(layers) if int((place + 1) * share) > int(place * share)]
    for parent, name, layer in chosen:
        if isinstance(layer, FrozenLinear):
            layer._is_parked = True
        else:
            setattr(parent, name, FrozenLinear(layer, PLAIN, is_parked=True))
    return len(chosen)


def shrink_parts(model: Model, config: TrainConfig, denoiser: str) -> None:
    """Do both for those networks of a model of which the configuration says so; those that are fine-tuned stay."""
    for part, network in model.modules():
        settings = getattr(config, part, None)
        if settings is None:
            continue  # what guesses depth has none
        if settings.weight_dtype in FORMATS:
            is_filtered = type(network) is type(model.module(denoiser))  # some have a second one for guidance
            wanted = layer_filter_of(config.quantization, config.model_type) if is_filtered else ALL_LAYERS
            if complaint := quantize(network, settings.weight_dtype, wanted):
                model.notes.append(complaint)
        if settings.offload_fraction and part not in learning_parts(config):
            log.info("%d layers of the %s wait in main memory", park(network, settings.offload_fraction), part)
