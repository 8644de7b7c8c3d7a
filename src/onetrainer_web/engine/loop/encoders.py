"""A family's encoders as the data pipeline wants them, and what identifies them for the cache."""

import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn

from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.parts.circular import wraps_edges
from onetrainer_web.engine.parts.depth import ESTIMATOR
from onetrainer_web.engine.seams.interfaces import Family, Model, PictureShape
from onetrainer_web.pipeline.batches import Batch
from onetrainer_web.pipeline.entries import HINT

SAMPLED_ELEMENTS = 4096
"""Of each tensor, spread evenly: training changes practically all elements, and hashing gigabytes takes long."""


class FamilyEncoders:
    """Turns pictures and prompts into tensors on the CPU; see `pipeline.encode.Encoders`."""

    def __init__(self, family: Family, model: Model, config: TrainConfig, *, keeps_pixels: bool = False) -> None:
        """Prepare; to be made when the model is loaded, since adapters that stay as they are change what is encoded.

        Args:
            family: Of the model.
            model: Whose encoders.
            config: Says which layers are skipped and what is trained.
            keeps_pixels: Whether pictures stay as they are, for methods that train on pixels.
        """
        self._keeps_pixels = keeps_pixels
        self._family = family
        self._model = model
        self._config = config
        self.image_identity = "pixels" if keeps_pixels else network_identity(model.module(family.picture_encoder))
        """Weights, settings and number format of the autoencoder, and of what else a model is shown of pictures."""
        if wraps_edges(config):
            self.image_identity += " circular"
        if facts(config.model_type).has_mask_input:
            self.image_identity += f" inpainting {type(family).__name__}"
        self.shows_whole_pictures = facts(config.model_type).has_depth_input
        """Whether hints are made of the pictures as they are."""
        if self.shows_whole_pictures:
            self.image_identity += f" depth {network_identity(model.module(ESTIMATOR))}"
        self.text_identity = self._identify_text()
        """The same of the text encoders and tokenizers, with the skipped layers and what the family makes of a prompt
        in front of them; None when one of them or an embedding is trained."""

    def encode_images(self, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents of pictures."""
        if self._keeps_pixels:
            return pixels_BCHW.float()
        return self._family.encode_pictures(self._model, pixels_BCHW, seeds).cpu()

    def encode_hints(self, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
        """What an inpainting or depth model sees beside the noisy latents."""
        with torch.no_grad():
            return self._family.hint(self._model, shown_BCHW, masks_B1HW).cpu()

    def encode_prompts(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Conditions of prompts."""
        with torch.no_grad():
            return {name: tensor.cpu() for name, tensor in self.conditions(prompts).items()}

    def conditions(self, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Conditions of prompts on the training device, with gradients where a text encoder is trained."""
        tokens = self._family.tokenize(self._model, prompts)
        conditions: dict[str, Tensor] = {}
        for part, ids in tokens.items():
            skipped = self._family.layer_skip(self._config, part)
            with self._model.precision.autocast(part):
                made = self._family.encode_tokens(self._model, part, ids, skipped)
                conditions |= self._model.embeddings.place_outputs(part, ids, made)
        return self._model.precision.handed_to(self._family.denoiser, conditions)

    def picture_conditions(self, batch: Batch) -> dict[str, Tensor]:
        """What the denoiser is told about the pictures of a batch, on the CPU."""
        pairs = zip(batch.original_sizes, batch.crop_offsets, strict=True)
        told = self._family.picture_conditions(
            [PictureShape(original, batch.target_size, left, top) for original, (left, top) in pairs]
        )
        return told if batch.hints_BCHW is None else {**told, HINT: batch.hints_BCHW}

    def _identify_text(self) -> str | None:
        if self._model.embeddings.is_learning:
            return None
        parts: list[str] = [str(self._model.precision.train_dtype), type(self._family).__name__]
        parts.append(self._model.embeddings.identity)
        # Lengths and templates: two families may use one encoder, each in its own way.
        tokens = self._family.tokenize(self._model, ["a prompt"])
        parts.append(_hash_of(str({name: ids.tolist() for name, ids in tokens.items()})))
        parts.append(str(self._family.part_config(self._config, self._family.denoiser).attention_mask))
        parts += [network_identity(self._model.module(name)) for name in self._family.prompt_networks]
        for encoder in self._model.text_encoders(self._family):
            if self._family.part_config(self._config, encoder.name).train:
                return None
            parts.append(network_identity(self._model.module(encoder.name)))
            if encoder.name in self._model.precision.others:
                parts.append(str(self._model.precision.dtype_of(encoder.name)))
            parts.append(_hash_of(str(sorted(self._model.components[encoder.tokenizer].get_vocab().items()))))
            parts.append(str(self._family.layer_skip(self._config, encoder.name)))
        return " ".join(parts)


def network_identity(network: nn.Module) -> str:
    """A hash that changes when the weights, their type or the settings of a network change."""
    digest = hashlib.sha256()
    digest.update(type(network).__name__.encode())
    config: Any = getattr(network, "config", {})
    settings: dict[str, Any] = config.to_dict() if hasattr(config, "to_dict") else dict(config)
    named = {key: value for key, value in settings.items() if not key.startswith("_")}
    digest.update(repr(sorted(named.items(), key=lambda pair: pair[0])).encode())
    for name, tensor in network.state_dict().items():
        flat = tensor.detach().flatten()
        stride = max(1, flat.numel() // SAMPLED_ELEMENTS)
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(flat[::stride].contiguous().cpu().view(torch.uint8).numpy())
    for module in network.modules():
        if isinstance(module, BaseTunerLayer):  # how strong an adapter is, its weights do not tell
            digest.update(repr(getattr(module, "scaling", None)).encode())
    return digest.hexdigest()


def _hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
