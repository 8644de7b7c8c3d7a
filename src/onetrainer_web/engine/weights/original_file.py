"""Whole models as one safetensors file in the layout of their original code, out and in.

Our own files carry the settings of their components in the metadata, so that models of other sizes than the published
ones load again. Files of others are taken to have the published sizes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import init_empty_weights
from torch import Tensor, nn

from onetrainer_web.engine.errors import ModelNotFoundError, WrongWeightsError
from onetrainer_web.engine.interfaces import Components, LoadRequest, Model, SaveTarget
from onetrainer_web.engine.precision import part_dtypes
from onetrainer_web.engine.weights.diffusers_folder import load_piece
from onetrainer_web.engine.weights.files import write_tensors
from onetrainer_web.engine.weights.location import locate
from onetrainer_web.engine.weights.places import Naming, from_places, to_places
from onetrainer_web.engine.weights.tensor_file import read_tensors

COMPONENTS_KEY = "onetrainer_web.components"
BASE_KEY = "onetrainer_web.base_model"
_PREFIXES = ("model.diffusion_model.", "diffusion_model.")
"""What programs put in front of the names of a denoiser that stands alone."""


@dataclass(frozen=True)
class OriginalPart:
    """A network of a model in its original code."""

    component: str
    kind: Any
    """Its class in diffusers or transformers."""
    prefix: str
    naming: Callable[[Mapping[str, Any]], Naming]
    """From its settings to the places of its weights."""
    published: Mapping[str, Any]
    """Its settings in the published model, where they are not the defaults of its class."""


@dataclass(frozen=True)
class OriginalLayout:
    """A model as one file."""

    title: str
    """For messages: what such a file holds."""
    parts: Sequence[OriginalPart]
    scheduler_kind: Any
    scheduler: Mapping[str, Any]
    """Published settings of the noise schedule."""
    tokenizer_kind: Any
    tokenizers: Mapping[str, tuple[str, str | None]]
    """Where tokenizers are found, which no such file holds: repository and folder."""


def save(model: Model, target: SaveTarget, layout: OriginalLayout) -> None:
    """Write the whole model as one file."""
    tensors: dict[str, Tensor] = {}
    configs = {"scheduler": _settings(model.components["scheduler"])}
    for part in layout.parts:
        network = model.module(part.component)
        configs[part.component] = _settings(network)
        placed = to_places(network.state_dict(), part.naming(configs[part.component]))
        tensors |= {f"{part.prefix}{name}": own.to(target.dtype or own.dtype) for name, own in placed.items()}
    write_tensors(target.path, tensors, {**target.metadata, COMPONENTS_KEY: json.dumps(configs)})


def load(path: Path, request: LoadRequest, layout: OriginalLayout) -> Components:
    """Load the whole model from one file.

    Raises:
        WrongWeightsError: It is no such file.
        ModelNotFoundError: A tokenizer cannot be found.
    """
    tensors, metadata = read_tensors(path, layout.title)
    if not any(name.startswith(layout.parts[0].prefix) for name in tensors):
        raise WrongWeightsError(path, f"weights such as {next(iter(tensors), 'nothing')!r}", layout.title)
    own = json.loads(metadata.get(COMPONENTS_KEY, "null")) or {}
    dtypes = part_dtypes(request.config, [part.component for part in layout.parts])
    components: Components = {
        part.component: _network(
            part, own.get(part.component) or _published(part, tensors), tensors, path, layout.title
        ).to(dtypes[part.component])
        for part in layout.parts
    }
    for name, place in layout.tokenizers.items():
        components[name] = _tokenizer(layout.tokenizer_kind, name, place, metadata, request)
    components["scheduler"] = layout.scheduler_kind.from_config(own.get("scheduler", dict(layout.scheduler)))
    return components


def _network(
    part: OriginalPart, settings: Mapping[str, Any], tensors: Mapping[str, Tensor], path: Path, title: str
) -> nn.Module:
    """A network with its weights out of a file, frozen and in evaluation mode."""
    with init_empty_weights(include_buffers=False):
        network, complete = empty_network(part, settings)
    names = {name.removeprefix(part.prefix): own for name, own in tensors.items() if name.startswith(part.prefix)}
    shapes = {name: weight.shape for name, weight in network.state_dict().items()}
    try:
        found = from_places(shapes, names, part.naming(complete))
    except KeyError as error:
        raise WrongWeightsError(path, f"no {part.prefix}{error.args[0]}", f"a complete file: {title}") from error
    except ValueError as error:
        raise WrongWeightsError(path, f"a {part.component} of another size ({error})", title) from error
    network.load_state_dict(found, assign=True)
    return network.eval().requires_grad_(False)


def _published(part: OriginalPart, tensors: Mapping[str, Tensor]) -> Mapping[str, Any]:
    """The published settings; inpainting models take more than latents."""
    first = tensors.get(f"{part.prefix}input_blocks.0.0.weight")
    return part.published if first is None else {**part.published, "in_channels": first.shape[1]}


def write_network(network: nn.Module, target: SaveTarget, place: Naming) -> None:
    """Write one network as a file in its original layout."""
    placed = to_places(network.state_dict(), place)
    tensors = {name: own.to(target.dtype or own.dtype) for name, own in placed.items()}
    write_tensors(target.path, tensors, target.metadata)


def read_network(path: Path, like: Any, namings: Sequence[Naming]) -> nn.Module:
    """A network from a file in one of its original layouts, of the size and type of `like`.

    Raises:
        WrongWeightsError: It is no such file.
    """
    title = f"a {type(like).__name__} in one file"
    tensors, _ = read_tensors(path, title)
    prefix = next((prefix for prefix in _PREFIXES if any(name.startswith(prefix) for name in tensors)), "")
    names = {name.removeprefix(prefix) for name in tensors}
    naming = max(namings, key=lambda naming: sum(naming(name).name in names for name in like.state_dict()))
    part = OriginalPart("network", type(like), prefix, lambda _: naming, dict(like.config))
    return _network(part, part.published, tensors, path, title).to(like.dtype)


def empty_network(part: OriginalPart, settings: Mapping[str, Any]) -> tuple[nn.Module, Mapping[str, Any]]:
    """A network of some settings, and its settings with all defaults filled in."""
    if part.kind.__module__.startswith("transformers"):
        return part.kind(part.kind.config_class(**settings)), settings
    network = part.kind.from_config(dict(settings))
    return network, network.config


def _settings(component: Any) -> dict[str, Any]:
    if hasattr(component, "config") and hasattr(component.config, "to_diff_dict"):
        return component.config.to_diff_dict()
    return json.loads(component.to_json_string()) if hasattr(component, "to_json_string") else dict(component.config)


def _tokenizer(
    kind: Any, name: str, published: tuple[str, str | None], metadata: Mapping[str, str], request: LoadRequest
) -> Any:
    """The tokenizer of the model that the file was made from, else the published one."""
    if base := metadata.get(BASE_KEY):
        try:
            return load_piece(kind, locate(base, request.resolve), name, is_offline=request.is_offline)
        except ModelNotFoundError:
            pass  # made on another machine
    return load_piece(kind, *published, is_offline=request.is_offline)
