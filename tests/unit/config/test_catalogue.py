"""The catalogue explains every setting, and the schema says the same words."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from scripts.settings_without_effect import table

from onetrainer_web.config import families
from onetrainer_web.config.defaults import default_config
from onetrainer_web.config.enums import ModelType, Optimizer, TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES, facts
from onetrainer_web.config.fields import (
    SECTIONS,
    SETTINGS,
    Field,
    fields_by_path,
    fields_catalogue,
    known_values,
    label_of,
)
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.model_facts import MODEL_PARTS
from onetrainer_web.config.optimizer_tables import (
    ADAPTIVE,
    FUSED_BACK_PASS,
    PARAMETERS,
    SCHEDULE_FREE,
    effective_parameters,
    with_defaults,
)
from onetrainer_web.config.optimizers import TrainOptimizerConfig
from onetrainer_web.config.presets import preset_names, read_preset
from onetrainer_web.config.schema import json_schema
from onetrainer_web.config.settings.other_words import OTHER_WORDS
from onetrainer_web.config.training import TrainConfig

FIELDS = fields_catalogue()
TABS = {"general", "model", "data", "concepts", "training", "lora", "embedding", "sampling", "backup", "cloud"}


@pytest.mark.parametrize("model", SETTINGS, ids=lambda model: model.__name__)
def test_every_key_has_a_text_and_no_text_lacks_a_key(model: Any) -> None:
    assert set(SETTINGS[model]) == set(model.model_fields)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_a_help_text_says_more_than_the_label(field: Field) -> None:
    label, words = _words(field.label), _words(field.help)
    assert field.help.endswith(".")
    assert len(words) >= 5, field.help
    assert len(words - label) >= 4, f"{field.label}: {field.help}"
    assert field.label[0].isupper()
    assert len(field.label) <= 40


@pytest.mark.parametrize("field", [field for field in FIELDS if not field.obeyed], ids=lambda field: field.path)
def test_a_setting_without_effect_says_why(field: Field) -> None:
    assert field.note.endswith(".")


def test_other_words_are_of_settings_that_there_are_and_say_what_nothing_else_says() -> None:
    fields = fields_by_path()
    last_parts = {path.rsplit(".", 1)[-1] for path in fields}
    assert OTHER_WORDS.keys() <= fields.keys() | last_parts
    assert fields["concepts[].image_variations"].other_words == "image variations"
    assert fields["unet.weight_dtype"].other_words == fields["vae.weight_dtype"].other_words


def test_the_documentation_lists_what_has_no_effect() -> None:
    document = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text(encoding="utf-8")
    missing = [row for row in table().splitlines() if row not in document]
    assert not missing, "Put what `python scripts/settings_without_effect.py` prints into docs/configuration.md."


def test_no_two_settings_of_an_object_share_a_label() -> None:
    for model, settings in SETTINGS.items():
        labels = [setting.label for setting in settings.values()]
        if model is not TrainConfig:
            assert len(set(labels)) == len(labels), model.__name__


def test_no_key_stands_in_two_sections() -> None:
    keys = [key for section in SECTIONS for key in section.settings]
    assert len(set(keys)) == len(keys)


def test_the_catalogue_holds_every_path_once_and_in_order() -> None:
    assert len(fields_by_path()) == len(FIELDS)
    assert [field.order for field in FIELDS] == list(range(len(FIELDS)))
    assert {field.tab for field in FIELDS} == TABS
    for part in MODEL_PARTS:
        assert f"{part}.weight_dtype" in fields_by_path()


def test_conditions_and_units_speak_of_settings_that_exist() -> None:
    for field in FIELDS:
        for condition in [*field.visible_when, *(c for option in field.options for c in option.visible_when)]:
            target = fields_by_path()[condition.path]
            known = {option.value for option in target.options} or {True, False}
            assert set(condition.values) <= known, f"{field.path} on {condition.path}"
        assert not field.unit_path or field.unit_path in fields_by_path()


def test_a_default_with_choices_is_one_of_them() -> None:
    for field in FIELDS:
        if field.options and field.default is not None:
            assert field.default in {option.value for option in field.options}, field.path


def test_defaults_of_parts_are_those_of_their_own_key() -> None:
    assert fields_by_path()["text_encoder.stop_training_after"].default == 30
    assert fields_by_path()["vae.stop_training_after"].default is None


def test_limits_come_from_the_types() -> None:
    field = fields_by_path()["ema_decay"]
    assert (field.minimum, field.maximum) == (0, 1)
    assert (fields_by_path()["epochs"].minimum, fields_by_path()["epochs"].maximum) == (1, None)
    assert fields_by_path()["unet.learning_rate"].minimum == 0


@pytest.mark.parametrize("model_type", ModelType)
def test_the_catalogue_is_complete_for_every_model_type(model_type: ModelType) -> None:
    for method in facts(model_type).methods:
        fields = {field.path: field for field in fields_catalogue(model_type, method, Optimizer.ADAMW)}
        shown = {path.partition(".")[0] for path in fields} & set(MODEL_PARTS)
        assert shown == set(facts(model_type).parts)
        formats = [option.value for option in fields["output_model_format"].options]
        assert sorted(formats) == sorted(facts(model_type).formats[method])
        methods = [option.value for option in fields["training_method"].options]
        assert sorted(methods) == sorted(facts(model_type).methods)
        assert {option.value for option in fields["layer_filter_preset"].options} == {
            *facts(model_type).layer_presets,
            "custom",
        }


@pytest.mark.parametrize("optimizer", Optimizer)
def test_an_optimizer_shows_its_own_parameters_with_their_defaults(reference: Any, optimizer: Optimizer) -> None:
    expected = reference("optimizer-defaults")["optimizers"][optimizer.value]["parameters"]
    shown = {
        field.path.removeprefix("optimizer."): field.default
        for field in fields_catalogue(optimizer=optimizer)
        if field.path.startswith("optimizer.") and field.path != "optimizer.optimizer"
    }
    assert shown == {key: "inf" if value == float("inf") else value for key, value in expected.items()}


def test_a_setting_that_is_obeyed_can_be_seen_and_one_of_its_choices_be_made() -> None:
    trained = {str(model) for model, known in MODEL_TYPES.items() if known.trained_here}
    for field in FIELDS:
        if not field.obeyed:
            continue
        models = [condition.values for condition in field.visible_when if condition.path == "model_type"]
        assert all(trained & set(map(str, values)) for values in models), f"{field.path} is hidden"
        assert not field.options or any(option.obeyed for option in field.options), field.path


def test_the_choices_of_which_the_trainer_knows_some_only_are_choices() -> None:
    for path, known in known_values().items():
        assert known & {option.value for option in fields_by_path()[path].options}, path


def test_labels_of_paths_name_the_object_too() -> None:
    assert label_of(("learning_rate",)) == "Learning rate"
    assert label_of(("unet", "train")) == "UNet: Train"
    assert label_of(("concepts", "0", "path")) == "Concept 1: Folder"


def test_facts_about_model_types_are_those_of_the_reference(reference: Any) -> None:
    expected = reference("model-types")["model_types"]
    assert list(expected) == [model for model, facts in MODEL_TYPES.items() if facts.is_in_onetrainer]
    for name, known in expected.items():
        ours, flags = MODEL_TYPES[ModelType(name)], known["flags"]
        assert set(ours.parts) == set(known["model_parts"])
        assert ours.denoiser == known["denoising_part"]
        assert [encoder.part for encoder in ours.encoders] == known["text_encoder_parts"]
        assert {method: list(formats) for method, formats in ours.formats.items()} == known["output_formats"]
        assert (ours.bucket_multiple, ours.sample_multiple) == (
            known["aspect_bucketing_quantization"],
            known["sample_resolution_quantization"],
        )
        assert {"noise_scheduler": "DDIM", "negative_prompt": ""} | dict(ours.sample) == known["sample_defaults"]
        assert (ours.formulation == "flow") == flags.get("is_flow_matching", False)
        assert ours.has_mask_input == flags.get("has_mask_input", False)
        assert ours.is_video == flags.get("is_video_model", False)
        assert ours.has_negative_prompt == flags.get("supports_negative_prompt", False)
        assert ours.is_listed == known["in_ui_dropdown"]
        presets = {name: preset.patterns for name, preset in ours.layer_presets.items()}
        assert presets == {
            name: tuple(preset["patterns"] if isinstance(preset, dict) else preset)
            for name, preset in known["layer_filter_presets"].items()
        }


def test_optimizer_tables_are_those_of_the_reference(reference: Any) -> None:
    expected = reference("optimizer-defaults")["optimizers"]
    assert {name.value: dict(values) for name, values in PARAMETERS.items()} == {
        name: known["parameters"] for name, known in expected.items()
    }
    for ours, key in ((ADAPTIVE, "adaptive"), (SCHEDULE_FREE, "schedule_free")):
        assert {name.value for name in ours} == {name for name, known in expected.items() if known[key]}
    fused = {name for name, known in expected.items() if known["fused_back_pass_supported"]}
    assert {name.value for name in FUSED_BACK_PASS} == fused


def test_null_parameters_take_the_default_of_their_optimizer() -> None:
    effective = effective_parameters(TrainOptimizerConfig(optimizer=Optimizer.ADAMW, beta1=0.8))
    assert (effective["beta1"], effective["beta2"], effective["weight_decay"]) == (0.8, 0.999, 0.01)


@pytest.mark.parametrize("optimizer", Optimizer)
def test_choosing_an_optimizer_gives_valid_settings(optimizer: Optimizer) -> None:
    chosen = with_defaults(optimizer)
    assert effective_parameters(chosen) == PARAMETERS[optimizer]


def test_the_schema_describes_every_property_at_every_depth() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")
    objects = [schema, *(part for part in schema["$defs"].values() if "properties" in part)]
    assert len(objects) == 12
    for part in objects:
        for name, described in part["properties"].items():
            assert described["title"], name
            assert len(described["description"]) > 20, name


def test_defaults_and_presets_satisfy_the_schema() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    samples = [{"prompt": "a"}]
    concepts = [{"path": "a"}]
    optimizer = {"growth_rate": "inf"}
    full = TrainConfig.model_validate({"samples": samples, "concepts": concepts, "optimizer": optimizer})
    for config in (default_config(), full, *(read_preset(name).config for name in preset_names())):
        validator.validate(config_to_dict(config))
        validator.validate(config_to_dict(config, "settings"))


def test_the_schema_refuses_what_is_wrong() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    for wrong in ({"epochs": 0}, {"nonsense": 1}, {"unet": {"train": "yes"}}, {"mse_strength": "much"}):
        assert not validator.is_valid(wrong), wrong


def test_methods_trained_here_are_offered_by_the_model() -> None:
    for known in MODEL_TYPES.values():
        assert known.trained_here <= set(known.methods)
    assert facts(ModelType.STABLE_DIFFUSION_15).trained_here == set(TrainingMethod)


def _words(text: str) -> set[str]:
    return set(_split(text))


def _split(text: str) -> Iterator[str]:
    return (word.strip(".,:;()").lower() for word in text.split())


def test_no_family_takes_its_facts_from_another() -> None:
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(families))) if isinstance(node, ast.Call)]
    taken_over = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "replace"]
    assert taken_over
    assert not [ast.unparse(call)[:80] for call in taken_over if any(one.arg == "family" for one in call.keywords)]
