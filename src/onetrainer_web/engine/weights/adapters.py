"""LoRA files: every common naming of their keys, in and out.

Inside, an adapter stands under `<part>.<module path in diffusers>` with OneTrainer's canonical weights
`lora_down.weight`, `lora_up.weight` and `alpha`; that is also how it lies in a backup.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.engine.errors import WrongWeightsError
from onetrainer_web.engine.interfaces import Family, Model, TextEncoderPart

_SUFFIXES = {
    ".lora_down.weight": "down",
    ".lora_up.weight": "up",
    ".alpha": "alpha",
    ".lora_A.weight": "down",
    ".lora_B.weight": "up",
    ".lora_A.default.weight": "down",
    ".lora_B.default.weight": "up",
    ".lora.down.weight": "down",
    ".lora.up.weight": "up",
}


@dataclass(frozen=True)
class Adapter:
    """The two factors of one module's change: up · down · alpha / rank."""

    down: Tensor
    up: Tensor
    alpha: float

    @property
    def rank(self) -> int:
        """Inner size of the factors."""
        return self.down.shape[0]


Adapters = Mapping[str, Adapter]
"""By `<part>.<module path>`."""

KeyNames = Callable[["_Names", str, str], tuple[str, str, str | None] | None]


@dataclass(frozen=True)
class _Names:
    """What the naming of keys needs to know about a model."""

    family: Family
    model: Model

    def encoder(self, part: str) -> TextEncoderPart | None:
        return next((encoder for encoder in self.family.text_encoders if encoder.name == part), None)

    def outside(self, part: str, module: str) -> str:
        """The module path as adapter files know it."""
        encoder = self.encoder(part)
        return f"{encoder.module_prefix}{module}" if encoder else module


def _kohya(names: _Names, part: str, module: str) -> tuple[str, str, str | None]:
    encoder = names.encoder(part)
    prefix = encoder.kohya if encoder else names.family.kohya_denoiser
    outside = names.family.kohya_module_name(part, names.outside(part, module), names.model)
    key = f"{prefix}_{outside.replace('.', '_')}"
    return f"{key}.lora_down.weight", f"{key}.lora_up.weight", f"{key}.alpha"


def _legacy(names: _Names, part: str, module: str) -> tuple[str, str, str | None]:
    encoder = names.encoder(part)
    prefix = encoder.kohya if encoder else names.family.kohya_denoiser
    key = f"{prefix}_{names.outside(part, module).replace('.', '_')}"
    return f"{key}.lora_down.weight", f"{key}.lora_up.weight", f"{key}.alpha"


def _diffusers(names: _Names, part: str, module: str) -> tuple[str, str, str | None]:
    key = f"{part}.{names.outside(part, module)}"
    return f"{key}.lora_A.weight", f"{key}.lora_B.weight", None


def _original(names: _Names, part: str, module: str) -> tuple[str, str, str | None] | None:
    if part != names.family.denoiser:
        return None
    key = names.family.original_module_name(part, module, names.model)
    return (f"{key}.lora_A.weight", f"{key}.lora_B.weight", f"{key}.alpha") if key else None


def _comfy(names: _Names, part: str, module: str) -> tuple[str, str, str | None] | None:
    key = names.family.original_module_name(part, module, names.model)
    if key is None:
        return None
    encoder = names.encoder(part)
    prefix = f"text_encoders.{encoder.comfy}.transformer." if encoder else "diffusion_model."
    return f"{prefix}{key}.lora_A.weight", f"{prefix}{key}.lora_B.weight", f"{prefix}{key}.alpha"


KEY_NAMES: Mapping[ModelFormat, KeyNames] = MappingProxyType(
    {
        ModelFormat.KOHYA_LORA: _kohya,
        ModelFormat.DIFFUSERS_LORA: _diffusers,
        ModelFormat.ORIGINAL_LORA: _original,
        ModelFormat.COMFY_LORA: _comfy,
        ModelFormat.LEGACY_LORA: _legacy,
    }
)
"""How each format names the two factors and alpha of a module; no name for alpha folds it into the second factor."""


def to_format(
    adapters: Adapters, model_format: ModelFormat, family: Family, model: Model, dtype: torch.dtype | None
) -> dict[str, Tensor]:
    """The tensors of a LoRA file in one of `KEY_NAMES`; what the format has no name for is left out."""
    names = _Names(family, model)
    tensors: dict[str, Tensor] = {}
    for key, adapter in adapters.items():
        part, _, module = key.partition(".")
        keys = KEY_NAMES[model_format](names, part, module)
        if keys is None:
            continue
        down_key, up_key, alpha_key = keys
        up = adapter.up if alpha_key else adapter.up * (adapter.alpha / adapter.rank)
        tensors[down_key] = adapter.down.to(dtype or adapter.down.dtype)
        tensors[up_key] = up.to(dtype or up.dtype)
        if alpha_key:
            tensors[alpha_key] = torch.tensor(adapter.alpha, dtype=dtype or torch.float32)
    return tensors


def to_canonical(adapters: Adapters) -> dict[str, Tensor]:
    """The tensors as they lie in a backup: unchanged."""
    tensors: dict[str, Tensor] = {}
    for key, adapter in adapters.items():
        tensors[f"{key}.lora_down.weight"] = adapter.down
        tensors[f"{key}.lora_up.weight"] = adapter.up
        tensors[f"{key}.alpha"] = torch.tensor(adapter.alpha, dtype=torch.float32)
    return tensors


def read_adapters(path: Path, modules: Mapping[str, list[str]], family: Family, model: Model) -> dict[str, Adapter]:
    """Read a LoRA file whatever its key style.

    Args:
        path: A safetensors file.
        modules: Names of the modules of each part that adapters may belong to.
        family: Knows the names of other programs.
        model: The model they are for.

    Raises:
        WrongWeightsError: It is no LoRA of this model.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WrongWeightsError(path, f"no readable safetensors ({error})", "a LoRA file") from error
    known = _known_keys(modules, _Names(family, model))
    pieces: dict[str, dict[str, Tensor]] = {}
    unknown: list[str] = []
    for name, tensor in tensors.items():
        suffix = next((suffix for suffix in _SUFFIXES if name.endswith(suffix)), None)
        key = known.get(_flat(name[: -len(suffix)])) if suffix else None
        if key is None or suffix is None:
            unknown.append(name)
        else:
            pieces.setdefault(key, {})[_SUFFIXES[suffix]] = tensor
    whole = {key: piece for key, piece in pieces.items() if {"down", "up"} <= piece.keys()}
    if not whole:
        example = f" such as {unknown[0]!r}" if unknown else ""
        raise WrongWeightsError(path, f"keys{example}", f"a LoRA of {family.architecture}")
    return {
        key: Adapter(piece["down"], piece["up"], float(piece.get("alpha", piece["down"].shape[0])))
        for key, piece in whole.items()
    }


def _flat(key: str) -> str:
    return key.replace(".", "_")


def _known_keys(modules: Mapping[str, list[str]], names: _Names) -> dict[str, str]:
    """Canonical keys by every spelling of them, with dots and underscores alike."""
    known: dict[str, str] = {}
    for part, module_names in modules.items():
        for module in module_names:
            canonical = f"{part}.{module}"
            known[_flat(canonical)] = canonical
            for name in KEY_NAMES.values():
                keys = name(names, part, module)
                if keys:
                    known[_flat(keys[0].removesuffix(".weight").rpartition(".")[0])] = canonical
            if names.encoder(part) and len(names.family.text_encoders) == 1:
                known[_flat(f"lora_te1_{names.outside(part, module)}")] = canonical
    return known
