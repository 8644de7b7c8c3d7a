"""Randomness as a pure function of what it is for: no generator state is carried from step to step.

A resumed run therefore continues bit for bit, and a draw that is added somewhere changes no other draw.
"""

import hashlib

import numpy as np
import torch

TRAINING_SEED = 42
"""OneTrainer's configuration has no seed for training; this is its constant."""


def derive_seed(*purpose: int | str) -> int:
    """A 63-bit seed that depends on every part of `purpose`, equal on every machine and in every process."""
    digest = hashlib.blake2b(repr((TRAINING_SEED, *purpose)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def torch_generator(device: torch.device | str, *purpose: int | str) -> torch.Generator:
    """A fresh generator for tensors on `device`."""
    return torch.Generator(device).manual_seed(derive_seed(*purpose))


def numpy_generator(*purpose: int | str) -> np.random.Generator:
    """A fresh generator for numbers, independent of the device."""
    return np.random.Generator(np.random.PCG64(derive_seed(*purpose)))


def normal(shape: tuple[int, ...], like: torch.Tensor, *purpose: int | str) -> torch.Tensor:
    """Standard normal noise of `shape` in float32 on the device of `like`."""
    generator = torch_generator(like.device, *purpose)
    return torch.randn(shape, generator=generator, device=like.device, dtype=torch.float32)
