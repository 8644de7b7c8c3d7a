"""Result files have the names that were held against other programs: layers by scripts/layer_names.py, weights here."""

import re
from typing import Any

import pytest
import torch
from tests.engine.test_families import CASES
from tests.engine.test_merged_weights import KINDS, Trained
from torch import nn

from onetrainer_web.config.adapter_keys import DOWN, UP, pattern, split_key
from onetrainer_web.config.architectures import types_of
from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.families import facts
from onetrainer_web.config.layer_names import adapter_names, denoiser_names
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.seams.interfaces import Model
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.adapters import to_format

pytestmark = pytest.mark.slow

FLAT = (ModelFormat.KOHYA_LORA, ModelFormat.LEGACY_LORA)
_LORA = ({"lora_A.weight", "lora_B.weight"}, {"lora_down.weight", "lora_up.weight", "alpha"})
_LOKR = {"lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "alpha"}
WEIGHTS = {
    "lora": _LORA,  # peft, `get_peft_model_state_dict`; sd-scripts, `networks/lora.py`
    "dora": tuple({*names, "dora_scale"} for names in _LORA),  # LyCORIS, `modules/locon.py`; ComfyUI, `comfy/lora.py`
    "dora by output": tuple({*names, "dora_scale"} for names in _LORA),
    "loha": ({"hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "alpha"},) * 2,  # LyCORIS, `modules/loha.py`
    "lokr": ({*_LOKR, "dora_scale"},) * 2,  # LyCORIS, `modules/lokr.py`
    "lokr of whole factors": ({"lokr_w1", "lokr_w2", "alpha"},) * 2,
    "oft": ({"oft_R.weight"},) * 2,  # OneTrainer, `modules/module/oft_utils.py`; peft's OFT
}
"""What the weights of a layer are called in formats with dots, which are peft's, and in flat ones, with the sources."""
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


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_adapters_have_the_names_that_programs_know(kind: str) -> None:
    trained = Trained(ModelType.STABLE_DIFFUSION_XL_10_BASE, kind)
    for model_format in facts(trained.family.model_type).readers:
        tensors = to_format(trained.adapters, model_format, trained.family, trained.model, None)
        found = {name.removeprefix(f"{split_key(name)[0]}.") for name in tensors}
        expected = WEIGHTS[kind][model_format in FLAT]
        if (kind, model_format) == ("dora by output", ModelFormat.DIFFUSERS_LORA):
            expected = expected - {"dora_scale"} | {"lora_magnitude_vector.weight"}  # peft has a name for these
        assert found == expected, model_format


IN_ONE_FILE = {model_type for row in denoiser_names() if row.naming == "original" for model_type in row.model_types}


@pytest.mark.parametrize("model_type", [name for name in CASES if name in IN_ONE_FILE])
def test_denoisers_in_one_file_have_the_names_that_programs_know(model_type: ModelType) -> None:
    family: Any = family_of(model_type)
    denoiser = CASES[model_type].parts()[family.denoiser]
    places = family.denoiser_namings() or [part.naming(denoiser.config) for part in family.layout.parts[:1]]
    known = {row.naming: row.layers for row in denoiser_names() if model_type in row.model_types}
    for naming, place in zip(("original", "ComfyUI"), places, strict=False):
        names = (
            re.sub(r"\.(weight|bias)$", "", theirs) for name in denoiser.state_dict() for theirs in place(name).names
        )
        assert {re.sub(r"\d+", "#", name) for name in names} <= known[naming], naming
