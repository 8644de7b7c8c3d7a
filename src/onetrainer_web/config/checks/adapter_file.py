"""What the header of a safetensors file tells of the adapter in it, before any model is loaded."""

from onetrainer_web.config.adapter_keys import LENGTHS, RANKED, kinds_of, split_key
from onetrainer_web.config.enums import PeftType
from onetrainer_web.config.families import facts
from onetrainer_web.config.tensor_header import Header
from onetrainer_web.config.texts.options import label_of_value
from onetrainer_web.config.training import TrainConfig


def adapter_problem(header: Header, config: TrainConfig) -> str | None:
    """Why a run cannot go on from an adapter, and what to do; None when its kind and rank fit."""
    weights = {(split_key(name)[1] or "", *tensor.shape[:1]) for name, tensor in header.tensors.items()}
    names = {name for name, *_ in weights}
    kinds = kinds_of(names)
    if not kinds:
        return "holds no adapter of a kind that is known here. Choose another file, or leave it empty"
    if config.peft_type not in kinds:
        return f"holds a {label_of_value(kinds[0])}, not a {label_of_value(config.peft_type)}. Choose that kind"
    decomposes = config.lokr_weight_decompose if config.peft_type is PeftType.LOKR else config.lora_decompose
    if LENGTHS in names and not decomposes:
        return "holds a DoRA. Turn weight decomposition on"
    if config.peft_type not in (PeftType.LORA, PeftType.LOHA):
        return None
    ranks = {rank for name, *length in weights if name in RANKED for rank in length}
    # Layers that the original code joins have the ranks of all of them together.
    is_joining = bool(facts(config.model_type).joined_formats)
    fits = (rank % config.lora_rank == 0 if is_joining else rank == config.lora_rank for rank in ranks)
    found = " and ".join(map(str, sorted(ranks)))
    return None if all(fits) else f"has the rank {found}, not {config.lora_rank}. Set the rank to that of the file"
