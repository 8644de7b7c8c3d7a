"""Fine-tuning of the autoencoder's decoder: pictures come back from their latents closer to what they were.

The encoder stays as it is, so latents mean the same to every model that was trained on them.
"""

from pathlib import Path

import torch
from torch import Tensor

from onetrainer_web.engine.methods.fine_tune import FineTune
from onetrainer_web.engine.parts.autoencoder import decode_latents, encode_pictures
from onetrainer_web.engine.runtime.randomness import derive_seed
from onetrainer_web.engine.seams.interfaces import ParameterGroup
from onetrainer_web.pipeline.batches import Batch


class FineTuneVae(FineTune):
    """Trains the decoder on the pictures themselves."""

    learns_pixels = True

    def prepare(self, backup: Path | None) -> list[ParameterGroup]:
        """Let the decoder learn; the weights of a backup were loaded as the base model."""
        del backup
        part = self.family.picture_encoder
        settings = self.family.part_config(self.config, part)
        rate = self.config.learning_rate if settings.learning_rate is None else settings.learning_rate
        weights = self.model.components[part].decoder.requires_grad_(True).named_parameters()
        return [ParameterGroup(part, part, rate, {f"{part}.decoder.{name}": weight for name, weight in weights})]

    def pixel_predictions(self, batch: Batch, pixels_BCHW: Tensor) -> Tensor:
        """What the autoencoder makes of pictures; each has latents of its own, the same in every step."""
        vae = self.model.components[self.family.picture_encoder]
        with torch.no_grad():
            latents_BCHW = encode_pictures(vae, pixels_BCHW, [derive_seed("reconstruction", n) for n in batch.names])
        return decode_latents(vae, latents_BCHW)
