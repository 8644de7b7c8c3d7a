"""The catalogue of every setting: what the page renders from, and where the schema's words come from."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic import Field as Described
from pydantic.fields import FieldInfo

from onetrainer_web.config.base import LARGEST, ConfigModel, NamedEnum, nested_model
from onetrainer_web.config.cloud import CloudConfig
from onetrainer_web.config.concepts import ConceptConfig, ConceptImageConfig, ConceptTextConfig
from onetrainer_web.config.embeddings import TrainEmbeddingConfig
from onetrainer_web.config.enums import ModelType, Optimizer, TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.files import to_plain
from onetrainer_web.config.model_facts import MODEL_PARTS
from onetrainer_web.config.optimizer_tables import PARAMETERS
from onetrainer_web.config.optimizers import TrainOptimizerConfig
from onetrainer_web.config.parts import QuantizationConfig, TrainModelPartConfig
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.secrets import CloudSecretsConfig, SecretsConfig
from onetrainer_web.config.settings import adapters, concepts, general, optimizers, output, parts, remote, training
from onetrainer_web.config.settings.base import (
    Importance,
    Option,
    Section,
    Setting,
    When,
    Widget,
    is_on,
    is_one_of,
    method,
)
from onetrainer_web.config.settings.options import all_of, weight_dtypes
from onetrainer_web.config.settings.other_words import other_words_of
from onetrainer_web.config.training import TrainConfig

SECTIONS: tuple[Section, ...] = (
    *general.SECTIONS,
    *parts.SECTIONS,
    *training.SECTIONS,
    *adapters.SECTIONS,
    *output.SECTIONS,
    *remote.SECTIONS,
)

SETTINGS: Mapping[type[ConfigModel], Mapping[str, Setting]] = {
    TrainConfig: {key: text for section in SECTIONS for key, text in section.settings.items()},
    TrainModelPartConfig: parts.PART_SETTINGS,
    QuantizationConfig: parts.QUANTIZATION_SETTINGS,
    TrainOptimizerConfig: optimizers.OPTIMIZER_SETTINGS,
    TrainEmbeddingConfig: adapters.EMBEDDING_SETTINGS,
    ConceptConfig: concepts.CONCEPT_SETTINGS,
    ConceptImageConfig: concepts.IMAGE_SETTINGS,
    ConceptTextConfig: concepts.CAPTION_SETTINGS,
    SampleConfig: output.SAMPLE_SETTINGS,
    CloudConfig: remote.CLOUD_SETTINGS,
    SecretsConfig: remote.SECRET_SETTINGS,
    CloudSecretsConfig: remote.CLOUD_SECRET_SETTINGS,
}
"""The words for every key of every object."""


class FieldCondition(BaseModel):
    """A setting matters only while the setting at `path` has one of the values."""

    model_config = ConfigDict(frozen=True)

    path: str = Described(description="Dotted name of the other setting.")
    values: list[JsonValue] = Described(description="Its values for which this one matters.")


class FieldOption(BaseModel):
    """One choice of a setting."""

    model_config = ConfigDict(frozen=True)

    value: str = Described(description="What stands in the configuration.")
    label: str = Described(description="What people read.")
    obeyed: bool = Described(description="Whether the trainer can do it today.")
    visible_when: list[FieldCondition] = Described(description="All must hold for it to be on offer.")


class LayerChoice(BaseModel):
    """What a layer choice stands for."""

    model_config = ConfigDict(frozen=True)

    patterns: str = Described(description="What `layer_filter` says for it.")
    is_regex: bool = Described(description="What `layer_filter_regex` says for it.")


class Field(BaseModel):
    """Everything about one setting that a page needs to show it."""

    model_config = ConfigDict(frozen=True)

    path: str = Described(description="Dotted name; `[]` stands for every element of a list.")
    label: str = Described(description="What it is called.")
    help: str = Described(description="What it does, and when to touch it.")
    other_words: str = Described(description="What people who know other programs may search it by; may be empty.")
    tab: str = Described(description="Tab of OneTrainer that it stands on.")
    group: str = Described(description="Group within the tab.")
    order: int = Described(description="Position in the whole catalogue.")
    type: str = Described(description="boolean, integer, number, string, choice, object, list or map.")
    nullable: bool = Described(description="Whether null is a value of its own.")
    widget: Widget = Described(description="What it is entered with, where its type does not say: lines, folder, none.")
    unit: str = Described(description="What it counts, such as steps; empty where it counts nothing.")
    unit_path: str = Described(description="The setting that holds the unit, where it can be chosen.")
    importance: Importance = Described(description="Who needs it: everybody, or experts only.")
    default: JsonValue = Described(description="Its value in a new configuration.")
    minimum: float | None = Described(description="Smallest value; null where there is none.")
    maximum: float | None = Described(description="Largest value; null where there is none.")
    options: list[FieldOption] = Described(description="The choices of a setting of type choice.")
    visible_when: list[FieldCondition] = Described(description="All must hold for the setting to be of any concern.")
    defaults_by_optimizer: dict[str, JsonValue] = Described(
        description="For parameters of optimizers: what null means for each that uses it."
    )
    layer_choices: dict[str, dict[str, LayerChoice]] = Described(
        description="For layer choices: what each of them stands for, by model type; empty for other settings."
    )
    obeyed: bool = Described(description="Whether it has an effect on a run of the native trainer today.")
    note: str = Described(description="Why it has no effect, or that it was not measured yet; empty otherwise.")
    secret: bool = Described(description="Never part of a configuration; set through the secrets.")


def fields_catalogue(
    model_type: ModelType | None = None,
    training_method: TrainingMethod | None = None,
    optimizer: Optimizer | None = None,
) -> list[Field]:
    """Every setting in the order of the tabs.

    A given choice is applied: what it makes pointless is left out, as are the conditions that it fulfils, and
    parameters have the defaults of the given optimizer.
    """
    choices: dict[str, Any] = {
        "model_type": model_type,
        "training_method": training_method,
        "optimizer.optimizer": optimizer,
    }
    known = {path: str(value) for path, value in choices.items() if value is not None}
    if not known:
        return list(_all_fields())
    return [_specialised(field, known) for field in _all_fields() if _possible(field.visible_when, known)]


def label_of(path: Iterable[str]) -> str:
    """What the setting at `path` is called, with the object that it belongs to in front."""
    known = fields_by_path()
    pattern, shown = "", ""
    for step in path:
        if step.isdigit():
            pattern, shown = f"{pattern}[]", f"{shown.removesuffix('s')} {int(step) + 1}"
            continue
        pattern = f"{pattern}.{step}".lstrip(".")
        label = known[pattern].label if pattern in known else step
        shown = f"{shown}: {label}" if shown and shown != label else label
    return shown


@cache
def fields_by_path() -> Mapping[str, Field]:
    """The catalogue by path."""
    return {field.path: field for field in _all_fields()}


@cache
def known_values() -> Mapping[str, frozenset[str]]:
    """By path, the values that the trainer knows, for settings of which it knows only some; more than are on offer."""
    return {field.path: setting.known for field, setting in _all_rows() if setting.known is not None}


@cache
def _all_fields() -> tuple[Field, ...]:
    return tuple(field.model_copy(update={"order": order}) for order, (field, _) in enumerate(_all_rows()))


@cache
def _all_rows() -> tuple[tuple[Field, Setting], ...]:
    return tuple(row for section in SECTIONS for row in _section_rows(section))


def _section_rows(section: Section) -> Iterator[tuple[Field, Setting]]:
    for key, text in section.settings.items():
        info = TrainConfig.model_fields[key]
        when = section.when + _extra_conditions(key)
        field = _field(key, info, text, (section.tab, section.group), when)
        yield field, text
        yield from _nested_rows(field, info, text, when + text.when)


def _nested_rows(outer: Field, info: FieldInfo, text: Setting, when: When) -> Iterator[tuple[Field, Setting]]:
    """The settings inside an object or a list of objects; the remembered optimizer settings are one value."""
    model, path = nested_model(info.annotation), outer.path
    if model is None or path == "optimizer_defaults":
        return
    inner = path if isinstance(info.annotation, type) else f"{path}[]"
    tab = "concepts" if path == "concepts" else outer.tab
    for key, inner_text in SETTINGS[model].items():
        inner_info = model.model_fields[key]
        inner_path = f"{inner}.{key}"
        place = (parts.part_tab(key) if model is TrainModelPartConfig else tab, text.label)
        inner_when = when + _inner_conditions(path, key)
        field = _field(inner_path, inner_info, inner_text, place, inner_when)
        if isinstance(info.default, model):
            field = field.model_copy(update={"default": _plain_default(getattr(info.default, key))})
        if text.no_effect:
            field = field.model_copy(update={"obeyed": False, "note": text.no_effect})
        yield field, inner_text
        yield from _nested_rows(field, inner_info, inner_text, inner_when + inner_text.when)


def _field(path: str, info: FieldInfo, text: Setting, place: tuple[str, str], when: When) -> Field:
    options = text.options or _type_options(path, info)
    no_effect = _no_effect(path) or text.no_effect
    return Field(
        path=path,
        label=text.label,
        help=text.help,
        other_words=other_words_of(path),
        tab=place[0],
        group=place[1],
        order=0,
        type="choice" if options else _type_name(info.annotation),
        nullable=type(None) in get_args(info.annotation),
        widget=text.widget,
        unit=text.unit,
        unit_path=_beside(path, text.unit_path),
        importance=text.importance,
        default=None if info.default_factory else _plain_default(info.default),
        minimum=_limit(info, Ge, "ge"),
        maximum=_limit(info, Le, "le"),
        options=[_option(option, text.known) for option in options],
        visible_when=_conditions(when + text.when),
        defaults_by_optimizer=_defaults_by_optimizer(path),
        layer_choices=_layer_choices() if path.endswith("layer_filter_preset") else {},
        obeyed=not no_effect,
        note=no_effect or text.caveat,
        secret=path.startswith("secrets."),
    )


def _no_effect(path: str) -> str:
    """Why a part of a model, or a parameter of optimizers, has no effect, which does not stand in its row."""
    owner, _, key = path.rpartition(".")
    if path in parts.ENCODERS.settings:
        return parts.no_effect_of_encoder(path)
    if path in MODEL_PARTS:
        return parts.no_effect(path)
    if owner in MODEL_PARTS:
        return parts.no_effect(owner, key)
    return optimizers.no_effect(key) if owner == "optimizer" else ""


def _extra_conditions(key: str) -> When:
    """Conditions that follow from the model's facts instead of standing with the text."""
    if key in parts.ENCODERS.settings:
        return parts.encoder_conditions(key)
    if key in MODEL_PARTS:
        return parts.has_part(key)
    return ()


def _inner_conditions(path: str, key: str) -> When:
    if path in MODEL_PARTS:
        return parts.part_conditions(path, key)
    if path == "optimizer" and key != "optimizer":
        return is_one_of("optimizer.optimizer", *(name for name, used in PARAMETERS.items() if key in used))
    if path == "cloud" and key != "enabled":
        return is_on("cloud.enabled")
    return method("EMBEDDING") if path == "embedding" else ()


def _type_options(path: str, info: FieldInfo) -> tuple[Option, ...]:
    part, _, key = path.rpartition(".")
    if key == "weight_dtype":
        return weight_dtypes(part)
    kind = info.annotation
    return all_of(kind) if isinstance(kind, type) and issubclass(kind, NamedEnum) else ()


_TYPE_NAMES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "list", dict: "map"}


def _type_name(annotation: Any) -> str:
    """What kind of value a field holds; the limits and "or null" around it do not matter."""
    kind = get_origin(annotation) or annotation
    if kind in _TYPE_NAMES:
        return _TYPE_NAMES[kind]
    inner = [part for part in get_args(annotation) if part is not type(None)]
    return _type_name(inner[0]) if inner else "object"


def _plain_default(value: Any) -> JsonValue:
    return None if isinstance(value, ConfigModel) else to_plain(value)


def _limit(info: FieldInfo, kind: type[Any], name: str) -> float | None:
    """The limit of this kind that the type states; limits that only guard against overflow are left out."""
    nested = (item for part in get_args(info.annotation) for item in getattr(part, "__metadata__", ()))
    found = next((getattr(item, name) for item in _flat((*info.metadata, *nested)) if isinstance(item, kind)), None)
    return None if found is None or abs(found) >= LARGEST else found


def _flat(metadata: Iterable[Any]) -> Iterator[Any]:
    for item in metadata:
        yield item
        if isinstance(item, FieldInfo):
            yield from item.metadata


def _beside(path: str, key: str) -> str:
    """The path of `key` in the same object as `path`."""
    return f"{path.rpartition('.')[0]}.{key}".lstrip(".") if key else ""


def _option(option: Option, known: frozenset[str] | None) -> FieldOption:
    return FieldOption(
        value=option.value,
        label=option.label,
        obeyed=known is None or option.value in known,
        visible_when=_conditions(option.when),
    )


def _conditions(when: When) -> list[FieldCondition]:
    """One condition a path: several on the same one are met by the values that they have in common."""
    merged: dict[str, list[Any]] = {}
    for condition in when:
        allowed = merged.get(condition.path, condition.values)
        merged[condition.path] = [value for value in condition.values if value in allowed]
    return [FieldCondition(path=path, values=values) for path, values in merged.items()]


@cache
def _layer_choices() -> dict[str, dict[str, LayerChoice]]:
    return {
        model_type: {
            name: LayerChoice(patterns=",".join(preset.patterns), is_regex=preset.regex)
            for name, preset in known.layer_presets.items()
        }
        for model_type, known in MODEL_TYPES.items()
    }


def _defaults_by_optimizer(path: str) -> dict[str, JsonValue]:
    key = path.removeprefix("optimizer.")
    if key == path:
        return {}
    return {name.value: to_plain(values[key]) for name, values in PARAMETERS.items() if key in values}


def _possible(conditions: Iterable[FieldCondition], known: Mapping[str, Any]) -> bool:
    return all(known[condition.path] in condition.values for condition in conditions if condition.path in known)


def _specialised(field: Field, known: Mapping[str, str]) -> Field:
    """The field as it is under choices that are known."""
    options = [
        option.model_copy(update={"visible_when": _open(option.visible_when, known)})
        for option in field.options
        if _possible(option.visible_when, known)
    ]
    changes: dict[str, Any] = {"options": options, "visible_when": _open(field.visible_when, known)}
    optimizer = known.get("optimizer.optimizer", "")
    if optimizer in field.defaults_by_optimizer:
        changes["default"] = field.defaults_by_optimizer[optimizer]
    return field.model_copy(update=changes)


def _open(conditions: list[FieldCondition], known: Mapping[str, str]) -> list[FieldCondition]:
    return [condition for condition in conditions if condition.path not in known]
