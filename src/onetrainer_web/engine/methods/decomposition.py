"""DoRA: the lengths of a weight's rows or columns learn apart from their directions (Liu et al. 2024).

On top of any adapter that adds to a weight. Peft's own knows LoRA and lengths by output only.
"""

from typing import Any

import torch
from peft.utils.integrations import dequantize_module_weight
from torch import Tensor, nn
from torch.nn import functional

NAME = "default"
"""Peft's name for an only adapter."""
MAGNITUDE = "dora_scale"
"""Name of the lengths, as in files: (outputs, 1 …) or (1, inputs, 1 …)."""


def decompose(layer: Any, *, per_output: bool, is_guarded: bool, dropout: float) -> None:
    """Give an adapter's layer lengths of its own, which start as those of the weight.

    Args:
        layer: A layer of peft's with `get_delta_weight`.
        per_output: One length for each output, otherwise one for each input.
        is_guarded: Whether a tiny number keeps lengths from being divided by zero.
        dropout: Share of the inputs that the change does not see while training.
    """
    layer.register_parameter(MAGNITUDE, nn.Parameter(_lengths(_weight(layer), per_output=per_output)))

    def forward(inputs: Tensor) -> Tensor:
        base = layer.get_base_layer()
        output = base(inputs)
        if layer.disable_adapters:
            return output
        with torch.autocast(inputs.device.type, enabled=False):
            before = _weight(layer)
            after = before + layer.get_delta_weight(NAME)
            lengths = _lengths(after, per_output=per_output).detach()
            if is_guarded:
                lengths = lengths + torch.finfo(base.weight.dtype).eps
            change = (after * (getattr(layer, MAGNITUDE) / lengths) - before).to(inputs.dtype)
        dropped = functional.dropout(inputs, dropout, layer.training)
        return output + _apply(base, dropped, change)

    layer.forward = forward


@torch.no_grad()
def measure_lengths(layer: Any) -> None:
    """Take the lengths from the changed weight, for an adapter that was trained without lengths of its own."""
    changed = _weight(layer) + layer.get_delta_weight(NAME)
    lengths = getattr(layer, MAGNITUDE)
    lengths.copy_(_lengths(changed, per_output=lengths.numel() == changed.shape[0] == lengths.shape[0]))


def _weight(layer: Any) -> Tensor:
    found = dequantize_module_weight(layer.get_base_layer())
    return found.detach().float()


def _lengths(weight: Tensor, *, per_output: bool) -> Tensor:
    kept = 0 if per_output else 1
    others = [axis for axis in range(weight.ndim) if axis != kept]
    return torch.linalg.vector_norm(weight, dim=others, keepdim=True)


def _apply(base: Any, inputs: Tensor, weight: Tensor) -> Tensor:
    if isinstance(base, nn.Conv2d):
        return functional.conv2d(inputs, weight, None, base.stride, base.padding, base.dilation, base.groups)
    return functional.linear(inputs, weight)
