"""Stable Diffusion 1.x as one safetensors file in the original layout, out and in.

Our own files carry the configuration of their components in the metadata, so that models of other sizes than the
original load again. Files of others are taken to have the size of Stable Diffusion 1.5.
"""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.engine.errors import ModelNotFoundError, WrongWeightsError
from onetrainer_web.engine.interfaces import Components, LoadRequest, Model, SaveTarget
from onetrainer_web.engine.weights.diffusers_folder import load_piece
from onetrainer_web.engine.weights.files import write_tensors
from onetrainer_web.engine.weights.location import locate
from onetrainer_web.engine.weights.stable_diffusion_keys import (
    TEXT_PREFIX,
    UNET_PREFIX,
    VAE_PREFIX,
    original_unet_module,
    original_vae_weight,
)

COMPONENTS_KEY = "onetrainer_web.components"
BASE_KEY = "onetrainer_web.base_model"
_CLIP_L = "openai/clip-vit-large-patch14"
_SD15: dict[str, dict[str, Any]] = {
    "unet": {"cross_attention_dim": 768, "sample_size": 64},
    "vae": {
        "block_out_channels": [128, 256, 512, 512],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "layers_per_block": 2,
        "sample_size": 512,
    },
    "text_encoder": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "projection_dim": 768,
    },
    "scheduler": {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "clip_sample": False,
        "set_alpha_to_one": False,
        "steps_offset": 1,
    },
}
"""Sizes of Stable Diffusion 1.5, where they are not the defaults of the libraries."""


def save(model: Model, target: SaveTarget) -> None:
    """Write the whole model as one file."""
    components = model.components
    tensors = {name: tensor.to(target.dtype or tensor.dtype) for name, tensor in _original_tensors(components).items()}
    configs = {name: _config(components[name]) for name in ("unet", "vae", "text_encoder", "scheduler")}
    write_tensors(target.path, tensors, {**target.metadata, COMPONENTS_KEY: json.dumps(configs)})


def load(path: Path, dtypes: Mapping[str, torch.dtype], request: LoadRequest) -> Components:
    """Load the whole model from one file.

    Raises:
        WrongWeightsError: It is no such file.
        ModelNotFoundError: The tokenizer, which no such file holds, cannot be found.
    """
    tensors, metadata = _read(path)
    configs = json.loads(metadata.get(COMPONENTS_KEY, "null")) or copy.deepcopy(_SD15)
    first = tensors[f"{UNET_PREFIX}input_blocks.0.0.weight"]
    configs["unet"]["in_channels"] = first.shape[1]  # inpainting models take more than latents
    with init_empty_weights(include_buffers=False):
        networks: dict[str, nn.Module] = {
            "unet": UNet2DConditionModel.from_config(configs["unet"]),  # pyright: ignore[reportAssignmentType]
            "vae": AutoencoderKL.from_config(configs["vae"]),
            "text_encoder": CLIPTextModel(CLIPTextConfig(**configs["text_encoder"])),
        }
    _fill(networks, configs, tensors, path)
    loaded = {part: network.to(dtypes[part]).eval().requires_grad_(False) for part, network in networks.items()}
    scheduler = DDIMScheduler.from_config(configs["scheduler"])
    return {**loaded, "tokenizer": _tokenizer(metadata, request), "scheduler": scheduler}


def _original_tensors(components: Components) -> dict[str, Tensor]:
    unet, vae, encoder = components["unet"], components["vae"], components["text_encoder"]
    tensors = {f"{UNET_PREFIX}{_unet_name(name, unet)}": tensor for name, tensor in unet.state_dict().items()}
    for name, tensor in vae.state_dict().items():
        # The original has 1x1 convolutions where diffusers has linear layers.
        is_attention = ".attentions." in name and tensor.ndim == 2
        shaped = tensor[:, :, None, None] if is_attention else tensor
        tensors[f"{VAE_PREFIX}{original_vae_weight(name, vae.config)}"] = shaped
    return tensors | {f"{TEXT_PREFIX}{name}": tensor for name, tensor in encoder.state_dict().items()}


def _unet_name(name: str, unet: Any) -> str:
    found = original_unet_module(name, unet.config)
    assert found is not None, f"the original layout has no name for {name}"
    return found


def _config(component: Any) -> dict[str, Any]:
    if isinstance(component, CLIPTextModel):
        return component.config.to_diff_dict()
    return json.loads(component.to_json_string()) if hasattr(component, "to_json_string") else dict(component.config)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    expected = "a Stable Diffusion 1.x model in one safetensors file"
    if path.suffix != ".safetensors":
        raise WrongWeightsError(path, f"a {path.suffix or 'nameless'} file", expected)
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise WrongWeightsError(path, f"no readable safetensors ({error})", expected) from error
    if not any(name.startswith(UNET_PREFIX) for name in tensors):
        first = next(iter(tensors), "nothing")
        raise WrongWeightsError(path, f"weights such as {first!r}", expected)
    return tensors, metadata


def _fill(
    networks: Mapping[str, nn.Module], configs: Mapping[str, Any], tensors: Mapping[str, Tensor], path: Path
) -> None:
    """Give each network its weights out of the original names."""
    unet, vae, encoder = networks["unet"], networks["vae"], networks["text_encoder"]
    names = {
        "unet": {name: f"{UNET_PREFIX}{_unet_name(name, unet)}" for name in unet.state_dict()},
        "vae": {name: f"{VAE_PREFIX}{original_vae_weight(name, configs['vae'])}" for name in vae.state_dict()},
        "text_encoder": {name: f"{TEXT_PREFIX}{name}" for name in encoder.state_dict()},
    }
    for part, network in networks.items():
        shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
        missing = [theirs for theirs in names[part].values() if theirs not in tensors]
        if missing:
            raise WrongWeightsError(path, f"no {missing[0]}", "a complete Stable Diffusion 1.x model")
        found = {name: tensors[theirs] for name, theirs in names[part].items()}
        if any(found[name].numel() != shape.numel() for name, shape in shapes.items()):
            raise WrongWeightsError(path, f"a {part} of another size", "the size of Stable Diffusion 1.5")
        network.load_state_dict({name: found[name].view(shape) for name, shape in shapes.items()}, assign=True)


def _tokenizer(metadata: Mapping[str, str], request: LoadRequest) -> CLIPTokenizer:
    """The tokenizer of the model that the file was made from, else the one of Stable Diffusion 1.5."""
    places: list[Path | str] = [_CLIP_L]
    if base := metadata.get(BASE_KEY):
        try:
            place = locate(base, request.resolve)
            places.insert(0, place)
        except ModelNotFoundError:
            pass  # made on another machine
    for place in places:
        subfolder = None if place == _CLIP_L else "tokenizer"
        is_last = place is places[-1]
        try:
            return load_piece(CLIPTokenizer, place, subfolder, is_offline=request.is_offline)
        except ModelNotFoundError:
            if is_last:
                raise
    raise AssertionError("the last place returns or raises")
