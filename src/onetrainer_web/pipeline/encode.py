"""Encoding pictures and prompts once, before training.

Tensor legend: B batch, C channels, H and W height and width.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from onetrainer_web.dataset.sizes import Size, UnreadablePictureError, load_picture
from onetrainer_web.pipeline.ahead import map_ahead
from onetrainer_web.pipeline.augment import PictureView, place, render
from onetrainer_web.pipeline.cache import TensorCache, picture_key, prompt_key, seed_of
from onetrainer_web.pipeline.fingerprints import Fingerprints
from onetrainer_web.pipeline.items import Item
from onetrainer_web.pipeline.watch import Watch
from onetrainer_web.protocol.events import SkippedPicture

LATENTS = "latents"
MASK = "mask"
"""Names of the tensors in a picture's cache entry; there is a mask only where one lies beside the picture."""
MAX_BATCH = 16
"""Pictures, or prompts, encoded at once."""
MAX_BATCH_PIXELS = 512 * 512
"""Larger batches gain nothing, cost memory, and would make a stop wait."""

Pixels = NDArray[numpy.uint8]
"""A picture as CHW."""
PictureId = tuple[Path, PictureView]
"""What the pixels of an item depend on while files do not change."""


class Encoders(Protocol):
    """How a model family turns pictures and prompts into tensors. Runs without gradients; results are on the CPU."""

    @property
    def image_identity(self) -> str:
        """Everything about the image encoder that changes its output: hash of its weights, scaling, dtype."""
        ...

    @property
    def text_identity(self) -> str | None:
        """The same of the text encoders, with token length and skipped layers.

        None when one of them is trained: then prompts are handed through as they are.
        """
        ...

    def encode_images(self, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Encode RGB pixels, float32 in [-1, 1], to latents_BCHW.

        Whatever is drawn at random for picture i depends on `seeds[i]` alone.
        """
        ...

    def encode_prompts(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Encode prompts; each tensor has one row a prompt, of a shape that does not depend on the prompt."""
        ...


@dataclass(frozen=True, slots=True)
class FillReport:
    """What filling the cache came to."""

    encoded_pictures: int
    reused_pictures: int
    encoded_prompts: int
    reused_prompts: int
    broken: tuple[SkippedPicture, ...]
    """Pictures that could not be decoded, each once; they must leave the plan (`TrainingData.without`)."""
    picture_keys: Mapping[PictureId, str]
    """Where the latents of each picture and view are, so that the files are not needed any more."""


@dataclass(slots=True)
class _PictureWork:
    """What is to be done about pictures, and what went wrong on the way."""

    keys: dict[PictureId, str] = field(default_factory=dict)
    missing: dict[Size, dict[str, Item]] = field(default_factory=lambda: defaultdict(dict))
    num_reused: int = 0
    broken: dict[Path, str] = field(default_factory=dict)


def pixels_of(pictures_CHW: Sequence[Pixels]) -> Tensor:
    """Pictures of one size as pixels_BCHW, float32 in [-1, 1]."""
    return torch.from_numpy(numpy.stack(pictures_CHW)).to(torch.float32).div_(127.5).sub_(1)


def check_pictures(paths: Sequence[Path], watch: Watch, num_threads: int = 2) -> tuple[SkippedPicture, ...]:
    """Decode pictures and name those that cannot be: for those that `fill_cache` does not decode on the way.

    Raises:
        StopRequested: The watch said so.
    """
    broken: dict[Path, str] = {}
    for number, (path, reason) in enumerate(map_ahead(_failure, paths, num_threads, 2 * num_threads)):
        watch.check("checking pictures", number, len(paths))
        if reason is not None:
            broken[path] = reason
    return _skipped(broken)


def fill_cache(
    items: Sequence[Item], encoders: Encoders, cache: TensorCache, watch: Watch, num_threads: int = 2
) -> FillReport:
    """Encode what the cache lacks of `items`, and their prompts unless `text_identity` is None.

    What is finished stays in the cache, also when the work is stopped.

    Args:
        items: From `Planner.items`.
        encoders: The model family's.
        cache: Where results go.
        watch: Told before each small batch; may stop the work.
        num_threads: Helpers that decode pictures ahead (with Pillow alone, see `TensorCache.warm`).

    Raises:
        StopRequested: The watch said so.
        CacheWriteError: The cache cannot be written.
    """
    work = _sort_pictures(items, encoders.image_identity, cache, watch)
    encoded = _encode_pictures(work, encoders, cache, watch, num_threads)
    broken_paths = work.broken.keys()
    prompts = [item.prompt for item in items if item.path not in broken_paths]
    encoded_prompts, reused_prompts = fill_prompts(prompts, encoders, cache, watch)
    return FillReport(
        encoded_pictures=encoded,
        reused_pictures=work.num_reused,
        encoded_prompts=encoded_prompts,
        reused_prompts=reused_prompts,
        broken=_skipped(work.broken),
        picture_keys=work.keys,
    )


def fill_prompts(prompts: Iterable[str], encoders: Encoders, cache: TensorCache, watch: Watch) -> tuple[int, int]:
    """Encode the prompts that the cache lacks; nothing when `text_identity` is None.

    Returns:
        How many different prompts were encoded, and how many were there.

    Raises:
        StopRequested: The watch said so.
        CacheWriteError: The cache cannot be written.
    """
    identity = encoders.text_identity
    if identity is None:
        return 0, 0
    keys = {prompt: prompt_key(prompt, identity) for prompt in prompts}
    missing = [prompt for prompt, key in keys.items() if not cache.has(key)]
    for start in range(0, len(missing), MAX_BATCH):
        watch.check("encoding prompts", start, len(missing))
        batch = missing[start : start + MAX_BATCH]
        rows = encoders.encode_prompts(batch)
        for index, prompt in enumerate(batch):
            cache.write(keys[prompt], {name: tensor[index] for name, tensor in rows.items()})
    return len(missing), len(keys) - len(missing)


def load_pixels(item: Item) -> Pixels:
    """The picture as it trains; for helper threads, so it uses Pillow and plain copies in numpy alone.

    Raises:
        UnreadablePictureError: It cannot be decoded.
    """
    return numpy.ascontiguousarray(numpy.asarray(render(load_picture(item.path), item.view)).transpose(2, 0, 1))


def load_mask(item: Item, latents_CHW: Tensor) -> Tensor:
    """The mask of a picture, moved as the picture is: float32 from 0 to 1, mask_1HW over the latents' pixels.

    Raises:
        UnreadablePictureError: It cannot be decoded.
    """
    assert item.mask_path is not None
    mask = place(load_picture(item.mask_path).convert("L"), item.view)
    height, width = latents_CHW.shape[-2:]
    mask = mask.resize((width, height), Image.Resampling.BOX)
    return torch.from_numpy(numpy.asarray(mask, numpy.float32) / 255).unsqueeze(0)


def _sort_pictures(items: Sequence[Item], identity: str, cache: TensorCache, watch: Watch) -> _PictureWork:
    work = _PictureWork()
    fingerprints = Fingerprints(cache.fingerprints)
    seen: set[str] = set()
    try:
        for number, item in enumerate(items):
            watch.check("comparing pictures with the cache", number, len(items))
            if item.path in work.broken or (item.path, item.view) in work.keys:
                continue
            try:
                mask = fingerprints.sha256(item.mask_path) if item.mask_path else None
                key = picture_key(fingerprints.sha256(item.path), item.view, identity, mask)
            except OSError as error:
                work.broken[item.path] = f"cannot be read ({error.strerror})"
                continue
            work.keys[item.path, item.view] = key
            if key in seen:
                continue
            seen.add(key)
            if cache.has(key):
                work.num_reused += 1
            else:
                work.missing[item.view.target][key] = item
    finally:
        fingerprints.save()
    return work


def _encode_pictures(work: _PictureWork, encoders: Encoders, cache: TensorCache, watch: Watch, num_threads: int) -> int:
    total = sum(len(missing) for missing in work.missing.values())
    num_tried = num_encoded = 0
    for size, missing in work.missing.items():
        batch_size = min(MAX_BATCH, max(1, MAX_BATCH_PIXELS // (size.width * size.height)))
        decoded = map_ahead(_decode, missing.items(), num_threads, num_ahead=batch_size + num_threads)
        while batch := list(islice(decoded, batch_size)):
            watch.check("encoding pictures", num_tried, total)
            num_tried += len(batch)
            num_encoded += _encode_batch(batch, encoders, cache, work.broken)
    return num_encoded


_Decoded = tuple[tuple[str, Item], Pixels | str]


def _encode_batch(batch: list[_Decoded], encoders: Encoders, cache: TensorCache, broken: dict[Path, str]) -> int:
    broken |= {item.path: outcome for (_, item), outcome in batch if isinstance(outcome, str)}
    pictures = [(key, item, outcome) for (key, item), outcome in batch if not isinstance(outcome, str)]
    if not pictures:
        return 0
    pixels_BCHW = pixels_of([pixels for _, _, pixels in pictures])
    latents_BCHW = encoders.encode_images(pixels_BCHW, [seed_of(key) for key, _, _ in pictures])
    for (key, item, _), latents_CHW in zip(pictures, latents_BCHW, strict=True):
        try:
            masked = {MASK: load_mask(item, latents_CHW)} if item.mask_path else {}
        except UnreadablePictureError as error:
            broken[item.path] = f"has a mask that {error.reason}"
            continue
        cache.write(key, {LATENTS: latents_CHW, **masked})
    return len(pictures)


def _decode(entry: tuple[str, Item]) -> Pixels | str:
    """The pixels, or why there is none."""
    try:
        return load_pixels(entry[1])
    except UnreadablePictureError as error:
        return error.reason


def _failure(path: Path) -> str | None:
    try:
        load_picture(path)
    except UnreadablePictureError as error:
        return error.reason
    return None


def _skipped(broken: dict[Path, str]) -> tuple[SkippedPicture, ...]:
    return tuple(SkippedPicture(path=str(path), reason=reason) for path, reason in broken.items())
