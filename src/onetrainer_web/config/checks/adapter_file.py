"""What the header of a safetensors file tells of the adapter in it, before any model is loaded."""

import json
from collections.abc import Mapping
from pathlib import Path

from onetrainer_web.config.adapter_keys import DOWN, LENGTHS, split_key
from onetrainer_web.config.confined import reading
from onetrainer_web.config.enums import PeftType
from onetrainer_web.config.families import facts
from onetrainer_web.config.texts.options import label_of_value
from onetrainer_web.config.training import TrainConfig

_HEADER_LIMIT = 100_000_000  # the safetensors library refuses longer headers
_MARKS: Mapping[PeftType, tuple[str, ...]] = {
    PeftType.LORA: (DOWN,),
    PeftType.LOHA: ("hada_w1_b",),
    PeftType.LOKR: ("lokr_w1", "lokr_w1_a"),
    PeftType.OFT_2: ("oft_R.weight",),
}
"""A weight that each kind has; those of the first two have the rank as their first axis."""

Shapes = Mapping[str, list[int]]
"""The shape of each tensor, by its name."""


def tensor_shapes(path: Path) -> Shapes:
    """The tensors of a safetensors file; none when its header is not sound or it lacks bytes that it speaks of.

    Raises:
        OSError: The file cannot be read.
    """
    with reading(path, follow=True) as file:
        length = int.from_bytes(file.read(8), "little")
        if not 0 < length <= _HEADER_LIMIT:
            return {}
        try:
            header = json.loads(file.read(length))
            entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
            end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
            is_whole = path.stat().st_size >= 8 + length + end
            return {name: list(map(int, entry["shape"])) for name, entry in entries.items()} if is_whole else {}
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            return {}


def adapter_problem(shapes: Shapes, config: TrainConfig) -> str | None:
    """Why a run cannot go on from an adapter, and what to do; None when its kind and rank fit."""
    weights = {(split_key(name)[1], *shape[:1]) for name, shape in shapes.items()}
    names = {name for name, *_ in weights}
    kinds = [kind for kind, marks in _MARKS.items() if names & {*marks}]
    if not kinds:
        return "holds no adapter of a kind that is known here. Choose another file, or leave it empty"
    if config.peft_type not in kinds:
        return f"holds a {label_of_value(kinds[0])}, not a {label_of_value(config.peft_type)}. Choose that kind"
    if not config.lora_decompose and LENGTHS in names:
        return "holds a DoRA. Turn weight decomposition on"
    if config.peft_type not in (PeftType.LORA, PeftType.LOHA):
        return None
    ranks = {rank for name, *length in weights if name in _MARKS[config.peft_type] for rank in length}
    # Layers that the original code joins have the ranks of all of them together.
    is_joining = bool(facts(config.model_type).joined_formats)
    fits = (rank % config.lora_rank == 0 if is_joining else rank == config.lora_rank for rank in ranks)
    found = " and ".join(map(str, sorted(ranks)))
    return None if all(fits) else f"has the rank {found}, not {config.lora_rank}. Set the rank to that of the file"
