"""Layers of adapter files have the names that were held against other programs (see tests/golden/adapter_names.py)."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.engine.test_families import CASES
from torch import nn

from onetrainer_web.config.adapter_keys import DOWN, UP
from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.interfaces import Model
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.adapters import to_format

pytestmark = pytest.mark.slow

GOLDEN = runpy.run_path(str(Path(__file__).parents[1] / "golden" / "adapter_names.py"))
NAMES: dict[str, dict[str, list[str]]] = json.loads(GOLDEN["FILE"].read_text())


@pytest.mark.parametrize("model_type", [name for name in CASES if name.value in NAMES])
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
    for model_format, known in NAMES[model_type.value].items():
        found = GOLDEN["patterns"](to_format(adapters, ModelFormat(model_format), family, model, None))
        assert found, model_format
        # The small T5 has one layer where the published one has two.
        assert {re.sub("wi$", "wi_#", name) for name in found} <= set(known), model_format
