"""Latents as a row of square patches, as many transformers take them."""

import torch
from torch import Tensor

PATCH_SIDE = 2
"""Latents on a side of a patch, of which the transformer makes one token."""


def to_patches(latents_BCHW: Tensor) -> Tensor:
    """(batch, patches, 4 · channels), rows of patches one after the other."""
    num_rows, channels, height, width = latents_BCHW.shape
    split = latents_BCHW.view(num_rows, channels, height // PATCH_SIDE, PATCH_SIDE, width // PATCH_SIDE, PATCH_SIDE)
    return split.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)


def from_patches(patches: Tensor, height: int, width: int) -> Tensor:
    """Latents of a size from `to_patches`."""
    rows, columns = height // PATCH_SIDE, width // PATCH_SIDE
    split = patches.unflatten(2, (-1, PATCH_SIDE, PATCH_SIDE)).unflatten(1, (rows, columns))
    return split.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


def from_square_patches(patches: Tensor, height: int, width: int) -> Tensor:
    """Latents of a size from patches with their channels in front: (batch, channels, patches, side · side).

    Patches behind those of the size are left out.
    """
    rows, columns = height // PATCH_SIDE, width // PATCH_SIDE
    split = patches[:, :, : rows * columns].unflatten(3, (PATCH_SIDE, PATCH_SIDE)).unflatten(2, (rows, columns))
    return split.permute(0, 1, 2, 4, 3, 5).flatten(4).flatten(2, 3)


def places(height: int, width: int) -> Tensor:
    """Row and column of each patch of latents of a size, behind a zero: (patches, 3)."""
    rows, columns = torch.arange(height // PATCH_SIDE), torch.arange(width // PATCH_SIDE)
    grid = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1).flatten(0, 1)
    return torch.nn.functional.pad(grid, (1, 0)).float()
