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
from onetrainer_web.config.output import kind_of
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.families.hunyuan_video.names import HUNYUAN_VIDEO_COMFY_NAMES
from onetrainer_web.engine.methods.adapter_kinds import KINDS as CLASSES
from onetrainer_web.engine.seams.interfaces import Family, Model
from onetrainer_web.engine.seams.places import Place, from_places, to_places
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.adapters import read_adapters, to_format

pytestmark = pytest.mark.slow

KINDS: dict[str, dict[str, Any]] = {
    "lora": {},
    "dora": {"lora_decompose": True},
    "dora by output": {"lora_decompose": True, "lora_decompose_output_axis": True},
    "loha": {"peft_type": "LOHA"},
    "lokr": {"peft_type": "LOKR", "lokr_dim": 2, "lokr_decompose_both": True, "lokr_weight_decompose": True},
    "lokr of whole factors": {"peft_type": "LOKR", "lokr_full_matrix": True},
    "oft": {"peft_type": "OFT_2", "oft_block_size": 4},
}
MODELS = {facts(name).family: name for name in CASES if name is not ModelType.STABLE_CASCADE_1}
"""One of each family. Programs take joined weights of Stable Cascade apart by names that are no places of weights."""


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
        self.kind = kind_of(config)
        maker = CLASSES[config.peft_type](config)
        self.layers = [name for name, layer in denoiser.named_modules() if maker.fits(layer)]
        layers = maker.add(self.family.denoiser, denoiser, self.layers, torch.float32)
        for layer in layers.values():
            for weight in maker.weights(layer).values():
                weight.data += 0.2 * torch.randn(weight.shape)
        self.adapters = {key: Adapter(maker.applied(layer), maker.alpha(layer)) for key, layer in layers.items()}

    def merged(self) -> dict[str, Tensor]:
        """The weights as the adapters change them, by their names in diffusers."""
        return self.merged_by(self.adapters)

    def merged_by(self, adapters: Mapping[str, Adapter]) -> dict[str, Tensor]:
        """The weights as any adapters change them."""
        layers: dict[str, dict[str, Tensor]] = {}
        for key, own in adapters.items():
            alpha = {} if own.alpha is None else {"alpha": torch.tensor(own.alpha)}
            # A file of peft has lengths in another shape; the method takes up their numbers.
            shaped = {name: weight.view_as(self.adapters[key].weights[name]) for name, weight in own.weights.items()}
            layers[key.partition(".")[2]] = {**shaped, **alpha}
        return changed_all(self.weights, layers)

    def merged_from(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The same from a file, which changes them where they stand in diffusers, in the original code, or in both."""
        if (found := self._by_names_of(self.weights, tensors)) is not None:
            return changed_all(self.weights, found)
        in_diffusers = {name: own for name, own in tensors.items() if name.startswith(f"{self.family.denoiser}.")}
        placed = to_places(self.merged_from(in_diffusers), self._place_of)
        found = self._by_names_of(placed, {name: own for name, own in tensors.items() if name not in in_diffusers})
        assert found, f"no layer of the original code has the name of {next(iter(tensors))}"
        shapes = {name: weight.shape for name, weight in self.weights.items()}
        return from_places(shapes, changed_all(placed, found), self._place_of)

    def _place_of(self, name: str) -> Place:
        return self.family.original_place(self.family.denoiser, name, self.model) or Place(name)

    def _by_names_of(
        self, weights: Mapping[str, Tensor], tensors: Mapping[str, Tensor]
    ) -> dict[str, dict[str, Tensor]] | None:
        """The tensors of a file by layers; None when it names layers that are not among these."""
        layers = {
            f"{prefix}.{spelling}".strip(".").replace(".", "_"): layer
            for layer in (name.removesuffix(".weight") for name in weights)
            for spelling in {layer, HUNYUAN_VIDEO_COMFY_NAMES.get(layer, layer), layer.removeprefix("semantic_")}
            for prefix in ("", "net", "diffusion_model", "lora_unet", self.family.denoiser, self.family.kohya_denoiser)
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model_type", MODELS.values())
def test_every_format_changes_the_weights_as_training_did(model_type: ModelType, kind: str, tmp_path: Path) -> None:
    trained = Trained(model_type, kind)
    expected = trained.merged()
    known = facts(model_type)
    for model_format in set(known.formats[TrainingMethod.LORA]) - known.unfit_formats(trained.kind):
        tensors = to_format(trained.adapters, model_format, trained.family, trained.model, None)
        save_file(tensors, tmp_path / "adapter.safetensors")
        modules = {trained.family.denoiser: trained.layers}
        read = read_adapters(tmp_path / "adapter.safetensors", modules, trained.family, trained.model)
        assert read.keys() == trained.adapters.keys(), model_format
        for merged in (trained.merged_from(tensors), trained.merged_by(read)):
            for name, weight in expected.items():
                assert torch.allclose(merged[name], weight, atol=1e-4), (model_format, name)
