"""Adapter files hold what was trained: weights merged from them, where each format has them, against those trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tests.engine.formulas import changed
from tests.engine.test_families import CASES
from torch import Tensor

from onetrainer_web.config.adapter_keys import ALPHA, DOWN, LENGTHS, LYCORIS, UP
from onetrainer_web.config.enums import ModelType, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.interfaces import Family, Model
from onetrainer_web.engine.methods.adapter_kinds import KINDS as CLASSES
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.adapters import read_adapters, to_format
from onetrainer_web.engine.weights.hunyuan_keys import HUNYUAN_VIDEO_COMFY_NAMES
from onetrainer_web.engine.weights.places import Place, from_places, to_places

pytestmark = pytest.mark.slow

PLAIN = "lora"
KINDS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    "dora": {"lora_decompose": True},
    "dora by output": {"lora_decompose": True, "lora_decompose_output_axis": True},
    "loha": {"peft_type": "LOHA"},
    "lokr": {"peft_type": "LOKR", "lokr_dim": 2, "lokr_decompose_both": True, "lokr_weight_decompose": True},
    "lokr of whole factors": {"peft_type": "LOKR", "lokr_full_matrix": True},
    "oft": {"peft_type": "OFT_2", "oft_block_size": 4},
}
FAMILIES = [name for name in CASES if name is not ModelType.STABLE_CASCADE_1]
"""Programs take joined weights of Stable Cascade apart by names that are no places of weights."""
OF_ALL_KINDS = (ModelType.STABLE_DIFFUSION_21, ModelType.AURA_FLOW, ModelType.Z_IMAGE)
"""With convolutions, with a layer that the original code turns without joining it, and one with neither."""
TRIED = [(name, kind) for name in FAMILIES for kind in KINDS if kind == PLAIN or name in OF_ALL_KINDS]


class Trained:
    """The denoiser of a tiny model with adapters that have learned something."""

    def __init__(self, model_type: ModelType, kind: str) -> None:
        self.family: Family = family_of(model_type)
        torch.manual_seed(1)
        denoiser = CASES[model_type].parts()[self.family.denoiser]
        nothing: Any = None
        self.model = Model({self.family.denoiser: denoiser}, nothing, nothing, "tiny")
        self.weights = {name: weight.clone() for name, weight in denoiser.state_dict().items()}
        config = TrainConfig.model_validate({"model_type": model_type, "lora_rank": 3, "lora_alpha": 2, **KINDS[kind]})
        maker = CLASSES[config.peft_type](config)
        self.layers = [name for name, layer in denoiser.named_modules() if maker.fits(layer)]
        layers = maker.add(self.family.denoiser, denoiser, self.layers, torch.float32)
        for layer in layers.values():
            for weight in maker.weights(layer).values():
                weight.data += 0.2 * torch.randn(weight.shape)
        self.adapters = {key: Adapter(maker.applied(layer), maker.alpha(layer)) for key, layer in layers.items()}

    def merged(self) -> dict[str, Tensor]:
        """The weights as the adapters change them, by their names in diffusers."""
        return changed_all(self.weights, {key.partition(".")[2]: own for key, own in self._by_layer().items()})

    def merged_from(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same from a file, which changes them where they stand in diffusers or in the original code."""
        if found := self._by_names_of(self.weights, tensors):
            return changed_all(self.weights, found)
        placed = to_places(self.weights, self._place_of)
        found = self._by_names_of(placed, tensors)
        assert found, f"no layer of the original code has the name of {next(iter(tensors))}"
        shapes = {name: weight.shape for name, weight in self.weights.items()}
        return from_places(shapes, changed_all(placed, found), self._place_of)

    def _place_of(self, name: str) -> Place:
        return self.family.original_place(self.family.denoiser, name, self.model) or Place(name)

    def _by_layer(self) -> dict[str, dict[str, Tensor]]:
        strengths = {key: {"alpha": torch.tensor(own.alpha)} for key, own in self.adapters.items() if own.alpha}
        return {key: {**own.weights, **strengths.get(key, {})} for key, own in self.adapters.items()}

    def _by_names_of(
        self, weights: Mapping[str, Tensor], tensors: Mapping[str, Tensor]
    ) -> dict[str, dict[str, Tensor]] | None:
        """The tensors of a file by layers; None when it names layers that are not among these."""
        layers = {
            f"{prefix}.{spelling}".strip(".").replace(".", "_"): layer
            for layer in (name.removesuffix(".weight") for name in weights)
            for spelling in {layer, HUNYUAN_VIDEO_COMFY_NAMES.get(layer, layer)}
            for prefix in ("", "diffusion_model", "lora_unet", self.family.denoiser, self.family.kohya_denoiser)
        }
        found: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            own = next(own for own in NAMES if name.endswith(own))
            layer = layers.get(name.removesuffix(f".{own}").replace(".", "_"))
            if layer is None:
                return None
            found.setdefault(layer, {})[own] = tensor
        return found


NAMES = ("lora_A.weight", "lora_B.weight", "lora_magnitude_vector.weight", DOWN, UP, LENGTHS, ALPHA, *LYCORIS)


def changed_all(weights: Mapping[str, Tensor], adapters: Mapping[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    """Weights as adapters of their layers change them."""
    merged = dict(weights)
    for layer, own in adapters.items():
        merged[f"{layer}.weight"] = changed(weights[f"{layer}.weight"], own)
    return merged


@pytest.mark.parametrize(("model_type", "kind"), TRIED)
def test_every_format_changes_the_weights_as_training_did(model_type: ModelType, kind: str, tmp_path: Path) -> None:
    trained = Trained(model_type, kind)
    expected = trained.merged()
    known = facts(model_type)
    refused = known.joined_formats if kind != PLAIN else ()
    for model_format in (form for form in known.formats[TrainingMethod.LORA] if form not in refused):
        tensors = to_format(trained.adapters, model_format, trained.family, trained.model, None)
        merged = trained.merged_from(tensors)
        for name, weight in expected.items():
            assert torch.allclose(merged[name], weight, atol=1e-4), (model_format, name)
        save_file(tensors, tmp_path / "adapter.safetensors")
        modules = {trained.family.denoiser: trained.layers}
        read = read_adapters(tmp_path / "adapter.safetensors", modules, trained.family, trained.model)
        assert read.keys() == trained.adapters.keys(), model_format
