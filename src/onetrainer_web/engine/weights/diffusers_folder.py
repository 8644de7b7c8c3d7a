"""Components of a model in diffusers' layout: one folder a component, on this machine or on the hub."""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from huggingface_hub import try_to_load_from_cache
from torch import nn
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from onetrainer_web.engine.runtime.errors import ModelNotFoundError, WrongWeightsError
from onetrainer_web.engine.seams.interfaces import Components, LoadRequest
from onetrainer_web.engine.seams.precision import part_dtypes
from onetrainer_web.engine.weights import hub
from onetrainer_web.engine.weights.location import locate
from onetrainer_web.files.json_files import load_json
from onetrainer_web.files.model_folders import INDEX, MODULAR_INDEX, index_of
from onetrainer_web.files.shortages import is_out_of_memory


def load_components(request: LoadRequest, pieces: Mapping[str, Any]) -> Components:
    """All components of a model from a folder or the hub, but for those that the configuration leaves out.

    Args:
        request: Where from, and in which types.
        pieces: Class of each by its name in diffusers, which for a network is also its key in the configuration.

    Raises:
        WrongWeightsError: The folder is no model in diffusers' layout.
        ModelNotFoundError: A component is not there, or does not fit its class.
    """
    location, is_offline = request.location, request.is_offline
    networks = [name for name, kind in pieces.items() if issubclass(kind, nn.Module)]
    if isinstance(location, Path):
        require_parts(location, [name for name in networks if request.includes(name)])
    dtypes = part_dtypes(request.config, networks)
    return {
        name: load_network(kind, location, name, dtypes[name], is_offline=is_offline)
        if name in networks
        else load_piece(kind, location, name, is_offline=is_offline)
        for name, kind in pieces.items()
        if request.includes(name)
    }


def replace_parts(
    components: Components,
    request: LoadRequest,
    parts: Sequence[str],
    readers: Mapping[str, Callable[[Path, Any], nn.Module]] = MappingProxyType({}),
) -> Components:
    """The components with those networks that the configuration names (`model_name`) instead of the model's own.

    Args:
        components: The model's own.
        request: Where it came from.
        parts: Which can be replaced.
        readers: How a part is read from a single file, given the one that it replaces.

    Raises:
        WrongWeightsError: It is a single file, and there is no reader for it.
        ModelNotFoundError: It is not there, or does not fit its class.
    """
    replaced = dict(components)
    for part, dtype in part_dtypes(request.config, parts).items():
        if name := getattr(request.config, part).model_name:
            place = locate(name, request.resolve)
            if part in readers and isinstance(place, Path) and place.is_file():
                replaced[part] = readers[part](place, components[part])
                continue
            kind = type(components[part])
            if isinstance(place, Path) and place.is_file():
                raise WrongWeightsError(place, "one file", f"a folder in diffusers format ({kind.__name__})")
            subfolder = part if isinstance(place, Path) and (place / part).is_dir() else None
            replaced[part] = load_network(kind, place, subfolder, dtype, is_offline=request.is_offline)
    return replaced


Maker = Callable[[Any, "Path | str", str | None, torch.dtype | None], Any]
"""Makes a piece of a model of its class, where it would be, its folder there, and the type of its weights."""
_MAKER = ContextVar[Maker | None]("maker", default=None)


@contextmanager
def made_by(maker: Maker | None) -> Generator[None]:
    """Have the pieces of models made instead of loaded, for who wants to know of a model without its weights."""
    token = _MAKER.set(maker)
    try:
        yield
    finally:
        _MAKER.reset(token)


def load_network(
    kind: Any, location: Path | str, subfolder: str | None, dtype: torch.dtype, *, is_offline: bool
) -> nn.Module:
    """A network of diffusers or transformers from its folder, on the CPU, frozen and in evaluation mode.

    Only safetensors are read.

    Raises:
        ModelNotFoundError: It is not there, or does not fit its class.
    """
    type_key = "dtype" if kind.__module__.startswith("transformers") else "torch_dtype"
    others: dict[str, Any] = {type_key: dtype, "use_safetensors": True}
    network = load_piece(kind, location, subfolder, is_offline=is_offline, **others)
    return network.eval().requires_grad_(False)


def load_piece(kind: Any, location: Path | str, subfolder: str | None, *, is_offline: bool, **others: Any) -> Any:
    """Anything with a `from_pretrained`, such as a tokenizer or a scheduler.

    What has been downloaded is used where the hub cannot be reached.

    Raises:
        ModelNotFoundError: It is not there, or does not fit its class.
    """
    if maker := _MAKER.get():
        return maker(kind, location, subfolder, others.get("dtype") or others.get("torch_dtype"))
    where: dict[str, Any] = {"subfolder": subfolder} if subfolder else {}
    is_cut_off = not (is_offline or isinstance(location, Path) or hub.can_be_reached())
    only_here = is_offline or is_cut_off or isinstance(location, Path)
    try:
        found = kind.from_pretrained(location, local_files_only=only_here, **where, **others)
        _require_vocabulary(found, location, subfolder or "")
        return found
    except (OSError, ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        if is_cut_off:
            raise ModelNotFoundError(str(location), hub.MISSING) from error
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelNotFoundError(f"{location}/{subfolder or ''}".rstrip("/"), first_line) from error


def _require_vocabulary(found: Any, location: Path | str, subfolder: str) -> None:
    """Refuse a tokenizer without words, as transformers makes where it finds no file: every prompt would be empty."""
    if not isinstance(found, PreTrainedTokenizerBase):
        return
    names = {"tokenizer.json", *type(found).vocab_files_names.values()}
    if isinstance(location, Path):
        has_words = any((location / subfolder / name).is_file() for name in names)
    else:
        places = (f"{subfolder}/{name}".lstrip("/") for name in names)
        has_words = any(isinstance(try_to_load_from_cache(location, place), str) for place in places)
    if not has_words:
        raise FileNotFoundError(f"there is no tokenizer: none of {', '.join(sorted(names))} is there.")


class OwnScheduler:
    """Whichever of diffusers' schedulers a model's folder names."""

    @staticmethod
    def from_pretrained(location: Path | str, **others: Any) -> Any:
        """Load it; see `load_piece`."""
        config: Any = DDIMScheduler.load_config(location, **others)
        return getattr(import_module("diffusers.schedulers"), config["_class_name"]).from_config(config)


class _Index(ConfigMixin):
    """The file that says which components a model has."""

    config_name = "model_index.json"

    @classmethod
    def from_pretrained(cls, location: Path | str, **others: Any) -> Any:
        """Read it; see `load_piece`."""
        return cls.load_config(location, **others)


def read_index(request: LoadRequest) -> dict[str, Any]:
    """What a model's folder or repository says of it: the name of its pipeline as `_class_name`, and its settings.

    Raises:
        ModelNotFoundError: It has no model_index.json.
    """
    return load_piece(_Index, request.location, None, is_offline=request.is_offline)


def require_parts(location: Path, parts: Sequence[str]) -> None:
    """Refuse a folder that is no model in diffusers' layout, or another one.

    Raises:
        WrongWeightsError: It has no model_index.json, or not the folders of these parts.
    """
    expected = f"a folder in diffusers format with {', '.join(parts)}"
    index = index_of(location)
    if index is None:
        raise WrongWeightsError(location, "no model_index.json", expected)
    if missing := [part for part in parts if not (location / part).is_dir()]:
        pipeline = load_json(index).get("_class_name", "model")
        raise WrongWeightsError(location, f"a {pipeline} without {', '.join(missing)}", expected)


def write_folder(
    folder: Path,
    pipeline_class: str,
    parts: Mapping[str, Any],
    dtype: torch.dtype | None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write components as a folder that diffusers' pipelines load.

    Args:
        folder: Made if it is not there.
        pipeline_class: Name of the pipeline that loads it.
        parts: What belongs to the pipeline, None for what it leaves out.
        dtype: Type of the written weights; None keeps their own.
        settings: The pipeline's own.
    """
    from diffusers import __version__ as diffusers_version

    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, Any] = {"_class_name": pipeline_class, "_diffusers_version": diffusers_version}
    index |= settings or {}
    is_modular = pipeline_class.endswith("ModularPipeline")
    for name, part in parts.items():
        if part is None:
            index[name] = [None, None]
            continue
        kind = [_library(part), type(part).__name__.removesuffix("Pil")]  # which only new programs know
        index[name] = [*kind, {"subfolder": name, "type_hint": kind}] if is_modular else kind
        _write_part(folder / name, part, dtype)
    file = folder / (MODULAR_INDEX if is_modular else INDEX)
    file.write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def _library(part: Any) -> str:
    """Where diffusers looks for the class of a component: the few that belong to one pipeline stand with it."""
    path = type(part).__module__.split(".")
    return path[-2] if "pipelines" in path else path[0]


def _write_part(folder: Path, part: Any, dtype: torch.dtype | None) -> None:
    if not isinstance(part, nn.Module):
        part.save_pretrained(folder)
        return
    network: Any = part
    tensors = {
        name: tensor.to("cpu", dtype if dtype and tensor.is_floating_point() else tensor.dtype)
        for name, tensor in network.state_dict().items()
    }
    save: Callable[..., None] = network.save_pretrained
    if type(network).__module__.startswith("transformers"):
        # The names of published files, which older programs look for and every version of transformers reads.
        prefix = "text_model." if isinstance(network, CLIPTextModel) else ""
        save(folder, state_dict={f"{prefix}{name}": tensor for name, tensor in tensors.items()})
    else:
        network.save_config(folder)
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, folder / "diffusion_pytorch_model.safetensors", {"format": "pt"})
