"""Adapters: small weights beside each chosen layer learn, the model itself stays as it is."""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter

from onetrainer_web.config.checks.adapter_file import ADAPTER_IN_BACKUP, adapter_file, adapter_problem
from onetrainer_web.config.enums import ModelFormat, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.output import written_format
from onetrainer_web.config.parts import TrainModelPartConfig
from onetrainer_web.config.tensor_header import read_header
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.methods.adapter_kinds import KINDS
from onetrainer_web.engine.methods.decomposition import MAGNITUDE, measure_lengths
from onetrainer_web.engine.methods.layers import choose_layers
from onetrainer_web.engine.runtime.errors import (
    BackupError,
    NothingToTrainError,
    UnsupportedSettingError,
    WrongAdapterError,
    WrongWeightsError,
)
from onetrainer_web.engine.seams.interfaces import Family, Method, Model, ParameterGroup, SaveTarget
from onetrainer_web.engine.seams.precision import torch_dtype
from onetrainer_web.engine.weights.adapters import Adapter, read_adapters, to_backup, to_format
from onetrainer_web.engine.weights.embeddings import bundled, bundled_by_others, write_beside
from onetrainer_web.engine.weights.files import write_tensors

log = logging.getLogger("onetrainer_web.engine")
_AS_TRAINED = (
    "Nothing is lost: it holds the adapter as in a backup, which `lora_model_name` and OneTrainer read, and few other "
    "programs."
)


class Lora(Method):
    """Trains adapters on the linear and convolution layers of the denoiser and the text encoders."""

    keeps_untrained = True

    @classmethod
    def check_files(cls, config: TrainConfig, resolve: Callable[[str], Path]) -> None:
        """Refuse a file of another kind or rank; what else it holds, only the model can tell."""
        if config.lora_model_name:
            path = adapter_file(resolve(config.lora_model_name))
            if problem := adapter_problem(read_header(path), config):
                raise WrongAdapterError(path, problem)

    def __init__(self, family: Family, model: Model, config: TrainConfig, resolve: Callable[[str], Path]) -> None:
        super().__init__(family, model, config, resolve)
        self._kind = KINDS[config.peft_type](config)
        self._layers: dict[str, Any] = {}
        self._carried: dict[str, Tensor] = {}
        """Embeddings of the file that this run does not have."""

    def prepare(self, backup: Path | None) -> list[ParameterGroup]:
        """Add the adapters: new ones, those of `lora_model_name`, or those of a backup.

        Layers of a file that do not train here keep their adapters as they are, and embeddings that this run does not
        have are carried along, so that nothing of the file is lost.
        """
        parts = [part for part in self.family.parts if part in self.model.components]
        trained = {part: self._targets(part) for part in parts if self._part(part).train}
        file = self._file(backup)
        found = self._read(file, parts) if file else {}
        self._carried = bundled_by_others(file, self.model.embeddings.all) if file else {}
        groups: list[ParameterGroup] = []
        for part in parts:
            kept = [module for module in _modules_of(part, found) if module not in trained.get(part, ())]
            if part in trained or kept:
                groups += self._add_adapters(part, trained.get(part, []), kept)
        if not groups and not found:
            raise NothingToTrainError("No model part is set to be trained; switch `train` on for one of them.")
        if backup and found.keys() != self._layers.keys():
            raise BackupError(f"{backup} holds {len(found)} layers, but the configuration has {len(self._layers)}.")
        for key, adapter in found.items():
            self._copy_into(self._layers[key], adapter, file or Path(), is_backup=backup is not None)
        return groups

    def check_output(self) -> None:
        """Refuse a format that has no place for one of the adapters."""
        chosen = written_format(self.config)
        if obstacle := self._obstacle(chosen):
            offered = facts(self.family.model_type).formats[TrainingMethod.LORA]
            others = [own.value for own in offered if not self._obstacle(own)]
            raise UnsupportedSettingError("output_model_format", f"{chosen.value} ({obstacle})", others)

    @contextmanager
    def untrained(self) -> Generator[None]:
        """Without the adapters. Peft's switch makes frozen ones learn again, which is undone."""
        weights = [weight for layer in self._layers.values() for weight in self._kind.weights(layer).values()]
        learning = [weight.requires_grad for weight in weights]
        for layer in self._layers.values():
            layer.enable_adapters(False)
        try:
            with self.model.embeddings.untrained():
                yield
        finally:
            for layer in self._layers.values():
                layer.enable_adapters(True)
            for weight, was_learning in zip(weights, learning, strict=True):
                weight.requires_grad_(was_learning)

    def write_weights(self, folder: Path) -> None:
        """Write the adapters under the names of OneTrainer's backups, unchanged in type."""
        found = {key: self._kind.weights(layer) for key, layer in self._layers.items()}
        tensors = to_backup(self._adapters(found), self.family, self.model) | self._carried
        write_tensors(folder / ADAPTER_IN_BACKUP, tensors, {"format": "pt"})

    def save(self, target: SaveTarget) -> str:
        """Write the adapters in the key style that was asked for, and embeddings with them or beside them."""
        applied = self._adapters({key: self._kind.applied(layer) for key, layer in self._layers.items()})
        notice = ""
        try:
            tensors = to_format(applied, target.model_format, self.family, self.model, target.dtype)
        except (LookupError, RuntimeError, ValueError) as error:  # what was trained is worth more than its format
            log.exception("Cannot write %s", target.model_format)
            tensors = to_backup(applied, self.family, self.model)
            notice = f"{target.path.name} cannot be written as {target.model_format.value} ({error}). {_AS_TRAINED}"
        tensors |= {name: tensor.to(target.dtype or tensor.dtype) for name, tensor in self._carried.items()}
        words = self.model.embeddings.all
        if self.config.bundle_additional_embeddings:
            tensors |= bundled(words, self.family, target.dtype)
        else:
            write_beside(target, words, self.family)
        write_tensors(target.path, tensors, target.metadata, target.writer)
        return notice

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return f"{self.family.architecture}/lora"

    def _part(self, part: str) -> TrainModelPartConfig:
        return self.family.part_config(self.config, part)

    def _targets(self, part: str) -> list[str]:
        """The layers of a part that train."""
        names = self._possible(part)
        return choose_layers(self.model, self.config, names) if part == self.family.denoiser else names

    def _possible(self, part: str) -> list[str]:
        """The layers of a part that can have an adapter."""
        return [name for name, layer in self.model.module(part).named_modules() if self._kind.fits(layer)]

    def _file(self, backup: Path | None) -> Path | None:
        """What the adapters are taken from, if they are not new."""
        if backup:
            return backup / ADAPTER_IN_BACKUP
        return adapter_file(self.resolve(self.config.lora_model_name)) if self.config.lora_model_name else None

    def _add_adapters(self, part: str, trained: Sequence[str], kept: Sequence[str]) -> list[ParameterGroup]:
        """Put adapters on layers of a part; those that are kept stay as they are."""
        network = self.model.module(part)
        dtype = torch_dtype("lora_weight_dtype", self.config.lora_weight_dtype)
        layers = self._kind.add(part, network, [*trained, *kept], dtype)
        network.eval()
        self._layers |= layers
        parameters: dict[str, Parameter] = {}
        for key, layer in layers.items():
            weights = self._kind.weights(layer)
            if key.partition(".")[2] in kept:
                for weight in weights.values():
                    weight.requires_grad_(False)
            else:
                parameters |= {f"{key}.{name}": weight for name, weight in weights.items()}
        rate = self._part(part).learning_rate
        rate = self.config.learning_rate if rate is None else rate
        return [ParameterGroup(f"{part}_lora", part, rate, parameters)] if parameters else []

    def _obstacle(self, model_format: ModelFormat) -> str:
        """Why a format has no place for the adapters, found by writing them without their numbers."""
        weights = {
            key: {name: weight.detach().to("meta") for name, weight in self._kind.weights(layer).items()}
            for key, layer in self._layers.items()
        }
        try:
            to_format(self._adapters(weights), model_format, self.family, self.model, None)
        except ValueError as error:
            return str(error)
        return ""

    def _adapters(self, weights: dict[str, Any]) -> dict[str, Adapter]:
        return {key: Adapter(weights[key], self._kind.alpha(layer)) for key, layer in self._layers.items()}

    def _read(self, path: Path, parts: Sequence[str]) -> dict[str, Adapter]:
        """All adapters of a file, whatever trains here."""
        return read_adapters(path, {part: self._possible(part) for part in parts}, self.family, self.model)

    @torch.no_grad()
    def _copy_into(self, layer: Any, adapter: Adapter, path: Path, *, is_backup: bool) -> None:
        weights = self._kind.weights(layer)
        if adapter.weights.keys() - {MAGNITUDE} != weights.keys() - {MAGNITUDE} or (
            MAGNITUDE in adapter.weights and MAGNITUDE not in weights
        ):
            raise WrongWeightsError(path, adapter.label, f"{Adapter(weights, None).label}, as it is set,")
        for name, tensor in adapter.weights.items():
            if tensor.numel() != weights[name].numel():
                here = Adapter(weights, None)
                raise WrongWeightsError(path, f"{adapter.label} of {adapter.size}", here.size)
            weights[name].copy_(tensor.view_as(weights[name]))
        if is_backup:
            return
        # A file with another alpha means another scale; this run's alpha is the configuration's.
        self._kind.take_up(layer, adapter.scale)
        if MAGNITUDE in weights and MAGNITUDE not in adapter.weights:
            measure_lengths(layer)


def _modules_of(part: str, found: Mapping[str, Adapter]) -> list[str]:
    return [key.partition(".")[2] for key in found if key.partition(".")[0] == part]
