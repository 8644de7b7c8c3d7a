"""Folders of small pictures, and encoders that are quick but real."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from onetrainer_web.config.concepts import ConceptConfig

WriteFolder = Callable[..., Path]


class SmallEncoders:
    """Latents are an 8x8 average of the pixels plus seeded noise; conditioning is made of a prompt's hash."""

    def __init__(self, image_identity: str = "average v1", text_identity: str | None = "hash v1") -> None:
        self.image_identity = image_identity
        self.text_identity = text_identity
        self.shows_whole_pictures = False
        self.image_batches: list[int] = []
        self.seeds: set[int] = set()
        self.prompts: list[str] = []

    def encode_images(self, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        self.image_batches.append(len(pixels_BCHW))
        self.seeds.update(seeds)
        mean_BCHW = torch.nn.functional.avg_pool2d(pixels_BCHW, 8)
        noise = [
            torch.randn(mean.shape, generator=torch.Generator().manual_seed(seed))
            for mean, seed in zip(mean_BCHW, seeds, strict=True)
        ]
        return mean_BCHW + 0.01 * torch.stack(noise)

    def encode_hints(self, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
        return torch.cat([torch.nn.functional.avg_pool2d(each, 8) for each in (masks_B1HW, shown_BCHW)], dim=1)

    def encode_prompts(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        self.prompts += prompts
        rows = [list(hashlib.sha256(prompt.encode()).digest()) for prompt in prompts]
        return {"hidden": torch.tensor(rows, dtype=torch.float32), "mask": torch.ones(len(rows), 2, dtype=torch.bool)}


@pytest.fixture
def encoders() -> SmallEncoders:
    return SmallEncoders()


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Write pictures of given sizes, each in its own colour, with a caption each; returns their folder."""

    def write(sizes: Sequence[tuple[int, int]], name: str = "pictures") -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for number, size in enumerate(sizes):
            colour = ((number * 37) % 256, (number * 91) % 256, (number * 53) % 256)
            Image.new("RGB", size, colour).save(folder / f"{number:03}.png")
            (folder / f"{number:03}.txt").write_text(f"picture {number}\ncolour {number}")
        return folder

    return write


@pytest.fixture
def make_concept() -> Callable[..., ConceptConfig]:
    def make(folder: Path, **settings: object) -> ConceptConfig:
        return ConceptConfig.model_validate({"path": str(folder), "seed": 7, **settings})

    return make
