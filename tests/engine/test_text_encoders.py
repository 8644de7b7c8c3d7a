"""Text encoders that a configuration leaves out, prompts that are masked, and what the cache keeps apart."""

import json
from bisect import bisect_left
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.engine.conftest import Lab
from tests.engine.family_case import Case
from tests.engine.outcomes import assert_same_picture, losses, pictures, result
from tests.engine.test_families import (
    CASES,
    draw_in_diffusers,
    drawing,
    models,  # noqa: F401 - a fixture
)

from onetrainer_web.config.checks.issue import Subject
from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.caption_lengths import too_long
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.loop.encoders import FamilyEncoders
from onetrainer_web.engine.seams.interfaces import Family, LoadRequest, Model
from onetrainer_web.engine.seams.precision import set_up_precision

pytestmark = pytest.mark.slow

OPTIONAL = [
    (model_type, encoder.part)
    for model_type in CASES
    for encoder in facts(model_type).encoders
    if encoder.can_leave_out and model_type is not ModelType.FLUX_KONTEXT_DEV_1  # that of FLUX.1 dev, with references
]

COUNTED = [
    *(ModelType.STABLE_DIFFUSION_21, ModelType.FLUX_DEV_1, ModelType.COGVIEW_4, ModelType.ERNIE),
    *(name for name in CASES if any(encoder.prefaces for encoder in facts(name).encoders)),
]
"""Each kind of tokenizer, and everything that is read in front of a prompt."""


def load(case: Case, folder: Path, **changes: Any) -> tuple[Model, FamilyEncoders]:
    """A tiny model, and its encoders."""
    family, model, config = load_family(case, folder, **changes)
    return model, FamilyEncoders(family, model, config)


def load_family(case: Case, folder: Path, **changes: Any) -> tuple[Family, Model, TrainConfig]:
    """A tiny model with its family, and the configuration that it was loaded for."""
    config = TrainConfig.model_validate(
        {"model_type": case.model_type, **case.training("LORA"), "train_dtype": "FLOAT_32", **changes}
    )
    family = family_of(case.model_type)
    components = family.load(LoadRequest(str(folder), folder, config, Path))
    precision, _ = set_up_precision(config)
    model = Model(components, precision, family.objective(components, config, precision.device), str(folder))
    return family, model, config


@pytest.mark.parametrize(("model_type", "part"), OPTIONAL)
def test_a_text_encoder_can_be_left_out(
    lab: Lab,
    models: Callable[[ModelType], Path],  # noqa: F811
    model_type: ModelType,
    part: str,
) -> None:
    lab = Lab(lab.workspace, models(model_type), {"model_type": model_type.value})
    settings = {**CASES[model_type].training("FINE_TUNE"), part: {"include": False}}
    folder = lab.train(**settings, epochs=1)
    assert losses(folder)
    index = json.loads((result(folder) / "model_index.json").read_text())
    assert index[part] == [None, None]
    assert lab.train(**settings, epochs=1, base_model_name=str(result(folder)))


def test_without_t5_stable_diffusion_3_draws_what_its_pipeline_draws_without_it(
    lab: Lab,
    models: Callable[[ModelType], Path],  # noqa: F811
) -> None:
    case = CASES[ModelType.STABLE_DIFFUSION_35]
    lab = Lab(lab.workspace, models(case.model_type), {"model_type": case.model_type.value})
    settings = case.training("FINE_TUNE") | {"text_encoder_3": {"include": False}}
    folder = lab.train(**settings, **drawing(case), epochs=1)
    pipeline = case.pipeline.from_pretrained(result(folder), text_encoder_3=None)
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(case, pipeline))


def test_prompts_of_other_lengths_and_masks_are_other_entries_of_the_cache(
    models: Callable[[ModelType], Path],  # noqa: F811
) -> None:
    case = CASES[ModelType.FLUX_DEV_1]
    folder = models(case.model_type)
    transformer = case.settings["transformer"]
    _, plain = load(case, folder)
    _, again = load(case, folder)
    _, longer = load(case, folder, text_encoder_2_sequence_length=22)
    _, masked = load(case, folder, transformer={**transformer, "attention_mask": True})
    assert plain.text_identity == again.text_identity
    assert len({plain.text_identity, longer.text_identity, masked.text_identity}) == 3


def test_a_mask_hides_what_fills_a_prompt_up(models: Callable[[ModelType], Path]) -> None:  # noqa: F811
    case = CASES[ModelType.FLUX_DEV_1]
    folder = models(case.model_type)
    _, plain = load(case, folder)
    _, masked = load(case, folder, transformer={**case.settings["transformer"], "attention_mask": True})
    whole, hidden = plain.encode_prompts(["red"])["prompt"][0], masked.encode_prompts(["red"])["prompt"][0]
    num_words = 5  # a space, three letters and the end
    assert torch.equal(whole[:num_words], hidden[:num_words])
    assert bool(whole[num_words:].any())
    assert not bool(hidden[num_words:].any())


@pytest.mark.parametrize("model_type", COUNTED)
def test_captions_are_read_as_far_as_the_check_before_a_start_says(
    tmp_path: Path,
    models: Callable[[ModelType], Path],  # noqa: F811
    model_type: ModelType,
) -> None:
    case, folder = CASES[model_type], models(model_type)
    family, model, config = load_family(case, folder, base_model_name=str(folder))
    subject = Subject(config, tmp_path, deep=True)
    reader = max(case.facts.encoders, key=lambda encoder: encoder.tokens).part

    def is_cut_off(length: int) -> bool:
        return too_long(subject, {"cat.png": "a" * length}) is not None

    def has_effect(last: int) -> bool:
        prompts = [f"{'a' * (last - 1)}{letter}" for letter in "ab"]
        first, other = family.tokenize(model, prompts)[reader]
        return not torch.equal(first, other)

    longest = bisect_left(range(3000), True, key=is_cut_off) - 1
    assert has_effect(longest)
    assert not has_effect(longest + 1)
