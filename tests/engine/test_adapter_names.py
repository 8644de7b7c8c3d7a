"""Layers of adapter files have the names that were held against other programs (see scripts/layer_names.py)."""

import re
from typing import Any

import pytest
import torch
from tests.engine.test_families import CASES
from torch import nn

from onetrainer_web.config.adapter_keys import DOWN, UP, pattern, split_key
from onetrainer_web.config.architectures import types_of
from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.config.layer_names import adapter_names
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.interfaces import Model
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.adapters import to_format

pytestmark = pytest.mark.slow

NAMES = {model_type: row for row in adapter_names() for model_type in row.model_types}


@pytest.mark.parametrize("model_type", [name for name in CASES if name in NAMES])
def test_layers_have_the_names_that_programs_know(model_type: ModelType) -> None:
    family = family_of(model_type)
    trained = {encoder.part for encoder in facts(model_type).encoders if encoder.can_train} | {family.denoiser}
    parts = {name: part for name, part in CASES[model_type].parts().items() if name in trained}
    nothing: Any = None
    model = Model(parts, nothing, nothing, "tiny")
    adapters = {
        f"{part}.{name}": Adapter({DOWN: torch.zeros(1, 1), UP: torch.zeros(len(layer.weight), 1)}, 1.0)
        for part, network in model.modules()
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear) and not name.endswith(("text_projection", "lm_head"))
    }
    for model_format, known in NAMES[model_type].formats.items():
        keys = to_format(adapters, model_format, family, model, None)
        found = {pattern(split_key(key)[0]) for key in keys}
        assert found, model_format
        # The small T5 has one layer where the published one has two.
        assert {re.sub("wi$", "wi_#", name) for name in found} <= known, model_format


@pytest.mark.parametrize("model_type", NAMES)
def test_the_metadata_of_a_file_means_the_model_that_it_was_made_for(model_type: ModelType) -> None:
    family = family_of(model_type)
    if model_type is not ModelType.FLUX_2:  # which says when it is loaded which one it is
        assert model_type in types_of({"modelspec.architecture": f"{family.architecture}/lora"})
