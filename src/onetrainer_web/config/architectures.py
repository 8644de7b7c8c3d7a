"""What the metadata of files calls base models: in the specification of Stability AI, and in sd-scripts' own keys.

Of models that sd-scripts trains these are the names that it writes (`library/sai_model_spec.py`), of all others those
by which SwarmUI knows a model (`src/Text2Image/T2IModelClassSorter.cs`). PixArt Alpha, CogView4, PRX and
Würstchen have none there.
"""

from collections.abc import Mapping
from types import MappingProxyType

from onetrainer_web.config.enums import ModelType

BASE_KEY = "onetrainer_web.base_model"
"""The base model, where it is named by no place of a machine."""
_T = ModelType
ARCHITECTURES: Mapping[str, tuple[ModelType, ...]] = MappingProxyType(
    {
        "stable-diffusion-v1": (_T.STABLE_DIFFUSION_15, _T.STABLE_DIFFUSION_15_INPAINTING),
        "stable-diffusion-v2-512": (
            *(_T.STABLE_DIFFUSION_20_BASE, _T.STABLE_DIFFUSION_21_BASE, _T.STABLE_DIFFUSION_20_DEPTH),
        ),
        "stable-diffusion-v2-768-v": (
            *(_T.STABLE_DIFFUSION_20, _T.STABLE_DIFFUSION_21, _T.STABLE_DIFFUSION_20_INPAINTING),
        ),
        "stable-diffusion-xl-v1-base": (_T.STABLE_DIFFUSION_XL_10_BASE, _T.STABLE_DIFFUSION_XL_10_BASE_INPAINTING),
        "stable-diffusion-3-medium": (_T.STABLE_DIFFUSION_3,),
        "stable-diffusion-3-5-medium": (_T.STABLE_DIFFUSION_35,),
        "stable-diffusion-3-5-large": (_T.STABLE_DIFFUSION_35,),
        "stable-cascade-v1-stage-c": (_T.STABLE_CASCADE_1,),
        "wuerstchen-v2-prior": (_T.WUERSTCHEN_2,),
        "pixart-alpha": (_T.PIXART_ALPHA,),
        "pixart-ms-sigma-xl-2": (_T.PIXART_SIGMA,),
        "flux-1-dev": (_T.FLUX_DEV_1, _T.FLUX_FILL_DEV_1),
        "Flux.1-dev/kontext": (_T.FLUX_KONTEXT_DEV_1,),
        "flux.2-dev": (_T.FLUX_2,),
        "flux.2-klein-4b": (_T.FLUX_2,),
        "flux.2-klein-9b": (_T.FLUX_2,),
        "nvidia-sana-1600": (_T.SANA,),
        "hunyuan-video": (_T.HUNYUAN_VIDEO,),
        "hidream-i1": (_T.HI_DREAM_FULL,),
        "chroma": (_T.CHROMA_1,),
        "qwen-image": (_T.QWEN,),
        "krea-2": (_T.KREA_2,),
        "anima-preview": (_T.ANIMA,),
        "anima": (_T.ANIMA,),
        "ideogram-4": (_T.IDEOGRAM_4,),
        "z-image": (_T.Z_IMAGE,),
        "ernie-image": (_T.ERNIE,),
        "lumina-2": (_T.LUMINA_2,),
        "auraflow-v1": (_T.AURA_FLOW,),
        "cogview4": (_T.COGVIEW_4,),
        "prx": (_T.PRX,),
        "ovis": (_T.OVIS_IMAGE,),
        "kandinsky5-image-lite": (_T.KANDINSKY_5,),
        "kandinsky5-video-lite": (_T.KANDINSKY_5_VIDEO,),
        "wan-2_1-text2video-1_3b": (_T.WAN_21,),
        "wan-2_1-text2video-14b": (_T.WAN_21,),
        "lightricks-ltx-video": (_T.LTX_VIDEO,),
    }
)
"""The model types that an architecture may be; what stands behind a slash in a file says how it was made."""
SD_SCRIPTS_VERSIONS: Mapping[str, str] = MappingProxyType(
    {
        "stable-diffusion-v1": "sd_v1",
        "stable-diffusion-v2-512": "sd_v2",
        "stable-diffusion-v2-768-v": "sd_v2_v",
        "stable-diffusion-xl-v1-base": "sdxl_base_v1-0",
        "stable-diffusion-3-medium": "medium",
        "stable-diffusion-3-5-medium": "5-medium",
        "stable-diffusion-3-5-large": "5-large",
        "flux-1-dev": "flux1",
        "lumina-2": "lumina2",
    }
)
"""What sd-scripts calls base models, by their architectures; others have that name."""


def types_of(metadata: Mapping[str, str]) -> tuple[ModelType, ...]:
    """The model types that a file's metadata may mean; none when it says nothing that is known here."""
    versions = {version: architecture for architecture, version in SD_SCRIPTS_VERSIONS.items()}
    version = metadata.get("ss_base_model_version", "")
    name = metadata.get("modelspec.architecture", "")  # behind it stands what of the model the file is, as in "/lora"
    for told in (name, name.rpartition("/")[0], name.partition("/")[0], versions.get(version, version)):
        if known := ARCHITECTURES.get(told):
            return known
    return ()
