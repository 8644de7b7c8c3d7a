"""What programs make of a file: who reads it, and where it goes there."""

from collections.abc import Iterator, Sequence

from onetrainer_web.config.destinations import Destination, FileKind, destinations_of
from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.config.readers import AdapterKind, Readings
from onetrainer_web.model_files.adapters import AdapterFile
from onetrainer_web.model_files.views import UseInfo

_SOMETHING = "a picture"
"""A prompt for what does not say what it has learned."""


def uses_of_adapter(found: AdapterFile, name: str, trigger: str) -> Iterator[UseInfo]:
    """Of an adapter; programs that do not know its model are left out."""
    readings = _readings(found)
    has_text = "text encoder" in found.layers
    for place in _places(FileKind.ADAPTER, found.model_types, name, trigger):
        if place.reads_as is None:
            is_own = found.model_format is ModelFormat.DIFFUSERS_LORA and found.kind is AdapterKind.LORA
            yield _use(place, "" if is_own else "may not know the names of its layers")
        elif reading := readings.get(place.reads_as):
            yield _use(place, reading.fault(has_text=has_text))


def uses_of_model(kind: FileKind, model_types: Sequence[ModelType], name: str, trigger: str) -> Iterator[UseInfo]:
    """Of anything else; programs that do not know the model are left out, where it is known which one it is."""
    known = {program for model_type in model_types for row in facts(model_type).readers.values() for program in row}
    for place in _places(kind, model_types, name, trigger):
        if place.reads_as is None or place.reads_as in known or not model_types:
            yield _use(place)


def _readings(found: AdapterFile) -> Readings:
    """What programs make of it, by the first of the models that it may be for: those of one file are read alike."""
    if not found.model_types or found.model_format is None:
        return {}
    return facts(found.model_types[0]).readers_of(found.model_format, found.kind)


def _places(kind: FileKind, model_types: Sequence[ModelType], name: str, trigger: str) -> Iterator[Destination]:
    family = facts(model_types[0]).family if model_types else ""
    return destinations_of(kind, name, trigger, trigger or _SOMETHING, family)


def _use(place: Destination, fault: str = "") -> UseInfo:
    return UseInfo(program=place.program, place=place.place, is_code=place.is_code, prompt=place.prompt, fault=fault)
