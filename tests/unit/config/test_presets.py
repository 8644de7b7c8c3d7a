"""Every preset that comes with the program is sound."""

import pytest

from onetrainer_web.config.families import MODEL_TYPES, facts
from onetrainer_web.config.presets import preset_names, read_preset
from onetrainer_web.errors import ConfigNotFoundError


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_read_without_notes(name: str) -> None:
    result = read_preset(name)
    assert result.notes == []
    assert result.migrated_from is None


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_for_what_can_be_trained_here(name: str) -> None:
    config = read_preset(name).config
    assert config.training_method in facts(config.model_type).trained_here


def test_the_demos_and_a_preset_of_every_trained_family_are_there() -> None:
    assert set(preset_names()) >= {"demo_lora", "demo_finetune", "sd15_finetune", "sdxl_finetune"}
    known = {facts(read_preset(name).config.model_type).family for name in preset_names()}
    assert known == {model.family for model in MODEL_TYPES.values() if model.trained_here}


@pytest.mark.parametrize("name", ["demo_lora", "demo_finetune"])
def test_the_demos_draw_their_trigger_word(name: str) -> None:
    config = read_preset(name).config
    assert config.concepts
    assert config.samples
    assert config.concepts[0].path == f"datasets/{name}"
    assert any(config.concepts[0].name in sample.prompt for sample in config.samples)


def test_an_unknown_preset_is_not_found() -> None:
    with pytest.raises(ConfigNotFoundError):
        read_preset("../presets/demo_lora")
