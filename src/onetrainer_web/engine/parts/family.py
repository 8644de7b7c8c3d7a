"""What most families share: a model is a folder in diffusers' layout, and pictures go through an autoencoder.

A family says what is different about it: see docs/adding-a-family.md.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from PIL import Image
from torch import Tensor

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.families import facts
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.parts import autoencoder
from onetrainer_web.engine.parts.inpainting import require_fitting_input
from onetrainer_web.engine.parts.tokens import tokenize
from onetrainer_web.engine.seams.interfaces import Components, Family, LoadRequest, Model, SaveTarget
from onetrainer_web.engine.seams.places import Naming, Place, Places, find_place, naming_by
from onetrainer_web.engine.weights import diffusers_folder, original_file
from onetrainer_web.engine.weights.location import locate
from onetrainer_web.engine.weights.original_file import OriginalLayout


class Pictures(Protocol):
    """From pixels to latents and back through an autoencoder, as `engine/parts/autoencoder.py` does, or otherwise."""

    def encode_pictures(self, vae: Any, pixels_BCHW: Tensor, seeds: Sequence[int], /) -> Tensor:
        """Latents, float32, each drawn by its own seed."""
        ...

    def decode(self, vae: Any, latents: Tensor, /) -> Image.Image | list[Image.Image]:
        """The picture of some latents, or the frames of a video."""
        ...

    def latent_shape(self, vae: Any, settings: SampleConfig, /) -> tuple[int, ...]:
        """Shape of the latents of one sample, a batch of 1."""
        ...


class DiffusersFamily(Family):
    """A family whose components are classes of diffusers and transformers, in one folder."""

    picture_encoder = "vae"
    pictures: Pictures = autoencoder
    """How pictures become latents; the module for diffusers' `AutoencoderKL` if nothing is said."""
    pieces: Mapping[str, Any]
    """Class of each component by its name in diffusers."""
    pipeline: str
    """Name of the pipeline of diffusers that draws with them."""
    index: Mapping[str, Any] = MappingProxyType({})
    """What that pipeline's model_index.json says besides its components."""
    padding_side: str | None = None
    """Where the tokenizer fills prompts up; None leaves it to the tokenizer's own settings."""
    max_length = 512
    """Tokens of the only text encoder."""
    original_places: Places = MappingProxyType({})
    """Where modules and weights of the denoiser stand in its original code; see `engine/seams/places.py`."""
    comfy_places: Places = MappingProxyType({})
    """The same of ComfyUI's files of the denoiser, where they are others."""
    wrapper = ""
    """What files of the original code have in front of all names, and other programs take off."""
    companions: Mapping[str, str] = MappingProxyType({})
    """Networks that stand in one file with the denoiser, in diffusers' names, by what is in front of these."""
    layout: OriginalLayout | None = None
    """How the whole model stands in one file of the original code; None when there is no such file."""
    config: TrainConfig
    """Of the run, from `load` on."""

    def load(self, request: LoadRequest) -> Components:
        """Load all components from the folder or single file, or others where the configuration names them."""
        self.config = request.config
        location = request.location
        if self.layout and isinstance(location, Path) and location.is_file():
            components = original_file.load(location, request, self.layout)
        else:
            components = diffusers_folder.load_components(request, self.pieces)
        require_fitting_input(self, components, request)
        if self.padding_side:
            components["tokenizer"].padding_side = self.padding_side
        parts = [part for part in facts(self.model_type).overrides if part in components]
        namings = self.denoiser_namings()
        readers = {self.denoiser: partial(original_file.read_network, namings=namings)} if namings else {}
        return self._with_companions(diffusers_folder.replace_parts(components, request, parts, readers), request)

    def _with_companions(self, components: Components, request: LoadRequest) -> Components:
        """Those of the file that the denoiser comes from, as far as it has them."""
        name = getattr(request.config, self.denoiser).model_name
        place = locate(name, request.resolve) if name and self.companions else None
        if not (isinstance(place, Path) and place.is_file()):
            return components
        return components | {
            part: original_file.read_companion(place, components[part], prefix)
            for part, prefix in self.companions.items()
        }

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """As `pictures` says."""
        return self.pictures.encode_pictures(model.components[self.picture_encoder], pixels_BCHW, seeds)

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """As `pictures` says."""
        return self.pictures.latent_shape(model.components[self.picture_encoder], settings)

    def decode(self, model: Model, latents: Tensor) -> Image.Image | list[Image.Image]:
        """As `pictures` says."""
        return self.pictures.decode(model.components[self.picture_encoder], latents)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the only text encoder, cut off or filled up to `max_length`."""
        return tokenize(self, model, prompts, {self.text_encoders[0].name: self.max_length})

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a folder, the whole model as one file, or the denoiser as one file."""
        if target.model_format is ModelFormat.DIFFUSERS:
            parts = dict.fromkeys(self.pieces) | model.components
            diffusers_folder.write_folder(target.path, self.pipeline, parts, target.dtype, self.index)
        elif self.layout:
            original_file.save(model, target, self.layout)
        else:
            is_comfy = target.model_format is ModelFormat.COMFY_TRANSFORMER
            table = self.comfy_places if is_comfy else self.original_places
            networks = [(model.module(part), _naming_behind(prefix)) for part, prefix in self.companions.items()]
            networks.append((model.module(self.denoiser), naming_by(table)))
            original_file.write_networks(networks, target, self.wrapper)

    def names_in_adapters(self, model_format: ModelFormat, part: str, module_name: str, model: Model) -> Sequence[str]:
        """As usual, in the original code's format with its wrapper."""
        names = super().names_in_adapters(model_format, part, module_name, model)
        is_wrapped = model_format is ModelFormat.ORIGINAL_LORA and part == self.denoiser
        return [f"{self.wrapper}{name}" for name in names] if is_wrapped else names

    def original_place(self, part: str, module_name: str, model: Model) -> Place | None:
        """By the table `original_places`; text encoders keep their names."""
        del model
        if part == self.denoiser:
            return find_place(module_name, self.original_places)
        encoder = next(encoder for encoder in self.text_encoders if encoder.name == part)
        return Place(f"{encoder.module_prefix}{module_name}")

    @property
    def masks_filling(self) -> bool:
        """Whether the denoiser is to see nothing of what only fills a prompt up."""
        return self.part_config(self.config, self.denoiser).attention_mask

    def denoiser_namings(self) -> Sequence[Naming]:
        """How files of the denoiser alone may name its weights: as its makers do, or as ComfyUI does."""
        return [naming_by(table) for table in (self.original_places, self.comfy_places) if table]


def _naming_behind(prefix: str) -> Naming:
    return lambda name: Place(f"{prefix}{name}")
