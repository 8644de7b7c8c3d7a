"""CAME (Luo et al. 2023) that keeps its momentum in 8 bits: pytorch_optimizer's steps, bitsandbytes' numbers.

Momentum is the only memory of CAME that is as large as a matrix; the others have one number for each row and column.
"""

from collections.abc import Callable
from typing import Any

import torch
from bitsandbytes.functional import dequantize_blockwise, quantize_blockwise
from pytorch_optimizer import CAME
from torch.nn import Parameter

_MOMENTUM, _SCALES = "exp_avg", "exp_avg_scales"
_BLOCK_SIZES = (64, 128, 256, 512, 1024, 2048, 4096)
"""Those that bitsandbytes computes on every device."""


class Came8bit(CAME):
    """Unpacks the momentum of one weight at a time, so that never more than one stands there in full."""

    param_groups: list[dict[str, Any]]

    def __init__(self, params: Any, *, min_8bit_size: int, quant_block_size: int, **others: Any) -> None:
        """Prepare.

        Args:
            params: Groups of weights.
            min_8bit_size: Smaller weights keep their momentum as it is.
            quant_block_size: So many numbers share a scale.
            others: Of `CAME`.

        Raises:
            ValueError: bitsandbytes has no blocks of this size.
        """
        if quant_block_size not in _BLOCK_SIZES:
            raise ValueError(f"Blocks of {quant_block_size} numbers cannot be packed. Choose one of {_BLOCK_SIZES}.")
        self.min_8bit_size, self.quant_block_size = min_8bit_size, quant_block_size
        super().__init__(params, foreach=False, **others)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every weight that has a gradient, one after the other."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        groups = self.param_groups
        try:
            for group in groups:
                alone: dict[str, Any] = {}
                for weight in (weight for weight in group["params"] if weight.grad is not None):
                    alone = {**group, "params": [weight]}
                    self.param_groups = [alone]
                    self._unpack(weight)
                    super().step()
                    self._pack(weight)
                group.update({name: value for name, value in alone.items() if name != "params"})
        finally:
            self.param_groups = groups
        return loss

    def _unpack(self, weight: Parameter) -> None:
        state = self.state[weight]
        if _SCALES in state:
            # Taking up a backup, torch gives every memory the type of its weight; these are whole numbers up to 255.
            codes = state[_MOMENTUM].to(torch.uint8)
            whole = dequantize_blockwise(codes, absmax=state.pop(_SCALES).float(), blocksize=self.quant_block_size)
            state[_MOMENTUM] = whole.to(weight.dtype)

    def _pack(self, weight: Parameter) -> None:
        if weight.numel() >= self.min_8bit_size:
            state = self.state[weight]
            codes, scales = quantize_blockwise(state[_MOMENTUM].float(), blocksize=self.quant_block_size)
            state[_MOMENTUM], state[_SCALES] = codes, scales.absmax
