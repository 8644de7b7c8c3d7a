"""The model families, a file or a folder each. To add one, see docs/adding-a-family.md."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import MODEL_TYPES, facts
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError
from onetrainer_web.engine.seams.interfaces import Family

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "anima": "Anima",
        "aura_flow": "AuraFlow",
        "chroma": "Chroma",
        "cogview_4": "CogView4",
        "ernie": "Ernie",
        "flux": "Flux",
        "flux_2": "Flux2",
        "hi_dream": "HiDream",
        "hunyuan_video": "HunyuanVideo",
        "ideogram": "Ideogram",
        "kandinsky_5": "Kandinsky5",
        "krea2": "Krea2",
        "ltx_video": "LtxVideo",
        "lumina_2": "Lumina2",
        "ovis_image": "OvisImage",
        "pixart": "PixArt",
        "prx": "Prx",
        "qwen": "Qwen",
        "sana": "Sana",
        "stable_diffusion": "StableDiffusion",
        "stable_diffusion_3": "StableDiffusion3",
        "stable_diffusion_xl": "StableDiffusionXL",
        "wan": "Wan",
        "wuerstchen": "Wuerstchen",
        "z_image": "ZImage",
    }
)
"""The class in each file or folder here, which have the names that the catalogue of model types gives to families.

One is imported when a run needs it: its classes of diffusers and transformers take long to load.
"""


def family_of(model_type: ModelType) -> Family:
    """The family of a model type.

    Raises:
        UnsupportedSettingError: This trainer does not know the type.
    """
    name = facts(model_type).family
    if name not in FAMILIES:
        known = [model.value for model, other in MODEL_TYPES.items() if other.family in FAMILIES]
        raise UnsupportedSettingError("model_type", model_type.value, known)
    return getattr(import_module(f"{__name__}.{name}"), FAMILIES[name])(model_type)
