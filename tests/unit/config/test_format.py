"""The models hold every key of OneTrainer's format, with its type and default."""

from enum import Enum
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import ValidationError

from onetrainer_web.config import enums
from onetrainer_web.config.base import ConfigModel, nested_model
from onetrainer_web.config.enums import ModelType, Optimizer, TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.fields import SETTINGS
from onetrainer_web.config.files import to_plain
from onetrainer_web.config.training import OWN_KEYS, TrainConfig

MODELS = {model.__name__: model for model in SETTINGS}
DRAWN = {("ConceptConfig", "seed"), ("TrainEmbeddingConfig", "uuid")}


@pytest.mark.parametrize("name", MODELS)
def test_every_key_of_the_reference_is_there_and_no_other(reference: Any, name: str) -> None:
    keys = reference("config-facts")["configs"][name]["keys"]
    own = OWN_KEYS if name == "TrainConfig" else frozenset[str]()
    assert [key for key in MODELS[name].model_fields if key not in own] == [key["name"] for key in keys]


def test_no_object_of_the_reference_is_missing(reference: Any) -> None:
    assert set(reference("config-facts")["configs"]) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_versions_types_and_nullability_are_those_of_the_reference(reference: Any, name: str) -> None:
    facts = reference("config-facts")["configs"][name]
    model = MODELS[name]
    assert model.version == facts["version"]
    for key in facts["keys"]:
        annotation = model.model_fields[key["name"]].annotation
        assert (NoneType in get_args(annotation)) == key["nullable"], key["name"]
        assert _type_name(annotation) == _expected_type(key), key["name"]


def test_every_default_is_that_of_the_reference(reference: Any) -> None:
    expected = reference("default-config")
    expected["secrets"]["cloud"]["port"] = "0"  # declared as text, so OneTrainer too reads it as text
    assert to_plain(TrainConfig()) == expected


def test_defaults_of_concepts_are_those_of_the_reference(reference: Any) -> None:
    assert to_plain(MODELS["ConceptConfig"].model_validate({"seed": 0})) == reference("default-concept")


def test_enumerations_have_the_members_of_the_reference(reference: Any) -> None:
    known = {name: kind for name, kind in vars(enums).items() if isinstance(kind, type) and issubclass(kind, Enum)}
    compared = [name for name in reference("config-facts")["enums"] if name in known]
    assert len(compared) == 25
    added = {model.value for model, facts in MODEL_TYPES.items() if not facts.is_in_onetrainer}
    for name in compared:
        members = [member.value for member in known[name] if member.value not in added]
        assert members == reference("config-facts")["enums"][name], name


@pytest.mark.parametrize(
    ("kind", "spelling", "meaning"),
    [
        (ModelType, "stable_diffusion", ModelType.STABLE_DIFFUSION_15),
        (ModelType, "Stable_Diffusion_15", ModelType.STABLE_DIFFUSION_15),
        (ModelType, "sdxl", ModelType.STABLE_DIFFUSION_XL_10_BASE),
        (ModelType, "flux", ModelType.FLUX_DEV_1),
        (TrainingMethod, "lora", TrainingMethod.LORA),
        (TrainingMethod, "full", TrainingMethod.FINE_TUNE),
        (Optimizer, "ademamix_8bit", Optimizer.AdEMAMix_8BIT),
    ],
)
def test_lower_case_and_short_names_are_understood(kind: type[Enum], spelling: str, meaning: Enum) -> None:
    assert kind(spelling) is meaning


def test_every_alias_stands_for_a_model_type() -> None:
    for spelling in ModelType.aliases():
        assert isinstance(ModelType(spelling), ModelType)


def test_numbers_may_arrive_as_text() -> None:
    config = TrainConfig.model_validate(
        {"epochs": "12", "mse_strength": "inf", "resolution": 768, "learning_rate": "1e-4"}
    )
    assert (config.epochs, config.mse_strength, config.resolution) == (12, float("inf"), "768")
    assert config.learning_rate == 1e-4


@pytest.mark.parametrize(
    "values",
    [
        {"epochs": 0},
        {"batch_size": -1},
        {"learning_rate": -1},
        {"learning_rate": "inf"},
        {"mse_strength": "nan"},
        {"ema_decay": 2},
        {"epochs": None},
        {"epochs": 10**400},
        {"nonsense": 1},
    ],
)
def test_values_outside_their_limits_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrainConfig.model_validate(values)


def test_a_configuration_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        TrainConfig().epochs = 3  # pyright: ignore[reportAttributeAccessIssue]


def test_a_partial_part_keeps_the_defaults_of_its_key() -> None:
    config = TrainConfig.model_validate({"unet": {"train": False}, "text_encoder": {"train": False}})
    assert config.unet.stop_training_after == 0
    assert config.text_encoder.stop_training_after == 30


def test_new_samples_take_the_size_of_the_model_type(reference: Any) -> None:
    for model_type, expected in reference("default-sample").items():
        if model_type != "__no_model_type":
            config = TrainConfig.model_validate({"model_type": model_type, "samples": [{}]})
            assert to_plain(config.samples) == [expected], model_type


def _type_name(annotation: Any) -> str:
    inner = [part for part in get_args(annotation) if part is not NoneType]
    kind = get_origin(annotation) or annotation
    if kind in (list, dict):
        model = nested_model(annotation)
        return f"{kind.__name__} of {model.__name__ if model else 'plain'}"
    is_wrapped = NoneType in get_args(annotation) or kind is Annotated
    return _type_name(inner[0]) if is_wrapped else kind.__name__


def _expected_type(key: dict[str, Any]) -> str:
    strings = {"prompt_source": "PromptSource", "tag_dropout_mode": "TagDropoutMode"}
    strings["tag_dropout_special_tags_mode"] = "SpecialTagsMode"
    if key["name"] in strings:
        return strings[key["name"]]
    kind, _, inner = key["type"].partition("[")
    if kind not in ("list", "dict"):
        return kind
    name = inner.rstrip("]").split(",")[-1]
    return f"{kind} of {name if name in MODELS else 'plain'}"


def test_the_models_of_the_format_are_the_ones_with_texts() -> None:
    assert all(issubclass(model, ConfigModel) for model in SETTINGS)
