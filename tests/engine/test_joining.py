"""Files in which the original code joins layers: what goes in comes back, and diffusers reads the same change."""

from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.transformers.auraflow_transformer_2d import AuraFlowTransformer2DModel
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from safetensors.torch import load_file, save_file
from tests.engine.families.flux import CASES
from tests.engine.formulas import changed
from torch import nn

from onetrainer_web.config.adapter_keys import DOWN, LENGTHS, UP
from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.methods.lora import Lora
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError, WrongWeightsError
from onetrainer_web.engine.seams.interfaces import Family, Model, SaveTarget
from onetrainer_web.engine.seams.objectives import Objective
from onetrainer_web.engine.seams.places import naming_by
from onetrainer_web.engine.seams.precision import Precision
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.adapters import read_adapters, to_format
from onetrainer_web.engine.weights.flux_keys import FLUX_PLACES
from onetrainer_web.engine.weights.original_file import read_network, write_network

pytestmark = pytest.mark.slow

RANK = 3


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny FLUX.1."""
    return CASES[0].make(tmp_path_factory.mktemp("flux") / "model")


@pytest.fixture
def model(flux: Path) -> Model:
    """Its transformer, which is all that names need."""
    transformer = FluxTransformer2DModel.from_pretrained(flux, subfolder="transformer")
    precision: Any = Precision
    objective: Any = Objective
    return Model({"transformer": transformer}, precision, objective, "tiny")


def family() -> Family:
    """FLUX.1."""
    return family_of(ModelType.FLUX_DEV_1)


def random_adapters(model: Model) -> dict[str, Adapter]:
    """A LoRA of every linear layer."""
    torch.manual_seed(3)
    return {
        f"transformer.{name}": Adapter(
            {DOWN: torch.randn(RANK, layer.in_features), UP: 0.2 * torch.randn(layer.out_features, RANK)}, 2.0
        )
        for name, layer in model.module("transformer").named_modules()
        if isinstance(layer, nn.Linear)
    }


@pytest.mark.parametrize("unchanged", ["to_q", "to_k", "to_v"])
def test_a_part_that_learned_nothing_comes_back_like_the_others(model: Model, unchanged: str, tmp_path: Path) -> None:
    adapters = {key: own for key, own in random_adapters(model).items() if "blocks.0.attn.to_" in key}
    key = f"transformer.transformer_blocks.0.attn.{unchanged}"
    adapters[key] = Adapter({**adapters[key].weights, UP: torch.zeros(32, RANK)}, 2.0)
    save_file(to_format(adapters, ModelFormat.COMFY_LORA, family(), model, None), tmp_path / "lora.safetensors")
    modules = {"transformer": [key.removeprefix("transformer.") for key in adapters]}
    found = read_adapters(tmp_path / "lora.safetensors", modules, family(), model)
    assert found.keys() == adapters.keys()
    for name, own in adapters.items():
        assert torch.equal(found[name].weights[DOWN], own.weights[DOWN])
        assert torch.allclose(found[name].scale * found[name].weights[UP], own.scale * own.weights[UP])


def test_a_joined_lora_of_another_program_gives_each_part_its_rows(model: Model, tmp_path: Path) -> None:
    down, up = torch.randn(RANK, 32), torch.randn(96, RANK)
    key = "lora_unet_double_blocks_0_img_attn_qkv"
    tensors = {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up, f"{key}.alpha": torch.tensor(1.0)}
    save_file(tensors, tmp_path / "lora.safetensors")
    names = [f"transformer_blocks.0.attn.{name}" for name in ("to_q", "to_k", "to_v")]
    found = read_adapters(tmp_path / "lora.safetensors", {"transformer": names}, family(), model)
    for index, name in enumerate(names):
        own = found[f"transformer.{name}"]
        assert torch.equal(own.weights[DOWN], down)
        assert torch.equal(own.weights[UP], up[32 * index : 32 * (index + 1)])
        assert own.scale == pytest.approx(1 / RANK)


def read_joined(model: Model, weights: dict[str, torch.Tensor], folder: Path) -> dict[str, Adapter]:
    """What is read of an adapter of somebody else's on the joined query, key and value of the first block."""
    save_file({f"{JOINED}.{name}": own for name, own in weights.items()}, folder / "joined.safetensors")
    modules = {"transformer": [name for name, _ in model.module("transformer").named_modules()]}
    return read_adapters(folder / "joined.safetensors", modules, family(), model)


JOINED = "lora_unet_double_blocks_0_img_attn_qkv"
LORA = {DOWN: torch.randn(2, 32), UP: torch.randn(96, 2)}


def test_a_joined_dora_by_output_gives_each_part_its_rows(model: Model, tmp_path: Path) -> None:
    lengths = torch.rand(96, 1) + 0.5
    found = read_joined(model, {**LORA, LENGTHS: lengths}, tmp_path)
    parts = [found[f"transformer.transformer_blocks.0.attn.{name}"] for name in ("to_q", "to_k", "to_v")]
    whole = torch.randn(96, 32)
    joined = changed(whole, {**LORA, LENGTHS: lengths})
    apart = [changed(rows, part.weights) for rows, part in zip(whole.chunk(3), parts, strict=True)]
    assert torch.allclose(torch.cat(apart), joined, atol=1e-5)


@pytest.mark.parametrize(
    ("weights", "kind"),
    [
        ({**LORA, LENGTHS: torch.ones(1, 32)}, "LoRA with DoRA"),
        ({"lokr_w1": torch.ones(2, 2), "lokr_w2": torch.ones(48, 16)}, "LoKr"),
    ],
)
def test_what_nothing_does_to_each_part_is_refused_by_name(
    model: Model, weights: dict[str, torch.Tensor], kind: str, tmp_path: Path
) -> None:
    told = f"of the kind {kind} of the joined layers to_q and to_k and to_v of transformer.transformer_blocks.0.attn"
    with pytest.raises(WrongWeightsError, match=told):
        read_joined(model, weights, tmp_path)


def test_a_transformer_comes_back_from_its_file(model: Model, tmp_path: Path) -> None:
    transformer: Any = model.module("transformer")
    target = SaveTarget(tmp_path / "flux.safetensors", ModelFormat.ORIGINAL_TRANSFORMER, None, {})
    write_network(transformer, target, naming_by(FLUX_PLACES))
    found = read_network(target.path, transformer, [naming_by(FLUX_PLACES)]).state_dict()
    assert all(torch.equal(found[name], weight) for name, weight in transformer.state_dict().items())
    save_file({f"model.diffusion_model.{name}": own for name, own in load_file(target.path).items()}, target.path)
    assert read_network(target.path, transformer, [naming_by(FLUX_PLACES)]).state_dict().keys() == found.keys()
    save_file({"something": torch.zeros(1)}, target.path)
    with pytest.raises(WrongWeightsError, match="FluxTransformer2DModel"):
        read_network(target.path, transformer, [naming_by(FLUX_PLACES)])


def test_a_product_of_an_odd_number_of_blocks_is_refused_where_it_has_no_halves_to_swap() -> None:
    settings = {"model_type": "AURA_FLOW", "peft_type": "LOKR", "lokr_decompose_factor": 3}
    config = TrainConfig.model_validate({**settings, "output_model_format": "COMFY_LORA"})
    nothing: Any = None
    transformer = AuraFlowTransformer2DModel(
        num_mmdit_layers=1,
        num_single_dit_layers=1,
        attention_head_dim=6,
        num_attention_heads=2,
        joint_attention_dim=8,
        caption_projection_dim=12,
        pos_embed_max_size=64,
    )
    model = Model({"transformer": transformer}, nothing, nothing, "tiny")
    method = Lora(family_of(ModelType.AURA_FLOW), model, config, Path)
    method.prepare(None)
    with pytest.raises(UnsupportedSettingError, match=r"3 blocks.*norm_out.*It can do: DIFFUSERS_LORA\."):
        method.check_output()
