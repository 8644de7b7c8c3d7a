"""The seams of the trainer: what a model family says about itself, and what a training method does with any family.

Families plus methods, not families times methods: a method knows a family only through `Family`, and the loop knows
both only through what stands here and in `objectives.py`. To add a family, see docs/adding-a-family.md.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import Parameter

from onetrainer_web.config.enums import ModelFormat, ModelType, TimeUnit
from onetrainer_web.config.families import facts
from onetrainer_web.config.parts import TrainModelPartConfig
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.engine.seams.embeddings import Embeddings
from onetrainer_web.engine.seams.objectives import Objective
from onetrainer_web.engine.seams.places import SAME_NAMES, Place, Places
from onetrainer_web.engine.seams.precision import Precision
from onetrainer_web.pipeline.batches import Batch

UNGUIDED = 1.0
"""The strength of guidance at which a comparison with the negative prompt would change nothing."""

Components = dict[str, Any]
"""The pieces of a model in memory under diffusers' names: unet, vae, text_encoder, tokenizer, scheduler …"""


@dataclass(frozen=True)
class PictureShape:
    """How a training picture came to its size, in pixels; a sample is its own original."""

    original: Size
    target: Size
    left: int = 0
    top: int = 0
    """Cut off after scaling."""


@dataclass(frozen=True)
class TextEncoderPart:
    """A text encoder: `name` is its key in the configuration and in the components."""

    name: str
    tokenizer: str
    kohya: str = ""
    """Prefix of its adapter keys in kohya's files, without the final underscore; none where it is never trained."""
    comfy: str = ""
    """Its name in ComfyUI's adapter files; none where it is never trained."""
    legacy: str = ""
    """Prefix of its adapter keys in OneTrainer's older files, where it is not kohya's."""
    module_prefix: str = ""
    """What adapter files put in front of its module names."""
    comfy_names: Places = field(default_factory=lambda: SAME_NAMES)
    """How these names begin in ComfyUI; what is not in the table has no place there."""


@dataclass
class Model:
    """A loaded model: its components, where it came from, and how it is computed."""

    components: Components
    precision: Precision
    objective: Objective
    source: str
    """`base_model_name` as configured, for the metadata of saved files."""
    embeddings: Embeddings = field(default_factory=Embeddings)
    """What placeholders in prompts stand for."""
    notes: list[str] = field(default_factory=list[str])
    """What of the files that were given is not used, as sentences."""

    def module(self, part: str) -> nn.Module:
        """The neural network of a part."""
        return self.components[part]

    def text_encoders(self, family: "Family") -> list[TextEncoderPart]:
        """Those of a family's text encoders that are not left out."""
        return [encoder for encoder in family.text_encoders if encoder.name in self.components]

    def modules(self) -> Iterator[tuple[str, nn.Module]]:
        """All neural networks by their part."""
        yield from ((name, item) for name, item in self.components.items() if isinstance(item, nn.Module))


@dataclass(frozen=True)
class LoadRequest:
    """Where a model comes from."""

    name: str
    """`base_model_name` as configured, for messages."""
    location: Path | str
    """A folder or file of this machine, or the id of a repository on the Hugging Face hub."""
    config: TrainConfig
    resolve: Callable[[str], Path]
    """Makes a path of the configuration absolute."""
    notes: list[str] = field(default_factory=list[str])
    """What of the files is not used, as sentences; whoever reads them adds some."""

    @property
    def is_offline(self) -> bool:
        """Whether nothing may be downloaded."""
        return self.config.offline_mode

    def includes(self, part: str) -> bool:
        """Whether a component is to be loaded: the configuration may leave out what can be missed."""
        return not facts(self.config.model_type).can_leave_out(part) or getattr(self.config, part).include


@dataclass(frozen=True)
class DrawRequest:
    """One sample picture to draw."""

    settings: SampleConfig
    seed: int
    on_step: Callable[[int, int], None]
    """Called behind each denoising step with the steps done and their number; may raise to leave."""
    base: Image.Image | None = None
    """The picture that an inpainting model draws into, or by whose depth one draws; None lets it draw all of it."""
    mask: Image.Image | None = None
    """Where it draws: white; None is everywhere."""


class Family(ABC):
    """What a model family says about itself: no loop, no method, no training files."""

    text_encoders: Sequence[TextEncoderPart]
    picture_encoder: str
    """Key of the component that turns pixels into latents."""
    kohya_denoiser = "lora_transformer"
    """Prefix of the denoiser's adapter keys in OneTrainer's older files; kohya's call every denoiser `lora_unet`."""
    legacy_is_dotted = False
    """Whether the legacy adapter files of this family name modules as backups do, instead of as kohya's do."""
    prompt_networks: Sequence[str] = ()
    """Keys of other components that have a part in encoding prompts, and are never trained."""
    architecture: str
    """Name in the modelspec metadata of saved files."""

    def __init__(self, model_type: ModelType) -> None:
        self.model_type = model_type

    @property
    def denoiser(self) -> str:
        """Key of the part that is trained first of all: unet, transformer or prior."""
        return facts(self.model_type).denoiser

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts that can be trained, the denoiser first."""
        return (self.denoiser, *(encoder.name for encoder in self.text_encoders))

    @abstractmethod
    def load(self, request: LoadRequest) -> Components:
        """Load all components on the CPU, in evaluation mode and without gradients.

        Raises:
            ModelNotFoundError: There is no such model.
            WrongWeightsError: It is a model of another kind.
        """

    @abstractmethod
    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> Objective:
        """What the model predicts, from its own settings and the configuration's."""

    @abstractmethod
    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents as the denoiser takes them, float32, each drawn by its own seed.

        Args:
            model: The loaded model.
            pixels_BCHW: In [-1, 1]; of videos, with frames behind the channels.
            seeds: One for each picture.
        """

    @abstractmethod
    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of each text encoder by its part: (batch, length)."""

    @abstractmethod
    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """What one text encoder makes of its tokens, by names that `predict` knows."""

    def picture_conditions(self, shapes: Sequence[PictureShape]) -> dict[str, Tensor]:
        """What the denoiser is told about each picture besides its prompt, by names that `predict` knows."""
        del shapes
        return {}

    def largest_side(self, model: Model) -> int | None:
        """How many pixels a side may have so that the denoiser knows all places of a picture; None is any number."""
        del model
        return None

    def hint(self, model: Model, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
        """What the denoiser sees beside the noisy latents, as channels of their height and width.

        Args:
            model: An inpainting or depth model, or one that draws after a reference.
            shown_BCHW: The pictures, for inpainting with their masked part grey, or other pictures, in [-1, 1].
            masks_B1HW: 1 where an inpainting model is to draw, else 0; as large as the pictures.
        """
        del model, shown_BCHW, masks_B1HW
        raise NotImplementedError

    @abstractmethod
    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The denoiser's prediction, of the shape of `noisy`; a variance that it has learned in channels behind it.

        Args:
            model: The loaded model.
            noisy: Latents of pictures in training, or of one sample, once for each of its prompts.
            timesteps_B: One for each row, where the latents are; whole numbers in training, and what the sampler says
                of a sample.
            conditions: What the other methods have made, one row for each.
        """

    @abstractmethod
    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Shape of the latents of one sample, a batch of 1."""

    def first_noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """What a sample begins with, on the CPU: latents of a shape, in the order in which the makers draw them."""
        return torch.randn(shape, generator=generator)

    @abstractmethod
    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """A scheduler of diffusers with its timesteps set, on the training device, for latents of a shape."""

    def guidance(self, settings: SampleConfig) -> float:
        """How strongly a sample's prompt is held against its negative one; up to `UNGUIDED`, it is not compared."""
        return settings.cfg_scale

    def guide(self, without: Tensor, with_prompt: Tensor, strength: float) -> Tensor:
        """The prediction that a sample follows, from those for its negative prompt and its prompt."""
        return without + strength * (with_prompt - without)

    def sample_conditions(self, model: Model, settings: SampleConfig, num_rows: int) -> dict[str, Tensor]:
        """What the denoiser is told about a sample besides its prompts, on the training device."""
        size = Size(settings.width, settings.height)
        told = self.picture_conditions([PictureShape(size, size)] * num_rows)
        return {name: tensor.to(model.precision.device) for name, tensor in told.items()}

    @abstractmethod
    def decode(self, model: Model, latents: Tensor) -> Image.Image | list[Image.Image]:
        """The picture of a sample's latents, or the frames of a video."""

    def finish(
        self, model: Model, latents: Tensor, settings: SampleConfig, generator: torch.Generator
    ) -> Image.Image | list[Image.Image]:
        """What a sample becomes behind its steps; for models in which another network draws on from there."""
        del settings, generator
        return self.decode(model, latents)

    @abstractmethod
    def save(self, model: Model, target: "SaveTarget") -> None:
        """Write the whole model in one of the formats that the catalogue says are written."""

    def original_place(self, part: str, module_name: str, model: Model) -> Place | None:
        """Where a module stands in the original code, which may join several in one; None when it has no name there."""
        del part, module_name, model
        return None

    def names_in_adapters(self, model_format: ModelFormat, part: str, module_name: str, model: Model) -> Sequence[str]:
        """How adapter files of a format call a module, without their prefix.

        Returns:
            As many names as the original code has modules for it, each of as many outputs; none if it has none there.
        """
        encoder = next((encoder for encoder in self.text_encoders if encoder.name == part), None)
        if encoder:
            return [f"{encoder.module_prefix}{module_name}"]
        if model_format in (ModelFormat.DIFFUSERS_LORA, ModelFormat.LEGACY_LORA):
            return [module_name]
        if place := self.original_place(part, module_name, model):
            return place.names
        return [module_name] if model_format is ModelFormat.KOHYA_LORA else []

    def layer_skip(self, config: TrainConfig, part: str) -> int:
        """How many of the last layers of a text encoder are left out."""
        return int(getattr(config, f"{part}_layer_skip"))

    def part_config(self, config: TrainConfig, part: str) -> TrainModelPartConfig:
        """The settings of a part; a text encoder that cannot be trained is not, whatever they say."""
        settings: TrainModelPartConfig = getattr(config, part)
        encoder = facts(self.model_type).encoder(part)
        return settings if encoder is None or encoder.can_train else settings.model_copy(update={"train": False})


@dataclass(frozen=True)
class SaveTarget:
    """Where a model is written, and how."""

    path: Path
    model_format: ModelFormat
    dtype: torch.dtype | None
    """None keeps the type of the weights."""
    metadata: Mapping[str, str]
    writer: str = ""
    """Stands in the names of half-written files: see `replacing`."""


@dataclass(frozen=True)
class Limit:
    """How long something trains; None in the place of a number means to the end."""

    after: int | None
    unit: TimeUnit


@dataclass
class ParameterGroup:
    """Parameters that train together."""

    name: str
    """As in TensorBoard: unet, unet_lora …"""
    part: str | None
    """The part that they change; None when it stays as it is."""
    learning_rate: float
    parameters: dict[str, Parameter] = field(default_factory=dict[str, Parameter])
    """By names that stay the same over restarts: those of the files in a backup."""
    limit: Limit | None = None
    """None takes that of the part."""


class Method(ABC):
    """What trains of a model, how it is kept for resuming, and which file comes out."""

    resumes_as_base = False
    """Whether a backup holds the whole model, to be loaded in place of the base model."""
    keeps_untrained = False
    """Whether `untrained` works."""
    learns_pixels = False
    """Whether batches hold pixels in the place of latents, for `pixel_predictions`."""

    def __init__(self, family: Family, model: Model, config: TrainConfig, resolve: Callable[[str], Path]) -> None:
        self.family = family
        self.model = model
        self.config = config
        self.resolve = resolve

    @classmethod
    def check_files(cls, config: TrainConfig, resolve: Callable[[str], Path]) -> None:
        """Refuse files that the method starts from, as far as their headers tell, before the model is loaded.

        Raises:
            WrongAdapterError: One holds something else than the configuration says.
            HeaderError: One cannot be read.
        """
        del config, resolve

    @property
    @abstractmethod
    def architecture(self) -> str:
        """Name of the result in the modelspec metadata."""

    def check_output(self) -> None:
        """Refuse, when all that trains is there, what could not be saved in the end.

        Raises:
            UnsupportedSettingError: Names the format, and those that can hold it.
        """
        return

    @abstractmethod
    def prepare(self, backup: Path | None) -> list[ParameterGroup]:
        """Make the model ready to train, from a backup if one is given; only the returned parameters train.

        Raises:
            NothingToTrainError: The configuration leaves no parameter to train.
            BackupError: The backup does not fit.
        """

    def pixel_predictions(self, batch: Batch, pixels_BCHW: Tensor) -> Tensor:
        """What comes back of pictures in [-1, 1], to be compared with them.

        Raises:
            NotImplementedError: This method trains on latents.
        """
        raise NotImplementedError

    def untrained(self) -> AbstractContextManager[None]:
        """The model as it was before training, for as long as the context lasts.

        Raises:
            NotImplementedError: This method keeps no untrained model.
        """
        raise NotImplementedError

    @abstractmethod
    def write_weights(self, folder: Path) -> None:
        """Write the trained weights as they are into a backup."""

    @abstractmethod
    def save(self, target: SaveTarget) -> str:
        """Write the result in the format of the target.

        Returns:
            How it came out otherwise than asked for, as a sentence; empty when it did not.
        """
