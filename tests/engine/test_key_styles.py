"""Adapters in the key styles of other programs: all of their layers are found, with the numbers that they mean."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from onetrainer_web.config.checks.adapter_file import adapter_losses, adapter_problem
from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.tensor_header import TensorFacts, read_header
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.runtime.errors import WrongWeightsError
from onetrainer_web.engine.seams.interfaces import Family, Model
from onetrainer_web.engine.weights.adapters import Adapter, read_adapters, to_format

FAMILIES = {
    ModelType.STABLE_DIFFUSION_21: "stable_diffusion",
    ModelType.STABLE_DIFFUSION_35: "stable_diffusion_3",
    ModelType.FLUX_DEV_1: "flux",
    ModelType.CHROMA_1: "chroma",
    ModelType.Z_IMAGE: "z_image",
    ModelType.LUMINA_2: "lumina_2",
    ModelType.WAN_21: "wan",
    ModelType.LTX_VIDEO: "ltx_video",
    ModelType.AURA_FLOW: "aura_flow",
    ModelType.QWEN: "qwen",
}
FILE = "adapter.safetensors"
Adapters = dict[str, Adapter]
Tensors = Mapping[str, Tensor]


class Trial:
    """A family, a tiny model of it, and adapters on each of its layers."""

    def __init__(self, model_type: ModelType) -> None:
        cases = import_module(f"tests.engine.families.{FAMILIES[model_type]}").CASES
        parts = next(case for case in cases if case.model_type is model_type).parts()
        self.family = family_of(model_type)
        unused: Any = None
        networks = {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
        self.model = Model(networks, unused, unused, "tiny")
        self.modules = {part: linear_layers(networks[part]) for part in self.family.parts if part in networks}
        self.adapters = {
            f"{part}.{name}": adapter_of(networks[part].get_submodule(name))
            for part, names in self.modules.items()
            for name in names
        }
        self.denoiser = {key: own for key, own in self.adapters.items() if key.startswith(self.family.denoiser)}

    def of(self, model_format: ModelFormat, *, with_text: bool = False) -> dict[str, Tensor]:
        adapters = self.adapters if with_text else self.denoiser
        return to_format(adapters, model_format, self.family, self.model, None)

    def read(self, tensors: Tensors, folder: Path) -> Adapters:
        path = folder / FILE
        save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)
        return read_adapters(path, self.modules, self.family, self.model)


def linear_layers(network: nn.Module) -> list[str]:
    return [name for name, layer in network.named_modules() if isinstance(layer, nn.Linear)]


def adapter_of(layer: nn.Module) -> Adapter:
    assert isinstance(layer, nn.Linear)
    generator = torch.Generator().manual_seed(layer.in_features)
    down = torch.randn(4, layer.in_features, generator=generator)
    return Adapter(
        {"lora_down.weight": down, "lora_up.weight": torch.randn(layer.out_features, 4, generator=generator)}, 2.0
    )


def change(adapter: Adapter) -> Tensor:
    return adapter.scale * adapter.weights["lora_up.weight"].float() @ adapter.weights["lora_down.weight"].float()


def renamed(tensors: Tensors, rename: Callable[[str], str]) -> dict[str, Tensor]:
    return {rename(name): tensor for name, tensor in tensors.items()}


def styles(trial: Trial) -> dict[str, dict[str, Tensor]]:
    """The same adapters of the denoiser as programs write them."""
    own = f"{trial.family.denoiser}."
    kohya, original = trial.of(ModelFormat.KOHYA_LORA), trial.of(ModelFormat.ORIGINAL_LORA)
    peft = {
        f"{key.removeprefix(own)}.lora_{letter}.weight": tensor
        for key, adapter in trial.denoiser.items()
        for letter, tensor in (
            ("A", adapter.weights["lora_down.weight"]),
            ("B", adapter.weights["lora_up.weight"] * adapter.scale),
        )
    }
    flat = {
        f"{key.removeprefix(own).replace('.', '_')}.{name}": tensor
        for key, adapter in trial.denoiser.items()
        for name, tensor in (*adapter.weights.items(), ("alpha", torch.tensor(2.0)))
    }

    def in_processor(name: str) -> str:
        for projection, old in (("to_q", "to_q"), ("to_k", "to_k"), ("to_v", "to_v"), ("to_out.0", "to_out")):
            for letter, direction in (("A", "down"), ("B", "up")):
                name = name.replace(f".{projection}.lora_{letter}.", f".processor.{old}_lora.{direction}.")
        return own + name

    without_alpha = {
        name: tensor * 0.5 if name.endswith("lora_up.weight") else tensor  # the strength of alpha 2 at rank 4
        for name, tensor in kohya.items()
        if not name.endswith(".alpha")
    }
    return {
        "kohya": kohya,
        "kohya without alpha": without_alpha,
        "original": original,
        "ComfyUI": trial.of(ModelFormat.COMFY_LORA),
        "diffusers": trial.of(ModelFormat.DIFFUSERS_LORA),
        "float16": {name: tensor.half() for name, tensor in kohya.items()},
        "peft's default adapter": renamed(peft, lambda name: own + name.replace(".weight", ".default.weight")),
        "older diffusers": renamed(
            peft, lambda name: own + name.replace("lora_A", "lora.down").replace("lora_B", "lora.up")
        ),
        "peft's own": renamed(peft, lambda name: f"base_model.model.{name}"),
        "peft around a pipeline": renamed(peft, lambda name: f"base_model.model.{own}{name}"),
        "bare": peft,
        "ComfyUI's prefix before diffusers' names": renamed(peft, lambda name: f"diffusion_model.{name}"),
        "a checkpoint's prefix": renamed(original, lambda name: f"model.diffusion_model.{name}"),
        "lycoris": renamed(flat, lambda name: f"lycoris_{name}"),
        "flat, by the part": renamed(flat, lambda name: f"lora_{own.replace('.', '_')}{name}"),
        "two underscores": renamed(kohya, lambda name: name.replace("lora_unet_", "lora_unet__", 1)),
        "bfloat16": {name: tensor.bfloat16() for name, tensor in kohya.items()},
        "fp8": {name: t.to(torch.float8_e4m3fn) if t.ndim else t for name, t in kohya.items()},
        "linear layers": renamed(
            peft,
            lambda name: (
                own + name.replace("lora_A", "lora_linear_layer.down").replace("lora_B", "lora_linear_layer.up")
            ),
        ),
        "attention processors": renamed(peft, in_processor),
    }


def _widened(weight: TensorFacts) -> TensorFacts:
    rows, *others = weight.shape
    return replace(weight, shape=(rows, *(1 + 10 * other for other in others)))


@pytest.mark.parametrize("model_type", FAMILIES)
def test_every_layer_of_every_style_is_found(model_type: ModelType, tmp_path: Path) -> None:
    trial = Trial(model_type)
    weights = trial.model.module(trial.family.denoiser).state_dict()
    save_file({name: weight.clone() for name, weight in weights.items()}, tmp_path / "base.safetensors")
    base = [read_header(tmp_path / "base.safetensors")]
    of_another_size = [replace(base[0], tensors={name: _widened(own) for name, own in base[0].tensors.items()})]
    for style, tensors in styles(trial).items():
        found = trial.read(tensors, tmp_path)
        assert found.keys() == trial.denoiser.keys(), style
        config = TrainConfig(model_type=model_type, lora_rank=4)
        header = read_header(tmp_path / FILE)
        assert adapter_problem(header, config, base) is None, f"{style}: refused before the start"
        told = adapter_problem(header, config, of_another_size) or ""
        assert told.startswith("is for a model of another size"), f"{style}: let through"
        assert adapter_losses(header, config) is None, f"{style}: thought incomplete before the start"
        most = 0.15 if style == "fp8" else 0.02  # a number of fp8 is off by a sixteenth, and two are multiplied
        for key, adapter in found.items():
            true = change(trial.adapters[key])
            assert (change(adapter) - true).abs().max() < most * true.abs().max(), (style, key)
    assert not trial.model.notes


def test_the_t5_of_flux_is_also_found_under_the_name_of_kohyas_scripts(tmp_path: Path) -> None:
    trial = Trial(ModelType.FLUX_DEV_1)
    tensors = renamed(
        trial.of(ModelFormat.KOHYA_LORA, with_text=True), lambda name: name.replace("lora_te2_", "lora_te3_", 1)
    )
    assert any(name.startswith("lora_te3_") for name in tensors)
    assert trial.read(tensors, tmp_path).keys() == trial.adapters.keys()


def test_the_encoder_of_qwen_image_is_also_found_under_its_own_names(tmp_path: Path) -> None:
    """OneTrainer puts ComfyUI's prefix in front of them, where ComfyUI has the layers of pictures elsewhere."""
    trial = Trial(ModelType.QWEN)
    own = trial.of(ModelFormat.COMFY_LORA, with_text=True)
    tensors = renamed(own, lambda name: name.replace("transformer.visual.", "transformer.model.visual.", 1))
    assert tensors.keys() != own.keys()
    assert trial.read(tensors, tmp_path).keys() == trial.read(own, tmp_path).keys()
    assert not trial.model.notes


def test_keys_without_a_place_are_counted_by_their_kind(tmp_path: Path) -> None:
    trial = Trial(ModelType.FLUX_DEV_1)
    strange = {f"lora_unet_strange_{number}.lora_down.weight": torch.zeros(1) for number in range(5)}
    trial.read({**trial.of(ModelFormat.KOHYA_LORA), **strange, "lora_unet_x.diff_b": torch.zeros(1)}, tmp_path)
    (note,) = trial.model.notes
    assert "6 of 75 keys in adapter.safetensors belong to no layer" in note
    told = adapter_losses(read_header(tmp_path / FILE), TrainConfig(model_type=ModelType.FLUX_DEV_1)) or ""
    for sentence in (note, told):
        assert "5 of lora_unet_strange_#, 1 of lora_unet_x.diff_b" in sentence


def test_an_adapter_most_of_which_has_no_place_is_for_another_model(tmp_path: Path) -> None:
    trial = Trial(ModelType.FLUX_DEV_1)
    own = dict(list(trial.of(ModelFormat.KOHYA_LORA).items())[:6])
    others = {f"lora_unet_strange_{number}.lora_down.weight": torch.zeros(1) for number in range(7)}
    with pytest.raises(WrongWeightsError, match=r"7 of 13 keys without a place in the model \(7 of lora_unet_strange"):
        trial.read({**own, **others}, tmp_path)
    # Text encoders may be left out of a run, however many keys theirs are.
    text = {f"lora_te2_{number}.lora_down.weight": torch.zeros(1) for number in range(7)}
    assert trial.read({**own, **text}, tmp_path)


@pytest.mark.parametrize("model_type", FAMILIES)
def test_no_name_means_two_layers(model_type: ModelType) -> None:
    """One in diffusers' names never means another layer in the original ones."""
    trial = Trial(model_type)
    own = {name.replace(".", "_") for name in trial.modules[trial.family.denoiser]}
    family: Family = trial.family
    for name in trial.modules[family.denoiser]:
        for model_format in (ModelFormat.KOHYA_LORA, ModelFormat.ORIGINAL_LORA, ModelFormat.COMFY_LORA):
            outside = family.names_in_adapters(model_format, family.denoiser, name, trial.model)
            assert {one.replace(".", "_") for one in outside}.isdisjoint(own - {name.replace(".", "_")}), outside
