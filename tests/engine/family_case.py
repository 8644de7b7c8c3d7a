"""What a family brings to the tests that hold for every family; the cases stand in `families/`, one file a family."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from peft.mapping import inject_adapter_in_model
from peft.utils.save_and_load import set_peft_model_state_dict
from PIL import Image, ImageDraw
from safetensors.torch import load_file
from tests.engine.tiny_models import write_model

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.config.model_facts import ModelFacts

SAMPLE = {
    "prompt": "a red square",
    "negative_prompt": "blue",
    "width": 64,
    "height": 64,
    "frames": 1,
    "seed": 5,
    "diffusion_steps": 3,
    "cfg_scale": 40.0,
    "noise_scheduler": "DDIM",
}
INPAINTING = {"sample_inpainting": True, "base_image_path": "base.png", "mask_image_path": "mask.png"}
"""Settings of a sample, so strongly guided that its prompt shows; both files stand in the workspace of every test."""
METHODS: dict[str, dict[str, Any]] = {
    "LORA": {"training_method": "LORA", "learning_rate": 1e-2, "output_model_format": "DIFFUSERS_LORA"},
    "FINE_TUNE": {"training_method": "FINE_TUNE", "learning_rate": 3e-3, "output_model_format": "DIFFUSERS"},
    "EMBEDDING": {
        "training_method": "EMBEDDING",
        "embedding_learning_rate": 1e-1,
        "output_model_format": "SAFETENSORS",
        "embedding": {"placeholder": "<embedding>", "token_count": 2, "initial_embedding_text": "red"},
    },
}


def base_picture() -> Image.Image:
    """What inpainting models draw into, as large as the sample."""
    picture = Image.linear_gradient("L").resize((64, 64)).convert("RGB")
    ImageDraw.Draw(picture).rectangle((8, 20, 40, 44), fill=(220, 60, 30))
    return picture


def base_mask() -> Image.Image:
    """Where they draw."""
    mask = Image.new("L", (64, 64))
    ImageDraw.Draw(mask).ellipse((13, 9, 50, 52), fill=255)
    return mask


def inpainting_call(**others: Any) -> dict[str, Any]:
    """What a pipeline of diffusers is told to inpaint the same."""
    return {"image": base_picture(), "mask_image": base_mask(), "strength": 1.0, **others}


def load_by_pipeline(pipeline: Any, path: Path) -> None:
    """Give a pipeline a LoRA by its own method, and its networks by peft what that method passes over."""
    known = getattr(pipeline, "_lora_loadable_modules", [])
    if known:
        pipeline.load_lora_weights(path)
    tensors = load_file(path)
    for part in {key.split(".")[0] for key in tensors} & pipeline.components.keys() - set(known):
        network = getattr(pipeline, part)
        prefix = f"{part}." if hasattr(network, "text_model") else f"{part}.text_model."
        own = {
            key.removeprefix(prefix).removeprefix(f"{part}."): tensor
            for key, tensor in tensors.items()
            if key.startswith(f"{part}.")
        }
        downs = {key.removesuffix(".lora_A.weight"): tensor for key, tensor in own.items() if ".lora_A." in key}
        rank = next(iter(downs.values())).shape[0]
        inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=list(downs)), network)
        unknown = set_peft_model_state_dict(network, own).unexpected_keys
        assert not unknown


@dataclass(frozen=True)
class Case:
    """A model type under test."""

    model_type: ModelType
    parts: Callable[[], dict[str, Any]]
    """Makes the components of a tiny model, by the libraries' own classes."""
    pipeline: Any
    """diffusers' own, or a subclass that puts it right."""
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    """Of every run."""
    adapter_formats: tuple[str, ...] = ("DIFFUSERS_LORA",)
    """Those that diffusers' own pipeline reads."""
    denoiser_only: tuple[str, ...] = ()
    """Formats of which it reads no text encoders, or not as they were trained."""
    call: dict[str, Any] = field(default_factory=lambda: {"negative_prompt": SAMPLE["negative_prompt"]})
    """What the pipeline is told besides."""
    sample: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the sample is told besides."""
    own_sampler: bool = False
    """Whether a model of denoising diffusion draws by its own sampler, whichever the sample names."""
    index: dict[str, Any] = field(default_factory=dict[str, Any])
    """What the model's folder says besides its components."""

    @property
    def facts(self) -> ModelFacts:
        """What the catalogue says of it."""
        return facts(self.model_type)

    def make(self, folder: Path) -> Path:
        """The tiny model in diffusers' layout."""
        torch.manual_seed(1)
        name = next(kind.__name__ for kind in self.pipeline.__mro__ if kind.__module__.startswith("diffusers."))
        return write_model(folder, name, self.parts(), self.index, inpaints=self.facts.has_mask_input)

    def training(self, method: str, *, trains_text: bool = False) -> dict[str, Any]:
        """A configuration of one method."""
        encoders = {
            encoder.part: {"train": trains_text and encoder.can_train, "gradient_checkpointing": False}
            for encoder in self.facts.encoders
        }
        denoiser = {self.facts.denoiser: {"gradient_checkpointing": False}}
        return {"resolution": "64", **METHODS[method], **encoders, **denoiser, **self.settings}
