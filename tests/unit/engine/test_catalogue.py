"""What the catalogue promises is what the trainer has."""

import pytest

from onetrainer_web.config.enums import ModelType, NoiseScheduler, TrainingMethod
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.fields import known_values
from onetrainer_web.config.output import written_format
from onetrainer_web.config.presets import preset_names, read_preset
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import FAMILIES, family_of
from onetrainer_web.engine.methods import METHODS
from onetrainer_web.engine.optimization.optimizers import OPTIMIZERS
from onetrainer_web.engine.parts.samplers import SAMPLERS


def promised() -> list[tuple[ModelType, TrainingMethod]]:
    """Every model type with each method that is said to work."""
    return [(model, method) for model, facts in MODEL_TYPES.items() for method in sorted(facts.trained_here)]


def test_every_promised_model_and_method_exists() -> None:
    assert promised()
    for model, method in promised():
        assert family_of(model).parts
        assert method in METHODS


def test_every_family_has_a_preset() -> None:
    assert FAMILIES.keys() <= {MODEL_TYPES[read_preset(name).config.model_type].family for name in preset_names()}


def test_a_family_has_the_parts_that_the_catalogue_names() -> None:
    for model_type, facts in MODEL_TYPES.items():
        if facts.family in FAMILIES:
            own = family_of(model_type)
            assert [encoder.name for encoder in own.text_encoders] == [encoder.part for encoder in facts.encoders]


def test_the_optimizers_are_those_that_are_promised() -> None:
    assert {optimizer.value for optimizer in OPTIMIZERS} == known_values()["optimizer.optimizer"]


def test_there_is_a_sampler_for_every_name() -> None:
    assert set(SAMPLERS) == set(NoiseScheduler)


@pytest.mark.parametrize(("model_type", "method"), promised())
def test_the_formats_are_those_that_are_promised(model_type: ModelType, method: TrainingMethod) -> None:
    facts = MODEL_TYPES[model_type]
    for known in facts.formats[method]:
        config = TrainConfig(model_type=model_type, training_method=method, output_model_format=known)
        assert written_format(config) in facts.formats[method]
