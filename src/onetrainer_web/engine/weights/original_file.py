"""Whole models as one safetensors file in the layout of their original code, out and in.

Our own files carry the settings of their components in the metadata, so that models of other sizes than the published
ones load again. Files of others are taken to have the published sizes.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn
from transformers.modeling_utils import PreTrainedModel

from onetrainer_web.config.architectures import BASE_KEY
from onetrainer_web.config.tensor_names import DENOISER_PREFIXES, MARKERS, OTHER_NETWORKS, OTHER_PARTS, UNUSED
from onetrainer_web.engine.runtime.errors import ModelNotFoundError, WrongWeightsError
from onetrainer_web.engine.seams.interfaces import Components, LoadRequest, Model, SaveTarget
from onetrainer_web.engine.seams.places import Naming, Place, from_places, to_places
from onetrainer_web.engine.seams.precision import default_type, part_dtypes, set_type
from onetrainer_web.engine.weights.diffusers_folder import load_piece
from onetrainer_web.engine.weights.files import write_tensors
from onetrainer_web.engine.weights.location import locate
from onetrainer_web.engine.weights.scaled import unscaled, with_descriptions
from onetrainer_web.engine.weights.tensor_file import read_tensors
from onetrainer_web.protocol.run_folder import RunFolder, RunFolderError

_NUMBERS = re.compile(r"\d+")
COMPONENTS_KEY = "onetrainer_web.components"
_PRIVATE_SETTING = "_name_or_path"
"""Where a component was loaded from."""


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
    measure: Callable[[Mapping[str, Tensor]], Mapping[str, Any]] = lambda _: {}
    """Settings in which published models differ, from the tensors of a file."""
    left_out: Mapping[str, Callable[[torch.Size], Tensor]] = field(
        default_factory=dict[str, Callable[[torch.Size], Tensor]]
    )
    """What stands for weights that published files leave out."""


@dataclass(frozen=True)
class OriginalLayout:
    """A model as one file."""

    title: str
    """For messages: what such a file holds."""
    parts: Sequence[OriginalPart]
    scheduler_kind: Any
    scheduler: Mapping[str, Any]
    """Published settings of the noise schedule."""
    others: Mapping[str, tuple[Any, str, str | None]]
    """Class of tokenizers and other components that no such file holds, and where they are: repository and folder."""


def save(model: Model, target: SaveTarget, layout: OriginalLayout) -> None:
    """Write the whole model as one file."""
    tensors: dict[str, Tensor] = {}
    configs = {"scheduler": _settings(model.components["scheduler"])}
    for part in (part for part in layout.parts if part.component in model.components):
        network = model.module(part.component)
        configs[part.component] = _settings(network)
        placed = to_places(network.state_dict(), part.naming(configs[part.component]))
        tensors |= {f"{part.prefix}{name}": own.to(target.dtype or own.dtype) for name, own in placed.items()}
    tensors |= _markers(layout, configs["scheduler"])
    write_tensors(target.path, tensors, {**target.metadata, COMPONENTS_KEY: json.dumps(configs)}, target.writer)


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
    parts = [part for part in layout.parts if request.includes(part.component)]
    dtypes = part_dtypes(request.config, [part.component for part in parts])
    file = _File(path, with_descriptions(path, tensors, metadata), layout.title)
    components: Components = {
        part.component: _network(part, own.get(part.component), file, dtypes[part.component]) for part in parts
    }
    left = [name for name in tensors if not name.startswith(tuple(part.prefix for part in layout.parts))]
    request.notes.extend(_note_of(path, [*file.unused, *filter(_is_needed, left)]))
    for name, place in layout.others.items():
        components[name] = _beside(name, place, metadata, request)
    components["scheduler"] = layout.scheduler_kind.from_config(
        own.get("scheduler") or _marked(layout, tensors, metadata)
    )
    return components


def _markers(layout: OriginalLayout, scheduler: Mapping[str, Any]) -> dict[str, Tensor]:
    """Empty tensors by which programs tell what a model predicts, where that is not what was published."""
    first = {name: next(iter(settings.items())) for name, settings in MARKERS.items()}
    return {
        name: torch.empty(0)
        for name, (key, value) in first.items()
        if scheduler.get(key) == value and layout.scheduler.get(key) != value
    }


def _marked(layout: OriginalLayout, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> dict[str, Any]:
    """The published noise schedule, but for what a file of somebody else's says about its own."""
    names = [name for name in MARKERS if name in tensors]
    if metadata.get("modelspec.prediction_type") in ("v", "v_prediction"):
        names.append("v_pred")
    return {**layout.scheduler, **{key: value for name in names for key, value in MARKERS[name].items()}}


@dataclass(frozen=True)
class _File:
    """A file that networks are taken from."""

    path: Path
    tensors: Mapping[str, Tensor]
    title: str
    """For messages: what it should hold."""
    unused: list[str] = field(default_factory=list[str])
    """Names of those of its tensors that found no place in a text encoder or an autoencoder."""

    def wrong(self, found: str, expected: str = "") -> WrongWeightsError:
        """It does not hold what it should."""
        return WrongWeightsError(self.path, found, expected or self.title)


def _network(part: OriginalPart, own: Mapping[str, Any] | None, file: _File, dtype: torch.dtype) -> nn.Module:
    """A network of its own settings, or else the published ones, with its weights out of a file; frozen, evaluating."""
    names = {name.removeprefix(part.prefix): one for name, one in file.tensors.items() if name.startswith(part.prefix)}
    names = unscaled(file.path, names, dtype)
    try:
        settings = own or {**part.published, **part.measure(names)}
    except KeyError as error:
        raise file.wrong(f"no {part.prefix}{error.args[0]}", f"a complete file: {file.title}") from error
    # Constants that are computed while it is made, and that no file has, get the type that they have from a folder.
    with init_empty_weights(include_buffers=False), default_type(dtype):
        network, complete = empty_network(part, settings)
    shapes = {name: weight.shape for name, weight in network.state_dict().items()}
    names = {**{name: make(shapes[name]) for name, make in part.left_out.items()}, **names}
    naming = part.naming(complete)
    try:
        found = from_places(shapes, names, naming)
    except KeyError as error:
        raise file.wrong(f"no {part.prefix}{error.args[0]}", f"a complete file: {file.title}") from error
    except ValueError as error:
        raise file.wrong(f"a {part.component} of another size ({error})") from error
    _judge_unused(part, names.keys() - {theirs for name in shapes for theirs in naming(name).names}, names, file)
    network.load_state_dict(found, assign=True)
    if tie := getattr(network, "tie_weights", None):
        tie()
    set_type(network, dtype)
    return network.eval().requires_grad_(False)


def _judge_unused(part: OriginalPart, unused: Set[str], names: Iterable[str], file: _File) -> None:
    """Refuse a denoiser that is more than its class knows; of other networks only name what nothing like it is used."""
    left = [name for name in names if name in unused and _is_needed(name)]
    if isinstance(part.kind, type) and issubclass(part.kind, PreTrainedModel | AutoencoderKL):
        used = {_NUMBERS.sub("#", name) for name in names if name not in unused}
        file.unused.extend(f"{part.prefix}{name}" for name in left if _NUMBERS.sub("#", name) not in used)
    elif left:
        raise file.wrong(f"{len(left)} tensors that have no place in a {part.kind.__name__} ({_first(left)})")


def _is_needed(name: str) -> bool:
    return not UNUSED.search(name)


def _first(names: Sequence[str]) -> str:
    return ", ".join([*names[:3], *(["…"] if len(names) > 3 else [])])


def _note_of(path: Path, unused: Sequence[str]) -> list[str]:
    if not unused:
        return []
    return [f"{len(unused)} tensors of {path.name} belong to no part of this model and are not used: {_first(unused)}."]


def write_network(network: nn.Module, target: SaveTarget, place: Naming) -> None:
    """Write one network as a file in its original layout."""
    write_networks([(network, place)], target)


def write_networks(networks: Iterable[tuple[nn.Module, Naming]], target: SaveTarget, wrapper: str = "") -> None:
    """Write networks side by side as a file in their original layout, with a wrapper in front of all names."""
    placed = [item for network, naming in networks for item in to_places(network.state_dict(), naming).items()]
    tensors = {f"{wrapper}{name}": own.to(target.dtype or own.dtype) for name, own in placed}
    write_tensors(target.path, tensors, target.metadata, target.writer)


def read_network(path: Path, like: Any, namings: Sequence[Naming]) -> nn.Module:
    """A network from a file in one of its original layouts, of the size and type of `like`.

    Raises:
        WrongWeightsError: It is no such file.
    """
    title = f"a {type(like).__name__} in one file"
    tensors, metadata = read_tensors(path, title)
    tensors = with_descriptions(path, tensors, metadata)
    prefix = next((prefix for prefix in DENOISER_PREFIXES if any(name.startswith(prefix) for name in tensors)), "")
    names = {name.removeprefix(prefix) for name in tensors}
    naming = max(namings, key=lambda naming: sum(naming(name).name in names for name in like.state_dict()))
    part = OriginalPart("network", type(like), prefix, lambda _: naming, dict(like.config))
    others = tuple(f"{prefix}{name}" for name in OTHER_NETWORKS) if prefix else OTHER_PARTS
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(others)}
    return _network(part, None, _File(path, tensors, title), like.dtype)


def read_companion(path: Path, like: Any, name: str) -> nn.Module:
    """A network beside the denoiser in a file, under a name and in diffusers' own; `like` where it is not there.

    Raises:
        WrongWeightsError: It is not whole.
    """
    title = f"a {type(like).__name__}"
    tensors, metadata = read_tensors(path, title)
    tensors = with_descriptions(path, tensors, metadata)
    prefix = next((f"{outer}{name}" for outer in (*DENOISER_PREFIXES, "") if _has(tensors, f"{outer}{name}")), None)
    if prefix is None:
        return like
    part = OriginalPart("network", type(like), prefix, lambda _: Place, dict(like.config))
    return _network(part, None, _File(path, tensors, title), like.dtype)


def _has(names: Iterable[str], start: str) -> bool:
    return any(name.startswith(start) for name in names)


def empty_network(part: OriginalPart, settings: Mapping[str, Any]) -> tuple[nn.Module, Mapping[str, Any]]:
    """A network of some settings, and its settings with all defaults filled in."""
    if part.kind.__module__.startswith("transformers"):
        return part.kind(part.kind.config_class(**settings)), settings
    network = part.kind.from_config(dict(settings))
    return network, network.config


def _settings(component: Any) -> dict[str, Any]:
    if hasattr(component, "config") and hasattr(component.config, "to_diff_dict"):
        found = component.config.to_diff_dict()
    else:
        is_told = hasattr(component, "to_json_string")
        found = json.loads(component.to_json_string()) if is_told else dict(component.config)
    return {key: value for key, value in found.items() if key != _PRIVATE_SETTING}


def _beside(
    name: str, published: tuple[Any, str, str | None], metadata: Mapping[str, str], request: LoadRequest
) -> Any:
    """A tokenizer or the like, of the model that the file was made from, else the published one."""
    if base := metadata.get(BASE_KEY) or _base_of_run(request.location):
        try:
            return load_piece(published[0], locate(base, request.resolve), name, is_offline=request.is_offline)
        except ModelNotFoundError:
            pass  # made on another machine
    return load_piece(*published, is_offline=request.is_offline)


def _base_of_run(location: Path | str) -> str:
    """The base model of the run in whose folder a file lies; nothing for any other file."""
    for folder in Path(location).parents[:2]:
        try:
            return str(RunFolder(folder).read_record().task.config.get("base_model_name", ""))
        except RunFolderError:
            continue
    return ""
