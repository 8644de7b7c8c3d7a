"""One configuration, several runs: settings that are tried with several values each."""

import json
from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

from onetrainer_web.config.diff import diff, set_path
from onetrainer_web.config.fields import label_of
from onetrainer_web.config.repair import Note
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import InvalidConfigError

MAX_VARIANTS = 24
_DESTINATION = "output_model_destination"
_DEFAULT_DESTINATION = TrainConfig().output_model_destination


class Variant(NamedTuple):
    """One of several configurations."""

    title: str
    """What is special about it: `Learning rate 0.0003, Batch size 2`."""
    config: TrainConfig


def variants_of(config: TrainConfig, vary: Mapping[str, Sequence[Any]]) -> tuple[list[Variant], list[Note]]:
    """Every combination of the values, those of the last setting changing fastest.

    Args:
        config: What all have in common; it stays as it is.
        vary: The values of each setting, by its dotted path; see `set_path` for what a value may be.

    Returns:
        The variants, and a note where they would all have written one model file: each keeps its own in its folder.

    Raises:
        InvalidConfigError: There is no such setting, a value does not fit it, two variants are the same, or there are
            more than 24.
    """
    count = prod(len(values) for values in vary.values())
    if not vary or not 1 <= count <= MAX_VARIANTS:
        raise InvalidConfigError(
            f"These settings make {count if vary else 0} runs. Give each setting a value or more, and "
            f"{MAX_VARIANTS} combinations at most."
        )
    notes: list[Note] = []
    if _DESTINATION not in vary and config.output_model_destination not in ("", _DEFAULT_DESTINATION):
        message = f"All would write {config.output_model_destination}; each keeps its model in its own run's folder."
        notes.append(Note(path=_DESTINATION, code="own_results", message=message))
        config = set_path(config, _DESTINATION, _DEFAULT_DESTINATION)
    variants: list[Variant] = []
    for values in product(*vary.values()):
        variant = _variant(config, dict(zip(vary, values, strict=True)))
        if twin := next((other for other in variants if not diff(other.config, variant.config)), None):
            raise InvalidConfigError(f"{twin.title!r} and {variant.title!r} are the same. Give each value once.")
        variants.append(variant)
    return variants, notes


def _variant(config: TrainConfig, changes: Mapping[str, Any]) -> Variant:
    for path, value in changes.items():
        config = set_path(config, path, value)
    return Variant(", ".join(f"{label_of(path.split('.'))} {_shown(value)}" for path, value in changes.items()), config)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
