"""What an embedding file is: vectors under the names that programs give them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.layer_names import adapter_names
from onetrainer_web.config.tensor_header import TensorFacts
from onetrainer_web.config.tensor_names import ALONE, OTHER_VECTOR_NAMES, OUTPUT_VECTORS

_NUMBERED = "text_encoders_"
"""What the scripts of diffusers call text encoders, by their number."""


@dataclass(frozen=True)
class EmbeddingFile:
    """What an embedding file is."""

    model_types: list[ModelType]
    vectors: Mapping[str, int]
    """How many vectors each text encoder has."""
    placeholder: str
    """The word that diffusers' files name; empty in others."""


def recognise(tensors: Mapping[str, TensorFacts], told: Collection[ModelType]) -> EmbeddingFile | None:
    """What embedding some tensors are; None when they are none.

    Args:
        tensors: Of the file.
        told: The model types that its metadata means.
    """
    own = {_plain(name): facts for name, facts in tensors.items()}
    known = {name for row in adapter_names() for name in row.vectors} | {ALONE}
    is_named = own.keys() <= known or all(name.startswith(_NUMBERED) for name in own)
    is_alone = len(own) == 1 and not is_named and all("." not in name for name in own)
    if not own or not (is_named or is_alone) or any(len(facts.shape) not in (1, 2) for facts in own.values()):
        return None
    widths = {name: facts.shape[-1] for name, facts in own.items()}
    fitting = [
        row for row in adapter_names() if row.vectors and _fits(widths, row.vectors, is_by_name=own.keys() <= known)
    ]
    model_types = [name for row in fitting for name in row.model_types]
    return EmbeddingFile(
        [name for name in model_types if name in told] or model_types,
        {name: 1 if len(facts.shape) == 1 else facts.shape[0] for name, facts in own.items()},
        next(iter(tensors)) if is_alone else "",
    )


def _plain(name: str) -> str:
    name = name.removesuffix(OUTPUT_VECTORS)
    return OTHER_VECTOR_NAMES.get(name, name)


def _fits(widths: Mapping[str, int], vectors: Mapping[str, int], *, is_by_name: bool) -> bool:
    """Whether a model's text encoders have vectors of these lengths under these names, or in this order."""
    if is_by_name and ALONE not in widths:
        return widths == vectors
    return list(widths.values()) == list(vectors.values())
