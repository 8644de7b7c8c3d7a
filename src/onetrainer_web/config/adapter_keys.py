"""What the weights of adapters are called, in memory and in files of all programs: for the checks and the trainer."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from onetrainer_web.config.enums import PeftType

DOWN, UP, LENGTHS, ALPHA = "lora_down.weight", "lora_up.weight", "dora_scale", "alpha"
LYCORIS = (
    *("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"),
    *("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2"),
    "oft_R.weight",
)
RANKED = (DOWN, "hada_w1_b", "lokr_w2_b", "lokr_w1_b")
"""Weights that have the rank as their first axis."""
_MARKS: Mapping[PeftType, tuple[str, ...]] = MappingProxyType(
    {
        PeftType.LORA: (DOWN,),
        PeftType.LOHA: ("hada_w1_b",),
        PeftType.LOKR: ("lokr_w1", "lokr_w1_a"),
        PeftType.OFT_2: ("oft_R.weight",),
    }
)
"""A weight that each kind has."""
_CONTAINERS = (
    "base_model_model_",  # peft
    "lycoris_",
    "model_diffusion_model_",
    "diffusion_model_",
    *(f"{prefix}{part}" for prefix in ("lora_", "") for part in ("unet__", "unet_", "transformer_", "prior_")),
)
"""What programs put in front of the names of the denoiser's layers, be these diffusers' or the original ones."""
_NUMBER = re.compile(r"\d+")
_WEIGHTS: Mapping[str, str] = MappingProxyType(
    {
        **{f".{name}": name for name in (DOWN, UP, LENGTHS, ALPHA, *LYCORIS)},
        ".lora_A.weight": DOWN,
        ".lora_B.weight": UP,
        ".lora_A.default.weight": DOWN,
        ".lora_B.default.weight": UP,
        ".lora.down.weight": DOWN,
        ".lora.up.weight": UP,
        ".lora_linear_layer.down.weight": DOWN,
        ".lora_linear_layer.up.weight": UP,
        ".lora_magnitude_vector": LENGTHS,
        ".lora_magnitude_vector.weight": LENGTHS,
        ".lora_magnitude_vector.default.weight": LENGTHS,
    }
)
"""Which weight a key names, by its ending."""
_OLD_PROCESSOR = re.compile(r"\.processor\.(to_q|to_k|to_v|to_out)_lora\.")
"""How diffusers named layers of an attention while their adapters belonged to its processor."""


def split_key(key: str) -> tuple[str, str | None]:
    """The layer that a key belongs to and which of its weights it is; None when it is none that adapters have."""
    key = _OLD_PROCESSOR.sub(lambda found: f".{found[1]}{'.0' if found[1] == 'to_out' else ''}.lora.", key)
    ending = next(filter(key.endswith, _WEIGHTS), "")
    return key.removesuffix(ending), _WEIGHTS.get(ending)


def kinds_of(weights: Collection[str]) -> list[PeftType]:
    """The kinds of adapters that have weights of these names."""
    return [kind for kind, marks in _MARKS.items() if any(mark in weights for mark in marks)]


def flat(name: str) -> str:
    """A name as it is compared: with dots and underscores alike."""
    return name.replace(".", "_")


def unpacked(spelling: str) -> Iterator[str]:
    """A layer's flat name, and what of it is left without what programs put in front."""
    yield spelling
    for container in _CONTAINERS:
        if spelling.startswith(container):
            yield from unpacked(spelling.removeprefix(container))


def pattern(name: str) -> str:
    """The name of a layer with its numbers as `#`: the kind of layer that it is."""
    return _NUMBER.sub("#", name)


def count_kinds(keys: Iterable[str]) -> str:
    """The commonest kinds of layers among keys, with their numbers."""
    kinds = Counter(pattern(split_key(key)[0]) for key in keys)
    listed = [f"{number} of {kind}" for kind, number in kinds.most_common(3)]
    return ", ".join([*listed, *(["…"] if len(kinds) > 3 else [])])
