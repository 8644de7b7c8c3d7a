"""LoRA: two thin matrices beside each chosen layer learn, the model itself stays as it is (Hu et al. 2021)."""

import math
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from peft.mapping import inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from torch import nn

from onetrainer_web.config.enums import ModelFormat, PeftType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.errors import BackupError, NothingToTrainError, UnsupportedSettingError, WrongWeightsError
from onetrainer_web.engine.interfaces import Family, Method, ParameterGroup, SaveTarget
from onetrainer_web.engine.precision import torch_dtype
from onetrainer_web.engine.randomness import torch_generator
from onetrainer_web.engine.weights.adapters import Adapter, read_adapters, to_canonical, to_format
from onetrainer_web.engine.weights.files import write_tensors

_NAME = "default"
"""Peft's name for an only adapter."""
BACKUP_FILE = Path("lora") / "lora.safetensors"


class Lora(Method):
    """Trains adapters on the linear and convolution layers of the denoiser and the text encoders."""

    keeps_untrained = True

    @classmethod
    def check(cls, config: TrainConfig, family: Family) -> None:
        """Refuse kinds of adapters that are not offered yet."""
        if config.peft_type is not PeftType.LORA:
            raise UnsupportedSettingError("peft_type", config.peft_type.value, [PeftType.LORA.value])
        cls.output_format(config, family)

    @classmethod
    def output_format(cls, config: TrainConfig, family: Family) -> ModelFormat:
        """One of the family's key styles; SAFETENSORS means the usual one."""
        formats, chosen = family.adapter_formats, config.output_model_format
        if chosen is ModelFormat.SAFETENSORS:
            return formats[0]
        if chosen not in formats:
            raise UnsupportedSettingError("output_model_format", chosen.value, [known.value for known in formats])
        return chosen

    def prepare(self, backup: Path | None) -> list[ParameterGroup]:
        """Add the adapters: new ones, those of `lora_model_name`, or those of a backup."""
        self._layers: dict[str, LoraLayer] = {}
        groups = [self._add_adapters(part) for part in self.family.parts if self._trains(part)]
        if not self._layers:
            raise NothingToTrainError("No model part is set to be trained; switch `train` on for one of them.")
        if backup:
            self._load(backup / BACKUP_FILE, is_backup=True)
        elif self.config.lora_model_name:
            self._load(self.resolve(self.config.lora_model_name), is_backup=False)
        return groups

    @contextmanager
    def untrained(self) -> Generator[None]:
        """Without the adapters: at scale 0, because peft's own switch would make frozen ones learn again."""
        scales = {key: layer.scaling[_NAME] for key, layer in self._layers.items()}
        for layer in self._layers.values():
            layer.scaling[_NAME] = 0.0
        try:
            yield
        finally:
            for key, layer in self._layers.items():
                layer.scaling[_NAME] = scales[key]

    def write_weights(self, folder: Path) -> None:
        """Write the adapters in OneTrainer's canonical keys, unchanged in type."""
        write_tensors(folder / BACKUP_FILE, to_canonical(self._adapters()), {"format": "pt"})

    def save(self, target: SaveTarget) -> None:
        """Write the adapters in the key style that was asked for."""
        tensors = to_format(self._adapters(), target.model_format, self.family, self.model, target.dtype)
        write_tensors(target.path, tensors, target.metadata)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return f"{self.family.architecture}/lora"

    def _trains(self, part: str) -> bool:
        settings = self.family.part_config(self.config, part)
        return settings.train and part in self.model.components

    def _add_adapters(self, part: str) -> ParameterGroup:
        config = self.config
        network = self.model.module(part)
        targets = target_modules(network, config, is_filtered=part == self.family.denoiser)
        if not targets:
            raise NothingToTrainError(f"The layer filter {config.layer_filter!r} fits no layer of the {part}.")
        adapter = LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,  # pyright: ignore[reportArgumentType] - fractions work too
            lora_dropout=config.dropout_probability,
            target_modules="|".join(re.escape(target) for target in targets),
        )
        inject_adapter_in_model(adapter, network, adapter_name=_NAME)
        dtype = torch_dtype("lora_weight_dtype", config.lora_weight_dtype)
        rate = self.family.part_config(config, part).learning_rate
        group = ParameterGroup(f"{part}_lora", part, config.learning_rate if rate is None else rate)
        for name, layer in network.named_modules():
            if isinstance(layer, LoraLayer):
                self._initialise(f"{part}.{name}", layer, dtype)
                self._layers[f"{part}.{name}"] = layer
                for key, weight in _factors(layer).items():
                    weight.requires_grad_(True)
                    group.parameters[f"{part}.{name}.{key}"] = weight
        return group

    def _initialise(self, key: str, layer: LoraLayer, dtype: torch.dtype) -> None:
        """Start each layer from its own seed: equal in every run, whatever other layers are chosen."""
        weights = _factors(layer)
        for weight in weights.values():
            weight.data = weight.data.to(dtype)
        down = torch.empty_like(weights["lora_down.weight"], dtype=torch.float32, device="cpu")
        nn.init.kaiming_uniform_(down, a=math.sqrt(5), generator=torch_generator("cpu", "lora", key))
        with torch.no_grad():
            weights["lora_down.weight"].copy_(down)
            weights["lora_up.weight"].zero_()

    def _adapters(self) -> dict[str, Adapter]:
        return {
            key: Adapter(
                factors["lora_down.weight"].detach(), factors["lora_up.weight"].detach(), self.config.lora_alpha
            )
            for key, factors in ((key, _factors(layer)) for key, layer in self._layers.items())
        }

    def _load(self, path: Path, *, is_backup: bool) -> None:
        modules: dict[str, list[str]] = {}
        for key in self._layers:
            part, _, module = key.partition(".")
            modules.setdefault(part, []).append(module)
        found = read_adapters(path, modules, self.family, self.model)
        if is_backup and found.keys() != self._layers.keys():
            raise BackupError(f"{path} holds {len(found)} layers, but the configuration trains {len(self._layers)}.")
        for key, adapter in found.items():
            self._copy_into(self._layers[key], adapter, path, is_backup=is_backup)

    @torch.no_grad()
    def _copy_into(self, layer: LoraLayer, adapter: Adapter, path: Path, *, is_backup: bool) -> None:
        factors = _factors(layer)
        down, up = factors["lora_down.weight"], factors["lora_up.weight"]
        if adapter.down.numel() != down.numel() or adapter.up.numel() != up.numel():
            raise WrongWeightsError(path, f"a LoRA of rank {adapter.rank}", f"rank {self.config.lora_rank}")
        down.copy_(adapter.down.view_as(down))
        # A file with another alpha means another scale; this run's alpha is the configuration's.
        rescale = 1.0 if is_backup else adapter.alpha / self.config.lora_alpha
        up.copy_(adapter.up.view_as(up) * rescale)


def target_modules(network: nn.Module, config: TrainConfig, *, is_filtered: bool) -> list[str]:
    """Names of the linear and convolution layers that get an adapter, by OneTrainer's layer filter."""
    names = [name for name, layer in network.named_modules() if _is_adaptable(layer)]
    return [name for name in names if not is_filtered or _passes(name, config)]


def _is_adaptable(layer: nn.Module) -> bool:
    """Grouped convolutions stay as they are: no program can merge an adapter into one."""
    return isinstance(layer, nn.Linear) or isinstance(layer, nn.Conv2d) and layer.groups == 1


def _passes(name: str, config: TrainConfig) -> bool:
    """Whether a layer's name fits one of the comma-separated patterns; no pattern fits all."""
    patterns = [pattern.strip() for pattern in config.layer_filter.split(",") if pattern.strip()]
    fits: Callable[[str], Any] = (
        (lambda pattern: re.search(pattern, name)) if config.layer_filter_regex else (lambda pattern: pattern in name)
    )
    return not patterns or any(fits(pattern) for pattern in patterns)


def _factors(layer: LoraLayer) -> dict[str, nn.Parameter]:
    down: Any = layer.lora_A[_NAME]
    up: Any = layer.lora_B[_NAME]
    return {"lora_down.weight": down.weight, "lora_up.weight": up.weight}
