"""Weights of one byte that lie beside a scale: what they stand for is the product of both.

ComfyUI's files call the scale `scale_weight` or `weight_scale`, makers also `weight_scale_inv`; there is one for a
whole tensor, for each row, or for each block of rows and columns. Scales of a layer's inputs serve programs that
compute in this format, and mean nothing for the weights.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from onetrainer_web.config.tensor_names import INPUT_SCALES, SCALE_DESCRIPTION, SCALED_MARKER, SCALES
from onetrainer_web.engine.errors import WrongWeightsError

_BLOCK = 128
"""Rows and columns of a block in published files; the last one of a layer may be smaller."""
_WHOLE_BYTES = (torch.float8_e4m3fn, torch.float8_e5m2, torch.int8)


def unscaled(path: Path, tensors: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors of a file with those that lie beside a scale multiplied by it, and without the scales.

    Args:
        path: Of the file, for messages.
        tensors: As they lie in it.
        dtype: Of the products.

    Raises:
        WrongWeightsError: A layer is stored in a format that packs several numbers into a byte.
    """
    found = dict(tensors)
    for name in tensors:
        if name.rpartition(".")[2] == SCALED_MARKER or name.endswith(SCALE_DESCRIPTION):
            del found[name]
    for name, scale in tensors.items():
        suffix = next(filter(name.endswith, SCALES), None)
        layer = name.removesuffix(suffix or "")
        weight = tensors.get(f"{layer}.weight")
        if suffix is None or weight is None:
            continue
        if weight.dtype not in _WHOLE_BYTES or not scale.is_floating_point() or f"{name}_2" in tensors:
            raise WrongWeightsError(
                path, f"the layer {layer} as {_format_of(layer, tensors)}", "a file in fp8, bf16, fp16 or fp32"
            )
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


def _format_of(layer: str, tensors: Mapping[str, Tensor]) -> str:
    if (description := tensors.get(f"{layer}{SCALE_DESCRIPTION}")) is not None:
        return str(json.loads(bytes(description.tolist())).get("format"))
    return f"{tensors[f'{layer}.weight'].dtype} beside a scale".removeprefix("torch.")
