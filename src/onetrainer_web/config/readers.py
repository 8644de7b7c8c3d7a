"""Which programs read the adapter files of each family, by format: the table of the page, the checks, docs and runs.

Every cell was found with the programs' own code on models of published size, most by `make test-programs`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from onetrainer_web.config.enums import ModelFormat

_F = ModelFormat


class Program(StrEnum):
    """What people draw or train on with; diffusers, or peft for it, reads its own format of each."""

    COMFY_UI = "ComfyUI"
    FORGE = "Forge"
    INVOKE_AI = "InvokeAI"
    SD_SCRIPTS = "sd-scripts"


class AdapterKind(StrEnum):
    """Kinds of adapters, as far as programs tell them apart."""

    LORA = "LoRA"
    LOHA = "LoHa"
    LOKR = "LoKr"
    DORA = "DoRA"
    OFT = "OFT"


TRIED: Mapping[Program, str] = MappingProxyType(
    {
        Program.COMFY_UI: "0.33.0 (patientx/ComfyUI-Zluda 8622f33e): comfy.lora.load_lora, the keys of its models",
        Program.FORGE: "lllyasviel/stable-diffusion-webui-forge dfdcbab6: its key maps and its limit of unknown keys",
        Program.INVOKE_AI: "invoke-ai/InvokeAI 8e71a8a5: its recognition and its conversion of LoRA files",
        Program.SD_SCRIPTS: "kohya-ss/sd-scripts 48d368fa: create_network_from_weights, determine_architecture",
    }
)
"""The source of each program's cells."""


ALL_OF_IT = 3
"""The rank of a program that loses nothing of a file."""


@dataclass(frozen=True)
class Reading:
    """What a program does with a plain LoRA in a format."""

    loses: str = ""
    """Layers of the denoiser that it passes over; it says at most a line in its log."""
    is_unread: bool = False
    loses_text: bool = False
    """Whether it passes over text encoders in the file."""
    refuses_text: bool = False
    """Whether it refuses the file as a whole when text encoders are in it."""
    only_blocks: bool = False
    """Whether it refuses the file when layers outside of the blocks are in it."""

    def fault(self, *, has_text: bool) -> str:
        """What it does wrong with a file, as words behind its name; nothing when it reads all of it."""
        if self.is_unread:
            return "does not read it"
        if has_text and self.refuses_text:
            return "refuses it with a text encoder in it"
        faults = [f"drops {self.loses}"] if self.loses else []
        faults += ["drops the text encoder"] if has_text and self.loses_text else []
        faults += ["reads it only with the layers of the blocks alone"] if self.only_blocks else []
        return " and ".join(faults)

    def rank(self, *, has_text: bool) -> int:
        """How much of a file arrives: `ALL_OF_IT`, 2 the denoiser, 1 some layers, 0 nothing."""
        if self.is_unread or has_text and self.refuses_text:
            return 0
        if self.loses or self.only_blocks:
            return 1
        return 2 if has_text and self.loses_text else ALL_OF_IT


Readings = Mapping[Program, Reading]
"""By program; one that does not know the model is not there."""
_WHOLE, _UNREAD, _NO_TEXT = Reading(), Reading(is_unread=True), Reading(loses_text=True)
_REFUSES_TEXT = Reading(refuses_text=True)
_ONLY_BLOCKS = Reading(only_blocks=True)
_COMFY, _FORGE, _INVOKE, _SD_SCRIPTS = Program


def _drops(layers: str, *, text: bool = False) -> Reading:
    return Reading(loses=layers, loses_text=text)


def _comfy(**readings: Reading) -> dict[ModelFormat, dict[Program, Reading]]:
    """A row that only ComfyUI knows, by the beginnings of formats' names; it comes first where it reads as much."""
    return {ModelFormat(f"{name}_LORA"): {_COMFY: reading} for name, reading in readings.items()}


def _with(
    row: Mapping[ModelFormat, Readings], program: Program, **readings: Reading
) -> dict[ModelFormat, dict[Program, Reading]]:
    found = {ModelFormat(f"{name}_LORA"): reading for name, reading in readings.items()}
    return {known: {**others, program: found.get(known, _UNREAD)} for known, others in row.items()}


def _stable_diffusion(outer: str, *, is_xl: bool) -> Mapping[ModelFormat, Readings]:
    attention = _drops("the attention layers")
    row = _comfy(KOHYA=_WHOLE, LEGACY=_WHOLE, COMFY=_WHOLE, DIFFUSERS=attention, ORIGINAL=_UNREAD)
    row = _with(row, _FORGE, KOHYA=_WHOLE, LEGACY=_WHOLE, COMFY=_REFUSES_TEXT)
    row = _with(row, _INVOKE, KOHYA=_WHOLE, LEGACY=_WHOLE)
    # Of XL, whose layers it names as the original code does, the legacy format has the names in diffusers.
    return _with(row, _SD_SCRIPTS, KOHYA=_drops(outer), LEGACY=_UNREAD if is_xl else _drops(outer))


def _flux() -> Mapping[ModelFormat, Readings]:
    row = _comfy(COMFY=_WHOLE, KOHYA=_WHOLE, LEGACY=_WHOLE, DIFFUSERS=_NO_TEXT, ORIGINAL=_UNREAD)
    row = _with(row, _FORGE, KOHYA=_WHOLE, LEGACY=_WHOLE, COMFY=_REFUSES_TEXT, DIFFUSERS=_REFUSES_TEXT)
    blocks_alone = Reading(only_blocks=True, refuses_text=True)
    row = _with(row, _INVOKE, COMFY=_REFUSES_TEXT, KOHYA=_ONLY_BLOCKS, DIFFUSERS=blocks_alone)
    return _with(row, _SD_SCRIPTS, KOHYA=_drops("the layers outside of the blocks"))


def _stable_diffusion_3() -> Mapping[ModelFormat, Readings]:
    row = _comfy(KOHYA=_WHOLE, COMFY=_WHOLE, LEGACY=_WHOLE, DIFFUSERS=_NO_TEXT, ORIGINAL=_UNREAD)
    row = _with(row, _FORGE, KOHYA=_WHOLE, COMFY=_REFUSES_TEXT)
    return _with(row, _SD_SCRIPTS, KOHYA=_WHOLE)


def _chroma() -> Mapping[ModelFormat, Readings]:
    guidance = _drops("the layers of the distilled guidance", text=True)
    row = _comfy(COMFY=_WHOLE, KOHYA=_NO_TEXT, LEGACY=guidance, DIFFUSERS=guidance, ORIGINAL=_UNREAD)
    row = _with(row, _FORGE, KOHYA=_REFUSES_TEXT, COMFY=_REFUSES_TEXT)
    return _with(row, _SD_SCRIPTS, KOHYA=_drops("the layers outside of the blocks"))


_MODULATION = _drops("the embedders and modulations")
_ONLY_DIFFUSERS: Mapping[ModelFormat, Readings] = {
    name: {} for name in (_F.DIFFUSERS_LORA, _F.KOHYA_LORA, _F.COMFY_LORA, _F.ORIGINAL_LORA)
}
"""Of models that none of the programs knows; the other formats are OneTrainer's own."""
READERS: Mapping[str, Mapping[ModelFormat, Readings]] = MappingProxyType(
    {
        "stable_diffusion": _stable_diffusion("the outermost convolutions and the embedder", is_xl=False),
        "stable_diffusion_xl": _stable_diffusion("the outermost convolutions and the embedders", is_xl=True),
        "stable_diffusion_3": _stable_diffusion_3(),
        # The legacy one is also OneTrainer's, which does not know ComfyUI's names of this model.
        "stable_cascade": _comfy(LEGACY=_WHOLE, KOHYA=_WHOLE, COMFY=_WHOLE, DIFFUSERS=_UNREAD, ORIGINAL=_UNREAD),
        "flux": _flux(),
        "flux_2": _with(
            _comfy(COMFY=_WHOLE, KOHYA=_WHOLE, LEGACY=_MODULATION, DIFFUSERS=_MODULATION, ORIGINAL=_UNREAD),
            _INVOKE,
            COMFY=_drops("the last modulation"),
            KOHYA=_ONLY_BLOCKS,
            DIFFUSERS=_WHOLE,
        ),
        "chroma": _chroma(),
        "qwen": _with(
            _comfy(DIFFUSERS=_NO_TEXT, COMFY=_WHOLE, KOHYA=_NO_TEXT, LEGACY=_NO_TEXT, ORIGINAL=_NO_TEXT),
            _INVOKE,
            DIFFUSERS=_NO_TEXT,
            LEGACY=_NO_TEXT,
            ORIGINAL=_NO_TEXT,
            KOHYA=_drops("the embedders", text=True),
        ),
        "z_image": _with(
            _comfy(
                DIFFUSERS=_WHOLE, COMFY=_WHOLE, LEGACY=_WHOLE, ORIGINAL=_WHOLE, KOHYA=_drops("the attention layers")
            ),
            _INVOKE,
            DIFFUSERS=_WHOLE,
            COMFY=_WHOLE,
            LEGACY=_WHOLE,
        ),
        "krea2": _with(
            _comfy(COMFY=_WHOLE, KOHYA=_WHOLE, DIFFUSERS=_WHOLE, ORIGINAL=_UNREAD),
            _INVOKE,
            COMFY=_WHOLE,
            KOHYA=_WHOLE,
            DIFFUSERS=_WHOLE,
            ORIGINAL=_WHOLE,
        ),
        "anima": _with(
            _with(
                _comfy(KOHYA=_WHOLE, COMFY=_WHOLE, DIFFUSERS=_UNREAD, ORIGINAL=_UNREAD),
                _INVOKE,
                KOHYA=_drops("the layers outside of the blocks"),
                COMFY=_WHOLE,
            ),
            _SD_SCRIPTS,
            KOHYA=_WHOLE,
        ),
        "ideogram": _comfy(COMFY=_WHOLE, KOHYA=_WHOLE, DIFFUSERS=_UNREAD, ORIGINAL=_UNREAD),
        "ernie": _comfy(COMFY=_WHOLE, KOHYA=_WHOLE, DIFFUSERS=_WHOLE, LEGACY=_WHOLE, ORIGINAL=_UNREAD),
        "wan": _with(
            _comfy(COMFY=_WHOLE, KOHYA=_NO_TEXT, DIFFUSERS=_UNREAD, ORIGINAL=_UNREAD),
            _INVOKE,
            **dict.fromkeys(("COMFY", "KOHYA", "DIFFUSERS", "ORIGINAL"), _drops("the embedders", text=True)),
        ),
        "ltx_video": _comfy(COMFY=_WHOLE, KOHYA=_NO_TEXT, ORIGINAL=_NO_TEXT, DIFFUSERS=_UNREAD),
        "hunyuan_video": _comfy(
            COMFY=_WHOLE,
            KOHYA=_drops("modulations, feed-forward layers and embedders", text=True),
            DIFFUSERS=_UNREAD,
            LEGACY=_UNREAD,
            ORIGINAL=_UNREAD,
        ),
        "hi_dream": _comfy(COMFY=_WHOLE, KOHYA=_NO_TEXT, DIFFUSERS=_NO_TEXT, ORIGINAL=_UNREAD),
        "lumina_2": _with(
            _comfy(COMFY=_WHOLE, KOHYA=_WHOLE, ORIGINAL=_drops("attention and modulation"), DIFFUSERS=_UNREAD),
            _SD_SCRIPTS,
            KOHYA=_WHOLE,
        ),
        "aura_flow": _comfy(COMFY=_WHOLE, KOHYA=_NO_TEXT, DIFFUSERS=_NO_TEXT, ORIGINAL=_UNREAD),
        "pixart": _comfy(COMFY=_WHOLE, KOHYA=_NO_TEXT, DIFFUSERS=_NO_TEXT, LEGACY=_UNREAD, ORIGINAL=_UNREAD),
        "kandinsky_5": _comfy(DIFFUSERS=_WHOLE),
        "sana": _ONLY_DIFFUSERS,
        "wuerstchen": _ONLY_DIFFUSERS,
        "cogview_4": {_F.DIFFUSERS_LORA: {}},
        "prx": {_F.DIFFUSERS_LORA: {}},
        # It has two layers where diffusers has one, in which values and gate stand together.
        "ovis_image": _comfy(
            COMFY=_WHOLE, KOHYA=_WHOLE, DIFFUSERS=_drops("the feed-forward layers and the time embedder")
        ),
    }
)
"""Rows by families; of formats that programs read alike, the first one is the usual one."""


_LENGTHS = "the lengths of a DoRA"
_NO_PARTS: Mapping[str, Reading] = MappingProxyType(
    {
        **dict.fromkeys(
            ("hunyuan_video", "lumina_2", "ideogram"), _drops("the attention layers, of which it knows no parts")
        ),
        "ovis_image": _drops("the feed-forward layers, of which it knows no parts"),
    }
)
"""Models of whose joined layers ComfyUI knows no parts, or other ones: only what can be joined gets there."""


def _in_comfy_ui(row: str, name: ModelFormat, kind: AdapterKind, lora: Reading) -> Reading:
    is_apart = kind is not AdapterKind.LOHA and name is _F.COMFY_LORA
    return _NO_PARTS.get(row, lora) if is_apart else lora


def _in_forge(row: str, name: ModelFormat, kind: AdapterKind, lora: Reading) -> Reading:
    """It knows the parts of joined layers of FLUX.1 alone."""
    is_apart = kind is not AdapterKind.LOHA and name is _F.COMFY_LORA and row in ("stable_diffusion_3", "chroma")
    return _UNREAD if is_apart else lora


_READ_BY_INVOKE_AI = {
    *((name, AdapterKind.LOHA, _F.COMFY_LORA) for name in ("flux", "flux_2")),
    *((name, AdapterKind.LOKR, _F.KOHYA_LORA) for name in ("qwen", "wan")),
    *((name, AdapterKind.DORA, _F.LEGACY_LORA) for name in ("qwen", "z_image")),
    *(("krea2", AdapterKind.DORA, name) for name in READERS["krea2"]),
    ("anima", AdapterKind.DORA, _F.KOHYA_LORA),
    *(("anima", AdapterKind.LOKR, name) for name in (_F.KOHYA_LORA, _F.COMFY_LORA)),
}
"""What it reads like a LoRA, beside all of Stable Diffusion."""


def _in_invoke_ai(row: str, name: ModelFormat, kind: AdapterKind, lora: Reading) -> Reading:
    """Most of its conversions know plain LoRAs, and take a DoRA for one; those of FLUX know it for another file."""
    if row.startswith("stable_diffusion") or (row, kind, name) in _READ_BY_INVOKE_AI:
        return lora
    is_refused = row == "flux" or (row, name) == ("flux_2", _F.DIFFUSERS_LORA)
    return _UNREAD if is_refused else _without_lengths(kind, lora)


def _in_sd_scripts(row: str, name: ModelFormat, kind: AdapterKind, lora: Reading) -> Reading:
    del row, name
    return _without_lengths(kind, lora)


def _without_lengths(kind: AdapterKind, lora: Reading) -> Reading:
    if kind is not AdapterKind.DORA or lora.is_unread:
        return _UNREAD
    return replace(lora, loses=" and ".join(filter(None, (lora.loses, _LENGTHS))))


_OF_OTHERS: Mapping[Program, Callable[[str, ModelFormat, AdapterKind, Reading], Reading]] = MappingProxyType(
    {_COMFY: _in_comfy_ui, _FORGE: _in_forge, _INVOKE: _in_invoke_ai, _SD_SCRIPTS: _in_sd_scripts}
)
"""What becomes of DoRA by input, LoHa and LoKr, from what becomes of a LoRA."""


def readings_of(row: str, name: ModelFormat, kind: AdapterKind) -> Readings:
    """What programs make of a kind of adapter in a format; nobody was asked about a model that is not trained here."""
    readings = READERS.get(row, {}).get(name, {})
    if kind is AdapterKind.LORA:
        return readings
    if kind is AdapterKind.OFT:
        return dict.fromkeys(readings, _UNREAD)
    return {program: _OF_OTHERS[program](row, name, kind, lora) for program, lora in readings.items()}


def rank_of(readings: Readings, *, has_text: bool) -> tuple[int, int]:
    """How well an adapter is read: by ComfyUI first of all, then by all programs together."""
    ranks = {program: reading.rank(has_text=has_text) for program, reading in readings.items()}
    return ranks.get(Program.COMFY_UI, 0), sum(ranks.values())


def faults_of(readings: Readings, *, has_text: bool) -> Iterator[str]:
    """What programs do wrong with a format, each as a part of a sentence."""
    for program, reading in readings.items():
        if fault := reading.fault(has_text=has_text):
            yield f"{program} {fault}"
