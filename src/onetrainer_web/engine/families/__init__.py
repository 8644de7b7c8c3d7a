"""The model families, one file each. To add one, see docs/adding-a-family.md."""

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.errors import UnsupportedSettingError
from onetrainer_web.engine.families.aura_flow import AuraFlow
from onetrainer_web.engine.families.chroma import Chroma
from onetrainer_web.engine.families.flux import Flux
from onetrainer_web.engine.families.ltx_video import LtxVideo
from onetrainer_web.engine.families.lumina_2 import Lumina2
from onetrainer_web.engine.families.pixart import PixArt
from onetrainer_web.engine.families.sana import Sana
from onetrainer_web.engine.families.stable_diffusion import StableDiffusion
from onetrainer_web.engine.families.stable_diffusion_3 import StableDiffusion3
from onetrainer_web.engine.families.stable_diffusion_xl import StableDiffusionXL
from onetrainer_web.engine.families.z_image import ZImage
from onetrainer_web.engine.families.wan import Wan
from onetrainer_web.engine.interfaces import Family

FAMILIES: tuple[type[Family], ...] = (
    StableDiffusion,
    StableDiffusionXL,
    StableDiffusion3,
    Flux,
    Chroma,
    PixArt,
    Sana,
    Lumina2,
    ZImage,
    AuraFlow,
    Wan,
    LtxVideo,
)


def family_of(model_type: ModelType) -> Family:
    """The family of a model type.

    Raises:
        UnsupportedSettingError: This trainer does not know the type.
    """
    for family in FAMILIES:
        if model_type in family.model_types:
            return family(model_type)
    known = [known.value for family in FAMILIES for known in family.model_types]
    raise UnsupportedSettingError("model_type", model_type.value, known)
