"""sd-scripts' own networks on an adapter file, and the files that they make."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from published import RANK, encoders_of, named_as_before
from torch import Tensor, nn

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts

_NETWORKS = {
    "stable_diffusion": "lora",
    "stable_diffusion_xl": "lora",
    "stable_diffusion_3": "lora_sd3",
    "flux": "lora_flux",
    "chroma": "lora_flux",
    "lumina_2": "lora_lumina",
    "anima": "lora_anima",
}
"""Its modules by families."""


_ANIMA: dict[str, Any] = {
    **{"max_img_h": 512, "max_img_w": 512, "max_frames": 128, "in_channels": 16, "out_channels": 16},
    **{"patch_spatial": 2, "patch_temporal": 1, "model_channels": 2048, "num_blocks": 28, "num_heads": 16},
    **{"pos_emb_cls": "rope3d", "use_adaln_lora": True, "adaln_lora_dim": 256, "use_llm_adapter": True},
}
"""What it says of Anima's transformer when it loads it."""
_DESCRIBED: Mapping[ModelType, Sequence[Any]] = {
    ModelType.STABLE_DIFFUSION_15: (False, False, False, False, False),
    ModelType.STABLE_DIFFUSION_20_INPAINTING: (True, True, False, False, False),
    ModelType.STABLE_DIFFUSION_XL_10_BASE: (False, False, True, False, False),
    ModelType.STABLE_DIFFUSION_3: (*[False] * 5, {"sd3": "medium"}),
    ModelType.STABLE_DIFFUSION_35: (*[False] * 5, {"sd3": "5-large"}),
    ModelType.FLUX_DEV_1: (*[False] * 5, {"flux": "dev"}),
    ModelType.CHROMA_1: (*[False] * 5, {"flux": "chroma"}),
    ModelType.LUMINA_2: (*[False] * 5, {"lumina": "lumina2"}),
    ModelType.ANIMA: (*[False] * 5, {"anima": "preview"}),
}
"""What it says of a model when it names it: 2.x, predicting velocity, XL, an adapter, an embedding, and others."""


class SdScripts:
    """Reads, and writes, as sd-scripts do."""

    def __init__(self, checkout: Path) -> None:
        sys.path.insert(0, str(checkout))

    def architecture_of(self, model_type: ModelType) -> str:
        """What its files call a model; empty for one that it does not train."""
        from library.sai_model_spec import determine_architecture

        return determine_architecture(*_DESCRIBED[model_type]) if model_type in _DESCRIBED else ""

    def unread(self, model_type: ModelType, tensors: Mapping[str, Tensor]) -> set[str]:
        """The keys of a file that it passes over."""
        return tensors.keys() - self._network(model_type, "create_network_from_weights", None, weights_sd=dict(tensors))

    def written(self, model_type: ModelType) -> dict[str, dict[str, Tensor]]:
        """A file of its own with all layers that it trains, those of a T5 and of convolutions, too."""
        if facts(model_type).family not in _NETWORKS:
            return {}
        return {"": self._network(model_type, "create_network", RANK, 1.0, conv_dim=RANK, train_t5xxl=True)}

    def _network(self, model_type: ModelType, maker: str, *told: Any, **named: Any) -> dict[str, Tensor]:
        make = getattr(import_module(f"networks.{_NETWORKS[facts(model_type).family]}"), maker)
        with torch.device("meta"):
            told = (1.0, *told, None, _encoders(model_type), _denoiser(model_type))
            made = make(*told, **named)
            network = made[0] if isinstance(made, tuple) else made  # beside it, the weights of a file
            for module in (*network.text_encoder_loras, *network.unet_loras):
                network.add_module(module.lora_name, module)
        return {name: own for name, own in network.state_dict().items() if "org_module" not in name}


@lru_cache(maxsize=1)
def _encoders(model_type: ModelType) -> list[nn.Module]:
    """The text encoders, with the names that their layers had in older versions of their library."""
    from library import flux_utils

    with torch.device("meta"):
        found = [named_as_before(encoder()) for encoder in encoders_of(model_type)]
        # It takes Chroma for a FLUX.1 of whose text encoders the first one is left out.
        return [flux_utils.dummy_clip_l(), *found] if model_type is ModelType.CHROMA_1 else found


@lru_cache(maxsize=1)
def _denoiser(model_type: ModelType) -> nn.Module:
    from library import (
        anima_models,
        chroma_models,
        flux_models,
        lumina_models,
        original_unet,
        sd3_models,
        sdxl_original_unet,
    )

    first = original_unet.UNet2DConditionModel
    medium = (13, 384) if model_type is ModelType.STABLE_DIFFUSION_35 else (0, 192)
    makers: dict[str, Callable[[], nn.Module]] = {
        "stable_diffusion": lambda: (
            first(64, 8, 768)
            if model_type is ModelType.STABLE_DIFFUSION_15
            else first(64, [5, 10, 20, 20], 1024, use_linear_projection=True)
        ),
        "stable_diffusion_xl": sdxl_original_unet.SdxlUNet2DConditionModel,
        "stable_diffusion_3": lambda: sd3_models.create_sd3_mmdit(
            sd3_models.SD3Params(2, 24, 36864, medium[1], 2048, None, [*range(medium[0])], 4096, 1536, "medium")
        ),
        "flux": lambda: flux_models.Flux(flux_models.configs["dev"].params),
        "chroma": lambda: chroma_models.Chroma(chroma_models.chroma_params),
        "lumina_2": lumina_models.NextDiT_2B_GQA_patch2_Adaln_Refiner,
        "anima": lambda: anima_models.Anima(**_ANIMA),
    }
    with torch.device("meta"):
        return makers[facts(model_type).family]()
