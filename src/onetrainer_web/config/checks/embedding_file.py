"""What the header of a safetensors file tells of the embedding in it, before any model is loaded."""

from onetrainer_web.config.families import facts
from onetrainer_web.config.layer_names import adapter_names, adapter_names_of
from onetrainer_web.config.tensor_header import Header
from onetrainer_web.config.tensor_names import ALONE, OTHER_VECTOR_NAMES, OUTPUT_VECTORS
from onetrainer_web.config.training import TrainConfig

_CLIPS = ("clip_l", "clip_h")
"""OneTrainer calls the only CLIP of Stable Diffusion 2 as that of Stable Diffusion 1."""


def embedding_problem(header: Header, config: TrainConfig) -> str | None:
    """Why a run cannot start from an embedding, and what to do; None when it holds vectors for its model."""
    lacking, foreign = _compared(header, config)
    if not (foreign and lacking and len(lacking) == len(_wanted(config))):
        return None
    label = facts(config.model_type).label
    return f"holds vectors for {', '.join(foreign)}, none of which {label} has. Choose another file or model type"


def embedding_losses(header: Header, config: TrainConfig) -> str | None:
    """What of an embedding a run drops or begins anew, as a sentence that goes on from its name; None when nothing."""
    lacking, foreign = _compared(header, config)
    label = facts(config.model_type).label
    dropped = f"holds vectors for {', '.join(foreign)}, which {label} has not: they will be missing in the result"
    anew = f"holds none for {', '.join(lacking)}: these start anew"
    return "; it ".join([*([dropped] if foreign else []), *([anew] if lacking else [])]) or None


def _compared(header: Header, config: TrainConfig) -> tuple[list[str], list[str]]:
    """Text encoders of the model that a file has no vectors for, and others that it has some for.

    Nothing is said of names that tell no text encoder: those of diffusers' files, which are placeholders or numbers.
    """
    wanted = _wanted(config)
    known = {name for row in adapter_names() for name in row.vectors} | {ALONE}
    plain = (name.removesuffix(OUTPUT_VECTORS) for name in header.tensors)
    held = {OTHER_VECTOR_NAMES.get(name, name) for name in plain}
    if not wanted or not held <= known:
        return [], []
    is_alone = len(wanted) == 1 and wanted[0].startswith("clip")
    if is_alone and held & {ALONE, *(_CLIPS if wanted[0] in _CLIPS else ())}:
        held = held - {ALONE, *_CLIPS} | set(wanted)
    return [name for name in wanted if name not in held], sorted(held - set(wanted))


def _wanted(config: TrainConfig) -> list[str]:
    names = adapter_names_of(config.model_type)
    return list(names.vectors) if names else []
