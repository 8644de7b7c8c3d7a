"""ComfyUI's own reading of an adapter file, and Forge's, which stands on ComfyUI's models."""

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping, Set
from contextlib import nullcontext
from functools import lru_cache
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from published import make
from tests.engine.test_merged_weights import Trained
from torch import Tensor, nn

from onetrainer_web.config.adapter_keys import split_key
from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.engine.seams.interfaces import Model
from onetrainer_web.engine.seams.places import Naming, from_places, to_places
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.joining import num_outputs

_FORGES_LIMIT = 12
"""Of unknown keys, beyond which it refuses a file."""


def boot(checkout: Path) -> None:
    """Make a checkout importable, for the CPU."""
    sys.path.insert(0, str(checkout))
    arguments, sys.argv = sys.argv, sys.argv[:1]
    import comfy.options

    comfy.options.enable_args_parsing(False)
    from comfy.cli_args import args

    args.cpu = True
    sys.argv = arguments
    logging.getLogger().setLevel(logging.ERROR)


@lru_cache(maxsize=1)
def text_encoder(model_type: ModelType) -> Any:
    """ComfyUI's text encoders of a model."""
    import comfy.sd1_clip
    import comfy.sdxl_clip
    from comfy import text_encoders as kinds  # noqa: F401 - a package
    from comfy.text_encoders import (
        aura_t5,
        flux,
        hidream,
        hunyuan_video,
        lumina2,
        pixart_t5,
        qwen_image,
        sd2_clip,
        sd3_clip,
        wan,
    )

    family, cascade = facts(model_type).family, comfy.sdxl_clip.StableCascadeClipModel
    everything = {"clip_l": True, "clip_g": True, "t5": True}
    makers: dict[str, Any] = {
        "stable_diffusion": comfy.sd1_clip.SD1ClipModel
        if model_type is ModelType.STABLE_DIFFUSION_15
        else sd2_clip.SD2ClipModel,
        "stable_diffusion_xl": comfy.sdxl_clip.SDXLClipModel,
        "stable_diffusion_3": sd3_clip.sd3_clip(**everything),
        "hi_dream": hidream.hidream_clip(**everything, llama=True, dtype_t5=None, dtype_llama=torch.float16),
        "flux": flux.flux_clip(),
        "hunyuan_video": hunyuan_video.hunyuan_video_clip(),
        "wuerstchen": cascade,
        "lumina_2": lumina2.te(),
        "qwen": qwen_image.te(),
        "wan": wan.te(),
        "aura_flow": aura_t5.AuraT5Model,
        **dict.fromkeys(("chroma", "pixart", "ltx_video"), pixart_t5.pixart_te()),
    }
    return makers[family](device="meta", dtype=torch.float16, model_options={}) if family in makers else None


@lru_cache(maxsize=1)
def denoiser(model_type: ModelType) -> Any:
    """ComfyUI's model of a denoiser, as it detects it in our single file."""
    from comfy import model_detection

    weights = _single_file(model_type)
    config = model_detection.model_config_from_unet(weights, "")
    config.unet_config.pop("dtype", None)
    config.set_inference_dtype(torch.float16, None)
    with nullcontext() if "PixArt" in type(config).__name__ else torch.device("meta"):
        return config.get_model(weights, "", device="meta")


def _single_file(model_type: ModelType) -> dict[str, Tensor]:
    family, model = make(model_type, has_text=False)
    own = {name: weight.to("meta") for name, weight in model.module(family.denoiser).state_dict().items()}
    found = to_places(own, _naming(family, model)) if all(_naming(family, model)(name) for name in own) else own
    for part, prefix in getattr(family, "companions", {}).items():
        with torch.device("meta"):
            companion = family.pieces[part]()
        found |= {f"{prefix}{name}": weight for name, weight in companion.state_dict().items()}
    return found


def _naming(family: Any, model: Model) -> Naming:
    if namings := family.denoiser_namings():
        return namings[-1]  # ComfyUI's, where it has its own
    return lambda name: family.original_place(family.denoiser, name, model)


_CLASSES = {
    "flux": "Flux",
    "flux_2": "Flux2",
    "chroma": "Chroma",
    "lumina_2": "Lumina2",
    "z_image": "Lumina2",
    "aura_flow": "AuraFlow",
    "qwen": "QwenImage",
    "ovis_image": "Flux",
}
"""ComfyUI's classes by families, of those of which it finds out any size, and whose names it keeps when loading."""


def _small(family: str, weights: Mapping[str, Tensor]) -> Any:
    """What its reader of adapters asks of a model."""
    from comfy import model_base, model_detection

    settings = SimpleNamespace(unet_config=model_detection.detect_unet_config(dict(weights), ""))
    named = {f"diffusion_model.{name}": weight for name, weight in weights.items()}
    asked = {"__init__": nn.Module.__init__, "state_dict": lambda _: named, "model_config": settings}
    return type("Small", (getattr(model_base, _CLASSES[family]),), asked)()


_DENOISER = "model.diffusion_model."
_UNNEEDED = re.compile(
    r"^y_embedder\.y_embedding$"  # what PixArt's makers trained in place of dropped captions: nothing draws with it
    r"|(^|\.)logit_scale$|^clip_[lh]\.transformer\.text_projection\.weight$"  # of a comparison with pictures
    r"|^t5xxl\.transformer\.encoder\.embed_tokens\.weight$"  # the vocabulary once more, as published files have it
    r"|^clip_h\.transformer\.text_model\.encoder\.layers\.23\."  # SD 2 takes the output of the last but one
)
"""Names of weights of ComfyUI's that have no effect on what it draws."""


def _differing(own: nn.Module, found: Mapping[str, Tensor]) -> list[str]:
    """Names of weights that only one of both has, or in another size."""
    expected = {name: weight.shape for name, weight in own.state_dict().items()}
    sizes = {name: weight.shape for name, weight in found.items()}
    return sorted(name for name in expected.keys() | sizes.keys() if expected.get(name) != sizes.get(name))


def _fits(target: str | tuple[str, tuple[int, int, int]], own: Mapping[str, Tensor], weights: Set[str]) -> bool:
    """Whether what it takes for a change of a weight, or of some of its rows, finds a weight, and as many rows."""
    name, offset = (target, None) if isinstance(target, str) else target[:2]
    adapter = Adapter({split_key(key)[1] or "": tensor for key, tensor in own.items()}, None)
    return name in weights and (offset is None or num_outputs(adapter) == offset[2])


class ComfyUi:
    """Reads as ComfyUI does."""

    families = tuple(_CLASSES)
    unlike = ("dora by output", "lokr", "oft")
    """Kinds of which docs say that it makes something else: the lengths of this LoKr are by output."""

    def __init__(self, checkout: Path) -> None:
        boot(checkout)
        files = (*checkout.glob("comfy/*clip.py"), *checkout.glob("comfy/text_encoders/*.py"))
        self._keys = {key for file in files for key in re.findall(r"embedding_key='(\w+)'", file.read_text())}

    def lacking(self, model_type: ModelType) -> str:
        """What of our single file of a denoiser is missing or unknown there."""
        model, weights = denoiser(model_type), _single_file(model_type)
        found = model.model_config.process_unet_state_dict(dict(weights))
        lacking = [name for name in _differing(model.diffusion_model, found) if not _UNNEEDED.search(name)]
        return ", ".join(lacking[:3])

    def lacking_in_whole(self, model_type: ModelType, tensors: Mapping[str, Tensor]) -> str:
        """What of our single file of a whole model is missing or unknown there."""
        for name in ("torchaudio", "torchaudio.functional"):  # it is made for another torch, and nothing sounds here
            sys.modules.setdefault(name, module_from_spec(ModuleSpec(name, None)))
        import comfy.sd
        import comfy.utils

        model = denoiser(model_type)
        settings, words = model.model_config, text_encoder(model_type)
        # It looks into the numbers of some, and puts some into a type of its own.
        sizes = {name: torch.empty(own.shape, device="meta") for name, own in tensors.items()}
        coder = comfy.utils.state_dict_prefix_replace(
            dict(sizes), dict.fromkeys(settings.vae_key_prefix, ""), filter_keys=True
        )
        coder = settings.process_vae_state_dict(coder)
        with torch.device("meta"):
            own_coder = comfy.sd.VAE(sd=coder).first_stage_model
        parts = (
            (model.diffusion_model, comfy.utils.state_dict_prefix_replace(dict(sizes), {_DENOISER: ""}, True)),
            (words, settings.process_clip_state_dict(dict(sizes))),
            (own_coder, coder),
        )
        lacking = {name for own, found in parts for name in _differing(own, found) if not _UNNEEDED.search(name)}
        return ", ".join(sorted(lacking)[:3])

    def vectors_of(self, path: Path, key: str) -> Tensor | None:
        """What a text encoder finds in an embedding; None where none has this key."""
        from comfy.sd1_clip import load_embed

        return load_embed(path.name, str(path.parent), 0, key) if key in self._keys else None

    def stored(self, weight: Tensor) -> Iterator[tuple[str, dict[str, Tensor], Tensor]]:
        """A layer in each of its formats of few bits: the name, the tensors of a file, and what it makes of them."""
        from comfy.quant_ops import QUANT_ALGOS, QuantizedTensor

        for name, algorithm in QUANT_ALGOS.items():
            turns = [{}, {"per_channel": True}, {"per_channel": True, "convrot": True}]
            for settings in turns if name == "int8_tensorwise" else [{}]:
                stored = QuantizedTensor.from_float(weight, algorithm["comfy_tensor_layout"], **settings)
                described = json.dumps({"format": name, "convrot": settings.get("convrot", False)})
                tensors = {f"layer.{key}": own for key, own in stored.state_dict("weight").items()}
                tensors["layer.comfy_quant"] = torch.tensor(list(described.encode()), dtype=torch.uint8)
                yield " ".join([name, *settings]), tensors, stored.dequantize()

    def merged(self, trained: Trained, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights of a denoiser as it changes them."""
        import comfy.lora

        naming = _naming(trained.family, trained.model)
        placed = to_places(trained.weights, naming)
        keys = comfy.lora.model_lora_keys_unet(_small(facts(trained.family.model_type).family, placed), {})
        weights = {f"diffusion_model.{name}": weight.clone() for name, weight in placed.items()}
        for target, patch in comfy.lora.load_lora(dict(tensors), keys, log_missing=False).items():
            key, offset, turn = (*([target] if isinstance(target, str) else target), None, None)[:3]
            weights[key] = comfy.lora.calculate_weight([(1.0, patch, 1.0, offset, turn)], weights[key], key)
        shapes = {name: weight.shape for name, weight in trained.weights.items()}
        return from_places(shapes, {name.removeprefix("diffusion_model."): w for name, w in weights.items()}, naming)

    def unread(self, model_type: ModelType, tensors: Mapping[str, Tensor]) -> set[str]:
        """The keys of a file that it passes over."""
        import comfy.lora
        import comfy.lora_convert

        model, encoders = denoiser(model_type), text_encoder(model_type)
        keys = comfy.lora.model_lora_keys_unet(model, {})
        if encoders is not None:
            keys = comfy.lora.model_lora_keys_clip(encoders, keys)
        found = comfy.lora.load_lora(comfy.lora_convert.convert_lora(dict(tensors)), keys, log_missing=False)
        unread = tensors.keys() - set().union(*(one.loaded_keys for one in found.values()))
        layers: dict[str, dict[str, Tensor]] = {}
        for name in tensors:
            layers.setdefault(split_key(name)[0], {})[name] = tensors[name]
        weights = model.state_dict().keys() | (encoders.state_dict().keys() if encoders is not None else set())
        strange = (own for layer, own in layers.items() if layer in keys and not _fits(keys[layer], own, weights))
        return unread.union(*strange)


class Forge:
    """Reads as Forge does, whose models are ComfyUI's."""

    def __init__(self, checkout: Path, comfy: Path) -> None:
        boot(comfy)
        sys.path.insert(0, str(checkout))

    def unread(self, model_type: ModelType, tensors: Mapping[str, Tensor]) -> set[str]:
        """The keys of a file that it passes over: all when they are too many."""
        from packages_3rdparty.comfyui_lora_collection import lora

        model = denoiser(model_type)
        weights = model.state_dict()
        asked = SimpleNamespace(
            state_dict=lambda: weights,
            diffusion_model=SimpleNamespace(config=model.model_config.unet_config),
            config=SimpleNamespace(huggingface_repo=model_type.value),
        )
        keys = lora.model_lora_keys_unet(asked, {})[1]
        encoders = text_encoder(model_type)
        words = lora.model_lora_keys_clip(encoders, {})[1] if encoders is not None else {}
        _, left = lora.load_lora(dict(tensors), keys)
        _, left = lora.load_lora(left, words)
        return set(tensors if len(left) > _FORGES_LIMIT else left)
