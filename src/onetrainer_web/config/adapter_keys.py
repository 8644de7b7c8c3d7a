"""What the weights of adapters are called, in memory and in files of all programs: for the checks and the trainer."""

import re
from collections.abc import Mapping
from types import MappingProxyType

DOWN, UP, LENGTHS, ALPHA = "lora_down.weight", "lora_up.weight", "dora_scale", "alpha"
LYCORIS = (
    *("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"),
    *("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2"),
    "oft_R.weight",
)
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
