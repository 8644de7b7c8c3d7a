"""Where a result goes: which folder of which program takes it, or which line of code, and how a prompt calls it.

Sources: ComfyUI, `folder_paths.py`; Forge and A1111, `modules/paths.py`, `modules/shared_cmd_options` and
`modules_forge/main_entry.py` (which look through `models/VAE` and `models/text_encoder`); SwarmUI, the defaults of
`src/Core/Settings.cs`, `src/Core/Program.cs` and `docs/Features/Prompt Syntax.md`; InvokeAI, its model manager, which
takes any path; sd-scripts, the arguments of `gen_img.py` and of its `…_minimal_inference.py`; diffusers, its
documentation of `load_lora_weights`, `load_textual_inversion`, `from_single_file` and `from_pretrained`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from onetrainer_web.config.readers import Program


class FileKind(StrEnum):
    """What a file holds."""

    ADAPTER = "adapter"
    MODEL = "model"
    DENOISER = "denoiser"
    TEXT_ENCODER = "text encoder"
    AUTOENCODER = "autoencoder"
    EMBEDDING = "embedding"
    FOLDER = "folder"
    """A model in diffusers' layout."""
    PICKLE = "pickle"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Destination:
    """Where a file goes in one program."""

    program: str
    reads_as: Program | None
    """Its column in the table of readers; None for diffusers, which has none."""
    place: str
    """A folder of the program, or what to do or write there."""
    is_code: bool
    """Whether `place` is code."""
    prompt: str
    """A first prompt; empty for parts that none is about."""


_K = FileKind
_IMPORT = "Models → Add models: enter the path of the file"
_PLACES: Mapping[str, Mapping[FileKind, str]] = MappingProxyType(
    {
        "ComfyUI": {
            _K.ADAPTER: "models/loras",
            _K.MODEL: "models/checkpoints",
            _K.DENOISER: "models/diffusion_models",
            _K.EMBEDDING: "models/embeddings",
            _K.TEXT_ENCODER: "models/text_encoders",
            _K.AUTOENCODER: "models/vae",
        },
        "SwarmUI": {
            _K.ADAPTER: "Models/Lora",
            _K.MODEL: "Models/Stable-Diffusion",
            _K.DENOISER: "Models/diffusion_models",
            _K.EMBEDDING: "Models/Embeddings",
            _K.TEXT_ENCODER: "Models/text_encoders",
            _K.AUTOENCODER: "Models/VAE",
        },
        "Forge, A1111": {
            _K.ADAPTER: "models/Lora",
            _K.MODEL: "models/Stable-diffusion",
            _K.DENOISER: "models/Stable-diffusion",
            _K.EMBEDDING: "embeddings",
            _K.TEXT_ENCODER: "models/text_encoder",
            _K.AUTOENCODER: "models/VAE",
        },
        "InvokeAI": {
            **dict.fromkeys((_K.ADAPTER, _K.MODEL, _K.DENOISER, _K.EMBEDDING, _K.AUTOENCODER), _IMPORT),
            _K.FOLDER: "Models → Add models: enter the path of the folder",
        },
        "sd-scripts": {
            _K.ADAPTER: 'gen_img.py --network_module networks.lora --network_weights "{name}.safetensors"',
            _K.MODEL: 'gen_img.py --ckpt "{name}.safetensors"',
            _K.EMBEDDING: 'gen_img.py --textual_inversion_embeddings "{name}.safetensors"',
        },
        "diffusers": {
            _K.ADAPTER: 'pipeline.load_lora_weights("{name}.safetensors")',
            _K.MODEL: 'StableDiffusionXLPipeline.from_single_file("{name}.safetensors")  # or that of its model',
            _K.EMBEDDING: 'pipeline.load_textual_inversion("{name}.safetensors", token="{trigger}")',
            _K.FOLDER: 'DiffusionPipeline.from_pretrained("{name}")',
        },
    }
)
_OWN_SCRIPTS: Mapping[str, str] = MappingProxyType(
    {
        "stable_diffusion_3": "sd3_minimal_inference.py",
        "flux": "flux_minimal_inference.py",
        "chroma": "flux_minimal_inference.py --model_type chroma",
        "lumina_2": "lumina_minimal_inference.py",
    }
)
"""What sd-scripts draws with, of families that its `gen_img.py` does not know."""
_OWN_ARGUMENTS: Mapping[FileKind, str] = MappingProxyType(
    {_K.ADAPTER: '--lora_weights "{name}.safetensors;1"', _K.MODEL: '--ckpt "{name}.safetensors"'}
)
_SILENT = (_K.TEXT_ENCODER, _K.AUTOENCODER)
"""What no prompt is about."""
_CODE = ("sd-scripts", "diffusers")
_READS_AS: Mapping[str, Program] = MappingProxyType(
    {
        "ComfyUI": Program.COMFY_UI,
        "SwarmUI": Program.COMFY_UI,  # which it draws with
        "Forge, A1111": Program.FORGE,
        "InvokeAI": Program.INVOKE_AI,
        "sd-scripts": Program.SD_SCRIPTS,
    }
)
_CALLS: Mapping[tuple[FileKind, str], str] = MappingProxyType(
    {
        (_K.ADAPTER, "Forge, A1111"): "<lora:{name}:1> {prompt}",
        (_K.ADAPTER, "SwarmUI"): "<lora:{name}> {prompt}",
        (_K.EMBEDDING, "ComfyUI"): "embedding:{name}",
        (_K.EMBEDDING, "SwarmUI"): "<embed:{name}>",
        (_K.EMBEDDING, "Forge, A1111"): "{name}",
        (_K.EMBEDDING, "InvokeAI"): "<{name}>",
    }
)
"""How a prompt brings a file in, where it does not just hold the trigger words."""


def destinations_of(kind: FileKind, name: str, trigger: str, prompt: str, family: str = "") -> Iterator[Destination]:
    """Where a file goes, program by program.

    Args:
        kind: What it holds.
        name: Of the file, without its ending.
        trigger: The words that it has learned; empty when they are not known.
        prompt: The first prompt, without what a program needs to bring a file in.
        family: Of the model; empty when it is not known.
    """
    words = {"name": name, "trigger": trigger or name, "prompt": prompt}
    for program, places in _PLACES.items():
        if place := _place(program, places.get(kind, ""), kind, family):
            yield Destination(
                program=program,
                reads_as=_READS_AS.get(program),
                place=place.format(**words),
                is_code=program in _CODE,
                prompt="" if kind in _SILENT else _CALLS.get((kind, program), "{prompt}").format(**words),
            )


def _place(program: str, usual: str, kind: FileKind, family: str) -> str:
    """Where a file goes; empty where a program has no place for it."""
    if program != "sd-scripts" or not usual:
        return usual
    if family in _OWN_SCRIPTS:
        argument = _OWN_ARGUMENTS.get(kind)
        return f"{_OWN_SCRIPTS[family]} {argument}" if argument else ""
    return usual.replace(".py", ".py --sdxl") if family == "stable_diffusion_xl" else usual
