"""From planned batches to tensors, ready when the loop asks.

Tensor legend: B batch, C channels, H and W height and width of the latents.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from onetrainer_web.dataset.sizes import Size
from onetrainer_web.pipeline.ahead import map_ahead
from onetrainer_web.pipeline.cache import TensorCache, Tensors, picture_key, prompt_key, seed_of
from onetrainer_web.pipeline.encode import PictureId
from onetrainer_web.pipeline.entries import HINT, LATENTS, MASK, Decoded, Encoders, decode, encode, side_by_side
from onetrainer_web.pipeline.items import Item
from onetrainer_web.pipeline.plan import EpochPlan


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step trains on. All tensors are on the CPU."""

    latents_BCHW: Tensor
    """As the family's `encode_images` gave them."""
    conditioning: Tensors
    """As the family's `encode_prompts` gave them, one row a sample; empty when a text encoder is trained."""
    masks_B1HW: Tensor | None
    """float32 from 0 to 1 over the pixels of the latents: 1 where to learn. None when no sample has a mask."""
    hints_BCHW: Tensor | None
    """What an inpainting or depth model sees beside the noisy latents; None for other models."""
    loss_weights_B: Tensor
    """float32: the concepts' loss weights."""
    is_prior_B: Tensor
    """bool: samples of which the model is to keep what it makes of them without training."""
    prompts: tuple[str, ...]
    names: tuple[str, ...]
    """Concept and file of each sample, for reports."""
    concepts: tuple[str, ...]
    """Label of each sample's concept."""
    original_sizes: tuple[Size, ...]
    """Of the picture files, upright."""
    crop_offsets: tuple[tuple[int, int], ...]
    """Pixels cut off on the left and at the top, after scaling."""
    target_size: Size
    """Pixels of all pictures of the batch."""


class BatchSource:
    """Makes batches: from the cache, or, without one, by encoding at once."""

    def __init__(
        self,
        encoders: Encoders,
        cache: TensorCache | None = None,
        picture_keys: Mapping[PictureId, str] | None = None,
        num_threads: int = 2,
    ) -> None:
        """Prepare.

        Args:
            encoders: The model family's.
            cache: Filled for the items to come; None encodes every batch anew.
            picture_keys: With a cache: of the reports of `fill_cache`; may grow as long as batches are made.
            num_threads: Helpers that read or decode ahead.
        """
        self._encoders = encoders
        self._cache = cache
        self._picture_keys = {} if picture_keys is None else picture_keys
        self._num_threads = num_threads

    def batches(self, plan: EpochPlan, start_step: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from `start_step` on, the next ones prepared while the caller works.

        Raises:
            CacheEntryLostError: An entry of the cache is gone or damaged.
            UnreadablePictureError: Without a cache: a picture cannot be decoded any more.
        """
        remaining = plan.batches[start_step:]
        for items, decoded in map_ahead(self._prepare, remaining, self._num_threads, num_ahead=self._num_threads):
            yield self._assemble(items, decoded)

    def conditioning(self, prompts: Sequence[str]) -> Tensors:
        """What the text encoders make of prompts, one row each; empty when one of them is trained.

        Raises:
            CacheEntryLostError: There is a cache, and it lacks one of them (see `fill_prompts`).
        """
        identity = self._encoders.text_identity
        if identity is None:
            return {}
        if self._cache is None:
            return self._encoders.encode_prompts(prompts)
        entries = [self._cache.read(prompt_key(prompt, identity)) for prompt in prompts]
        return {name: side_by_side([entry[name] for entry in entries]) for name in entries[0]}

    def _prepare(self, items: Sequence[Item]) -> list[Decoded]:
        """In a helper thread: the pixels, or with a cache none, but its files at hand."""
        if self._cache is None:
            return [decode(item) for item in items]
        for item in items:
            self._cache.warm(self._picture_keys[item.path, item.view])
            if self._encoders.text_identity is not None:
                self._cache.warm(prompt_key(item.prompt, self._encoders.text_identity))
        return []

    def _assemble(self, items: Sequence[Item], decoded: Sequence[Decoded]) -> Batch:
        entries = self._entries(items, decoded)
        latents_BCHW = torch.stack([entry[LATENTS] for entry in entries])
        is_hinted = HINT in entries[0]
        return Batch(
            latents_BCHW=latents_BCHW,
            masks_B1HW=_stack_masks([entry.get(MASK) for entry in entries], latents_BCHW),
            hints_BCHW=torch.stack([entry[HINT] for entry in entries]) if is_hinted else None,
            conditioning=self.conditioning([item.prompt for item in items]),
            loss_weights_B=torch.tensor([item.loss_weight for item in items], dtype=torch.float32),
            is_prior_B=torch.tensor([item.is_prior for item in items]),
            prompts=tuple(item.prompt for item in items),
            names=tuple(item.name for item in items),
            concepts=tuple(item.concept for item in items),
            original_sizes=tuple(item.size for item in items),
            crop_offsets=tuple((item.view.left, item.view.top) for item in items),
            target_size=items[0].view.target,
        )

    def _entries(self, items: Sequence[Item], decoded: Sequence[Decoded]) -> list[Tensors]:
        if self._cache is None:
            # The file's hash, which the cache goes by, would mean reading every file twice.
            seeds = [seed_of(picture_key(item.name, item.view, self._encoders.image_identity)) for item in items]
            return encode(decoded, self._encoders, seeds)
        return [self._cache.read(self._picture_keys[item.path, item.view]) for item in items]


def _stack_masks(masks: Sequence[Tensor | None], latents_BCHW: Tensor) -> Tensor | None:
    """A picture without a mask counts everywhere."""
    if all(mask is None for mask in masks):
        return None
    everywhere = latents_BCHW.new_ones((1, *latents_BCHW.shape[-2:]), dtype=torch.float32)
    return torch.stack([everywhere if mask is None else mask for mask in masks])
