"""Weights of one byte that lie beside a scale: what they stand for is the product of both.

ComfyUI's files call the scale `scale_weight` or `weight_scale`, makers also `weight_scale_inv`; there is one for a
whole tensor, for each row, or for each block of rows and columns. Scales of a layer's inputs serve programs that
compute in this format, and mean nothing for the weights. Newer files name the format of each layer beside it or in
their metadata; of these formats some turn or pack what they store, and a scale alone does not lead back.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from onetrainer_web.config.tensor_names import INPUT_SCALES, SCALE_DESCRIPTION, SCALED_MARKER, SCALES
from onetrainer_web.engine.runtime.errors import WrongWeightsError

_BLOCK = 128
"""Rows and columns of a block in published files; the last one of a layer may be smaller."""
_WHOLE_BYTES = (torch.float8_e4m3fn, torch.float8_e5m2, torch.int8)
_PRODUCTS = ("float8_e4m3fn", "float8_e5m2", "int8_tensorwise")
"""ComfyUI's formats of weights that are nothing but products of bytes and scales."""
_ROTATION = "convrot"
"""Its setting of such a format by which groups of inputs are rotated before they are stored."""
_IN_METADATA = "_quantization_metadata"


def with_descriptions(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Tensor]:
    """The tensors of a file with the descriptions of layers that stand in its metadata, as if they lay beside these.

    Raises:
        WrongWeightsError: They cannot be read.
    """
    layers = _parsed(path, metadata.get(_IN_METADATA, "{}")).get("layers", {})
    described = {
        f"{layer}{SCALE_DESCRIPTION}": torch.tensor(list(json.dumps(own).encode()), dtype=torch.uint8)
        for layer, own in layers.items()
    }
    return {**tensors, **described}


def unscaled(path: Path, tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors of a file with those that lie beside a scale multiplied by it, and without the scales.

    Args:
        path: Of the file, for messages.
        tensors: As they lie in it.
        dtype: Of the products.

    Raises:
        WrongWeightsError: A layer is stored in a format that packs several numbers into a byte, or rotates them.
    """
    found = dict(tensors)
    for name, own in tensors.items():
        if name.endswith(SCALE_DESCRIPTION) and (strange := _strange_format(path, own)):
            raise _refused(path, name.removesuffix(SCALE_DESCRIPTION), strange)
        if name.rpartition(".")[2] == SCALED_MARKER or name.endswith(SCALE_DESCRIPTION):
            del found[name]
    for name, scale in tensors.items():
        suffix = next(filter(name.endswith, SCALES), None)
        layer = name.removesuffix(suffix or "")
        weight = tensors.get(f"{layer}.weight")
        if suffix is None or weight is None:
            continue
        if weight.dtype not in _WHOLE_BYTES or not scale.is_floating_point() or f"{name}_2" in tensors:
            raise _refused(path, layer, f"{weight.dtype} beside a scale".removeprefix("torch."))
        found[f"{layer}.weight"] = (weight.float() * _spread(scale.float(), weight)).to(dtype)
        for other in (name, *(f"{layer}{suffix}" for suffix in INPUT_SCALES)):
            found.pop(other, None)
    return found


def _spread(scale: Tensor, weight: Tensor) -> Tensor:
    """A scale in a shape that multiplies its weight."""
    if scale.numel() == 1:
        return scale.reshape(())
    if scale.numel() == len(weight):
        return scale.reshape(-1, *[1] * (weight.ndim - 1))
    for axis, (num_scales, length) in enumerate(zip(scale.shape, weight.shape, strict=True)):
        block = _BLOCK if -(-length // _BLOCK) == num_scales else -(-length // num_scales)
        scale = scale.repeat_interleave(block, axis).narrow(axis, 0, length)
    return scale


def _refused(path: Path, layer: str, stored: str) -> WrongWeightsError:
    return WrongWeightsError(path, f"the layer {layer} as {stored}", "a file in fp8, bf16, fp16 or fp32")


def _strange_format(path: Path, description: Tensor) -> str:
    """The name of a layer's format if it is no plain product; else nothing."""
    told = _parsed(path, bytes(description.tolist()))
    name = str(told.get("format"))
    if told.get(_ROTATION) or told.get("params", {}).get(_ROTATION):
        return f"{name} with {_ROTATION}"
    return "" if name in _PRODUCTS else name


def _parsed(path: Path, description: str | bytes) -> Mapping[str, Any]:
    try:
        return dict(json.loads(description))
    except (ValueError, TypeError, RecursionError) as error:
        raise WrongWeightsError(path, "a description of its scales that cannot be read", "JSON there") from error
