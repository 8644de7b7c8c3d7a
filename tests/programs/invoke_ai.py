"""InvokeAI's recognition of an adapter file, and its conversion."""

import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from published import make
from torch import Tensor

from onetrainer_web.config.adapter_keys import LENGTHS, split_key
from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts

_PREFIX, _TEXT = "lora_transformer-", ("lora_te", "text_encoder")
_AS_IN_DIFFUSERS = ("flux_2", "qwen", "z_image", "krea2", "wan")
"""Families whose denoiser is that of diffusers in InvokeAI, too."""
_AS_IN_ORIGINAL = ("anima",)
"""Families whose denoiser is that of their makers."""


class InvokeAi:
    """Reads as InvokeAI does."""

    def __init__(self, checkout: Path) -> None:
        folder = Path(tempfile.mkdtemp())
        os.environ.setdefault("INVOKEAI_ROOT", str(folder))
        sys.path.insert(0, str(checkout))
        self._file = folder / "some.safetensors"
        self._file.touch()
        self._bases({})  # the first question makes its settings, and gets no answer

    def unread(self, model_type: ModelType, tensors: Mapping[str, Tensor]) -> set[str]:
        """The keys of a file that it passes over: all when it does not know what the file is."""
        bases = self._bases(tensors)
        if len(bases) != 1:
            return set(tensors)
        try:
            found = self._convert(tensors, bases[0])
        except (AssertionError, KeyError, ValueError):
            return set(tensors)
        words = {name for name in tensors if name.startswith(_TEXT)}
        denoiser = tensors.keys() - words
        names = {name.removeprefix(_PREFIX) for name in found}
        knows_lengths = any("DoRA" in type(layer).__name__ for layer in found.values())
        lengths = {name for name in tensors if not knows_lengths and split_key(name)[1] == LENGTHS}
        if facts(model_type).family not in (*_AS_IN_DIFFUSERS, *_AS_IN_ORIGINAL):
            return lengths if len(names) >= len({split_key(name)[0] for name in tensors}) else denoiser
        family, model = make(model_type, has_text=False)
        modules = {name for name, _ in model.module(family.denoiser).named_modules()}
        if facts(model_type).family in _AS_IN_ORIGINAL:
            places = (family.original_place(family.denoiser, name, model) for name in modules)
            modules = {place.name for place in places if place}
        if not names & modules:
            return set(tensors)
        # What is no module of the model is named in its log when it is applied; it has no text encoders of files.
        is_whole = len(names & modules) >= len({split_key(name)[0] for name in denoiser})
        strange = {name for name in names - modules if not name.startswith(_TEXT)}
        return words | lengths if is_whole and not strange else {*words, *lengths, min(denoiser)}

    def embedding_of(self, path: Path) -> str:
        """The model that it takes an embedding for."""
        from invokeai.backend.model_manager.configs import textual_inversion as kinds
        from invokeai.backend.model_manager.model_on_disk import ModelOnDisk

        told = {"hash": "x", "path": str(path), "file_size": 1, "name": "x", "source": "x", "source_type": "path"}
        found: list[str] = []
        for kind in (kinds.TI_File_SD1_Config, kinds.TI_File_SD2_Config, kinds.TI_File_SDXL_Config):
            with suppress(Exception):  # whatever it says of a file that is none of its kind
                kind.from_model_on_disk(ModelOnDisk(path), {**told, "key": "k"})
                found.append(kind.model_fields["base"].default.value)
        return " and ".join(found)

    def _bases(self, tensors: Mapping[str, Tensor]) -> list[Any]:
        from invokeai.backend.model_manager.configs import lora
        from invokeai.backend.model_manager.model_on_disk import ModelOnDisk

        class InMemory(ModelOnDisk):
            def load_state_dict(self, path: Any = None) -> Any:
                del path
                return dict(tensors)

            def metadata(self, path: Any = None) -> Any:
                del path
                return {"format": "pt"}

        told = {"hash": "x", "path": str(self._file), "file_size": 1, "name": "x", "source": "x", "source_type": "path"}
        found = []
        for name, kind in vars(lora).items():
            if (
                isinstance(kind, type)
                and name.endswith("_Config")
                and "LyCORIS" in name
                and "base" in kind.model_fields
            ):
                try:
                    kind.from_model_on_disk(InMemory(self._file), {**told, "key": "k"})
                except Exception:  # whatever it says of a file that is none of its kind
                    continue
                found.append(kind.model_fields["base"].default)
        return found

    def _convert(self, tensors: Mapping[str, Tensor], base: Any) -> Any:
        from invokeai.backend.model_manager.load.model_loaders import lora
        from invokeai.backend.model_manager.taxonomy import BaseModelType, ModelFormat
        from invokeai.backend.patches.lora_conversions.flux_bfl_peft_lora_conversion_utils import (
            convert_bfl_lora_patch_to_diffusers,
        )

        loader = lora.LoRALoader.__new__(lora.LoRALoader)
        loader._model_base, loader._torch_dtype = base, torch.float32
        lora.load_file = lambda *_, **__: dict(tensors)
        told = SimpleNamespace(path=str(self._file), format=ModelFormat.LyCORIS, base=base)
        patch = loader._load_model(told)
        return (convert_bfl_lora_patch_to_diffusers(patch) if base is BaseModelType.Flux2 else patch).layers
