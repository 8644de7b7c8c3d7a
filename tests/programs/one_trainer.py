"""OneTrainer's own reading of an adapter file."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from published import TEXT, encoders_of, layers_of, lora_of, make, named_as_before
from torch import Tensor

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts

_LOADERS = {
    "stable_diffusion": "stableDiffusion.StableDiffusion",
    "stable_diffusion_xl": "stableDiffusionXL.StableDiffusionXL",
    "stable_diffusion_3": "stableDiffusion3.StableDiffusion3",
    "wuerstchen": "wuerstchen.Wuerstchen",
    "pixart": "pixartAlpha.PixArtAlpha",
    "flux": "flux.Flux",
    "chroma": "chroma.Chroma",
    "hunyuan_video": "hunyuanVideo.HunyuanVideo",
    "hi_dream": "hiDream.HiDream",
    "qwen": "qwen.Qwen",
    "krea2": "krea2.Krea2",
    "flux_2": "mixin.Flux2",
    "z_image": "mixin.ZImage",
    "anima": "mixin.Anima",
    "ideogram": "mixin.Ideogram",
}
"""Where its loaders of adapters stand, and how its models are called; the last ones have none of their own."""


class OneTrainer:
    """Reads as OneTrainer does."""

    def __init__(self, checkout: Path, data_pipeline: Path) -> None:
        sys.path[:0] = [str(checkout), str(data_pipeline / "src")]

    def unread(self, model_type: ModelType, tensors: Mapping[str, Tensor]) -> set[str]:
        """The keys of a file that it has no layer for: all when it refuses it."""
        from modules.util.load_lora_util import _split_value_suffix as split
        from modules.util.load_lora_util import collapse_fusion_groups, lora_module_names

        loader, model = _loader_and_model(model_type)
        known: set[str] = set()
        for part, network in _parts(loader, model).items():
            names = lora_module_names(network)
            known |= {f"{part}.{name}" for name in names | collapse_fusion_groups(names, model.fusion_groups())}
        try:
            found = {split(name)[0] for name in loader._to_canonical(model, dict(tensors))}
        except (KeyError, RuntimeError, ValueError):
            return set(tensors)
        unread: set[str] = set()
        for is_text in (False, True):
            own = {name for name in tensors if name.startswith(TEXT) == is_text}
            layers = {name for name in found if name.startswith(TEXT) == is_text}
            # Names are others behind its reading: which keys it loses is not known, only that it does.
            unread |= set(own) if not layers & known else {min(own)} if own and layers - known else set()
        return unread

    def written(self, model_type: ModelType) -> dict[str, dict[str, Tensor]]:
        """Files of its own with a LoRA of each layer, by formats in which it joins none."""
        from modules.modelSaver.mixin.LoRASaverMixin import LoRASaverMixin
        from modules.util.enum.ModelFormat import ModelFormat as Theirs

        if facts(model_type).family not in _LOADERS:
            return {}
        loader, model = _loader_and_model(model_type)
        weights: dict[str, Tensor] = {}
        for part, network in _parts(loader, model).items():
            for name, layer in layers_of(network):
                for weight, tensor in lora_of(layer).items():
                    weights[f"{part}.{name}.{weight}"] = torch.ones(tensor.shape)
                weights[f"{part}.{name}.alpha"] = torch.tensor(1.0)
        files: dict[str, dict[str, Tensor]] = {}

        class Saver(LoRASaverMixin):
            def _get_state_dict(self, model: Any) -> dict[str, Tensor]:
                del model
                return weights

            def _write_lora_file(self, model: Any, destination: str, save_state_dict: dict[str, Tensor]) -> None:
                del model
                files[destination] = save_state_dict

        for name in (Theirs.DIFFUSERS_LORA, Theirs.KOHYA_LORA, Theirs.COMFY_LORA):
            if not (model.fusion_groups() and name.needs_qkv_fusion()):
                with suppress(RuntimeError):  # a format without names for a text encoder
                    Saver()._save(model, name, str(name), None)
        return files


def _parts(loader: Any, model: Any) -> dict[str, Any]:
    encoders = {next(iter(names.values())): encoder for encoder, names in model.lora_text_encoders()}
    return {model.model_type.denoising_model_part(): loader._denoising_module(model), **encoders}


@lru_cache(maxsize=1)
def _loader_and_model(model_type: ModelType) -> tuple[Any, Any]:
    from modules.modelLoader.mixin.LoRALoaderMixin import LoRALoaderMixin
    from modules.util.enum.ModelType import ModelType as Theirs

    folder, name = _LOADERS[facts(model_type).family].split(".")
    model = _class(f"modules.model.{name}Model", f"{name}Model")(Theirs[model_type.value])
    _, ours = make(model_type, has_text=bool(encoders_of(model_type)))
    for part, network in ours.components.items():
        places = (f"prior_{part}", f"{part}_1", part)
        setattr(model, next(place for place in places if hasattr(model, place)), named_as_before(network))
    is_mixin = folder == "mixin"
    kind = (
        LoRALoaderMixin if is_mixin else _class(f"modules.modelLoader.{folder}.{name}LoRALoader", f"{name}LoRALoader")
    )
    return kind(), model


def _class(module: str, name: str) -> Any:
    return getattr(import_module(module), name)
