"""What adapters make of a weight, by the formulas of the papers and of LyCORIS, whatever the names of their factors."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

_AS_KOHYA = {"lora_A.weight": "lora_down.weight", "lora_B.weight": "lora_up.weight"}
_BY_OUTPUT = "lora_magnitude_vector.weight"
"""Peft's name of the lengths of a DoRA, which it knows by output only."""


def changed(weight: Tensor, found: Mapping[str, Tensor]) -> Tensor:
    """A weight as an adapter changes it, whose tensors have the names of any file behind those of the layer."""
    own = {_AS_KOHYA.get(name, name): tensor for name, tensor in found.items()}
    if _BY_OUTPUT in own:
        own["dora_scale"] = own.pop(_BY_OUTPUT).reshape(-1, *[1] * (weight.ndim - 1))
    if "oft_R.weight" in own:
        return _rotated(weight, own["oft_R.weight"])
    change: Callable[[dict[str, Tensor]], Tensor] = next(
        formula for start, formula in _FORMULAS.items() if any(name.startswith(start) for name in own)
    )
    merged = weight + change(own).reshape(weight.shape)
    if "dora_scale" not in own:
        return merged
    lengths = own["dora_scale"]
    axes = [axis for axis in range(weight.ndim) if lengths.shape[axis] == 1]
    return merged * lengths / merged.square().sum(axes, keepdim=True).sqrt()


def _lora(own: dict[str, Tensor]) -> Tensor:
    down, up = own["lora_down.weight"], own["lora_up.weight"]
    return own.get("alpha", len(down)) / len(down) * (up.flatten(1) @ down.flatten(1))


def _loha(own: dict[str, Tensor]) -> Tensor:
    first = own["hada_w1_a"] @ own["hada_w1_b"]
    second = own["hada_w2_a"] @ own["hada_w2_b"]
    return own["alpha"] / len(own["hada_w1_b"]) * first * second


def _lokr(own: dict[str, Tensor]) -> Tensor:
    rank = next((len(own[name]) for name in ("lokr_w1_b", "lokr_w2_b") if name in own), None)
    first = own["lokr_w1"] if "lokr_w1" in own else own["lokr_w1_a"] @ own["lokr_w1_b"]
    if "lokr_w2" in own:
        second = own["lokr_w2"]
    elif "lokr_t2" in own:
        second = torch.einsum("ijkl,ip,jr->prkl", own["lokr_t2"], own["lokr_w2_a"], own["lokr_w2_b"])
    else:
        second = own["lokr_w2_a"] @ own["lokr_w2_b"]
    first = first.reshape(*first.shape, *[1] * (second.ndim - 2))
    return (own["alpha"] / rank if rank else 1.0) * torch.kron(first, second)


def _rotated(weight: Tensor, halves: Tensor) -> Tensor:
    """Rows of the weight times the transposed rotation of each block."""
    size = next(size for size in range(2, 65) if size * (size - 1) // 2 == halves.shape[1])
    skew = torch.zeros(len(halves), size, size)
    rows, columns = torch.triu_indices(size, size, 1)
    skew[:, rows, columns] = halves
    skew = skew - skew.transpose(1, 2)
    powers = [torch.linalg.matrix_power(skew, power) for power in range(5)]
    rotation = powers[0] + 2 * (powers[1] + powers[2] + powers[3]) + powers[4]
    blocks = weight.flatten(1).unflatten(1, (-1, size))
    return torch.einsum("obi,bji->obj", blocks, rotation.expand(blocks.shape[1], -1, -1)).reshape(weight.shape)


_FORMULAS = {"lora": _lora, "hada": _loha, "lokr": _lokr}
