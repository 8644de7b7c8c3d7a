"""Layers in fewer bits: how exact they are, that gradients pass, and that runs with them train, save and resume."""

from typing import Any

import pytest
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from tests.engine.conftest import Lab, start_of
from tests.engine.outcomes import losses
from torch import nn

from onetrainer_web.config.enums import KEPT_AS, PACKED_TYPES, DataType
from onetrainer_web.config.layer_filters import ALL_LAYERS, LayerFilter
from onetrainer_web.engine.loop.preparation import prepare
from onetrainer_web.engine.loop.warm_sampler import load_sampler
from onetrainer_web.engine.parts.frozen import FORMATS, PLAIN, FrozenLinear, park, quantize
from onetrainer_web.engine.seams.interfaces import Model
from onetrainer_web.protocol.events import Warned, read_events
from onetrainer_web.protocol.tasks import SampleTask

LARGEST_ERROR = {DataType.FLOAT_8: 2**-4, DataType.INT_8: 1 / 254, DataType.NFLOAT_4: 0.17}
"""Of a value, as a share of itself (three bits behind the point), of its row's and of its block's largest value."""
EACH_FORMAT = pytest.mark.parametrize("kept", LARGEST_ERROR)


def layer() -> nn.Linear:
    """A frozen layer with weights of the usual spread."""
    torch.manual_seed(1)
    return nn.Linear(128, 64).requires_grad_(False)


def test_the_types_are_those_that_loading_knows() -> None:
    assert set(FORMATS) == PACKED_TYPES
    assert {wide: FORMATS[wide] for wide in KEPT_AS} == {wide: FORMATS[kept] for wide, kept in KEPT_AS.items()}


@EACH_FORMAT
def test_expanded_weights_are_close(kept: DataType) -> None:
    plain = layer()
    packed = FrozenLinear(plain, FORMATS[kept])
    error = (packed.weight - plain.weight).abs()
    share = plain.weight.abs() if kept is DataType.FLOAT_8 else plain.weight.abs().max()
    assert float((error - LARGEST_ERROR[kept] * share).max()) <= 1e-3
    assert float(error.max()) > 0
    sizes = [tensor.numel() * tensor.element_size() for tensor in packed.buffers()]
    assert sum(sizes) < plain.weight.numel() * 4 / 3


@EACH_FORMAT
@pytest.mark.parametrize("shape", [(1, 2), (2, 1), (3, 5)])
def test_matrices_that_fill_no_byte_or_block_keep_their_shape(kept: DataType, shape: tuple[int, int]) -> None:
    plain = nn.Linear(shape[1], shape[0]).requires_grad_(False)
    packed = FrozenLinear(plain, FORMATS[kept])
    assert packed.weight.shape == plain.weight.shape
    assert packed.weight == pytest.approx(plain.weight, abs=float(plain.weight.abs().max()) / 5)


@EACH_FORMAT
def test_outputs_and_gradients_are_those_of_the_expanded_layer(kept: DataType) -> None:
    packed = FrozenLinear(layer(), FORMATS[kept])
    values = torch.randn(5, 3, 128, requires_grad=True)
    found = packed(values)
    (gradient,) = torch.autograd.grad(found.square().sum(), values)
    expected = nn.functional.linear(values, packed.weight, packed.bias)
    (expected_gradient,) = torch.autograd.grad(expected.square().sum(), values)
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.allclose(gradient, expected_gradient, atol=1e-4)


@EACH_FORMAT
def test_files_hold_the_expanded_matrix_and_moves_keep_the_packed_one(kept: DataType) -> None:
    packed = FrozenLinear(layer(), FORMATS[kept])
    before = packed.weight
    assert packed.state_dict().keys() == {"weight", "bias"}
    packed.to(torch.bfloat16)
    assert torch.equal(packed.weight, before)


def test_the_filter_chooses_layers() -> None:
    def packed(kept: LayerFilter) -> tuple[str | None, list[str]]:
        network = nn.ModuleDict({"attn": nn.Linear(8, 8), "feed": nn.Linear(8, 8), "conv": nn.Conv2d(1, 1, 1)})
        complaint = quantize(network, DataType.INT_8, kept)
        return complaint, [name for name, layer in network.items() if isinstance(layer, FrozenLinear)]

    assert packed(LayerFilter(("^at",), is_regex=True)) == (None, ["attn"])
    assert packed(ALL_LAYERS) == (None, ["attn", "feed"])
    complaint, chosen = packed(LayerFilter(("attn", "typo"), is_regex=False))
    assert chosen == ["attn"]
    assert complaint is not None
    assert "quantization.layer_filter: 'typo' fits no layer" in complaint


@pytest.mark.parametrize("kept", [PLAIN, FORMATS[DataType.INT_8]])
def test_parked_layers_stay_where_they_are_and_compute_the_same(kept: Any) -> None:
    parked, usual = FrozenLinear(layer(), kept, is_parked=True), FrozenLinear(layer(), kept)
    values = torch.randn(4, 128)
    assert torch.equal(parked(values), usual(values))
    parked.to("meta")
    usual.to("meta")
    assert {tensor.device.type for tensor in parked.buffers()} == {"cpu"}
    assert parked.bias.device.type == "meta"
    assert {tensor.device.type for tensor in usual.buffers()} == {"meta"}


def test_parking_spreads_over_the_network() -> None:
    network = nn.Sequential(*(nn.Linear(4, 4) for _ in range(8)))
    assert park(network, 0.5) == 4
    assert [type(module) for module in network] == [nn.Linear, FrozenLinear] * 4


def test_layers_that_wait_outside_change_nothing_that_is_learned(lab: Lab) -> None:
    off = {"offload_fraction": 0.7, "gradient_checkpointing": True, "activation_offloading": True}
    usual = {"gradient_checkpointing": True}
    assert losses(lab.train(unet=off)) == pytest.approx(losses(lab.train(unet=usual)), rel=1e-5)


@pytest.mark.parametrize("adapter", [{}, {"lora_decompose": True}, {"peft_type": "LOKR"}, {"peft_type": "OFT_2"}])
def test_adapters_train_on_weights_in_fewer_bits(lab: Lab, adapter: dict[str, Any]) -> None:
    plain = losses(lab.train(**adapter))
    for kept in LARGEST_ERROR:
        part = {"weight_dtype": kept.value, "gradient_checkpointing": False}
        packed = losses(lab.train(unet=part, **adapter))
        assert packed == pytest.approx(plain, rel=0.1), kept
        assert packed != plain, kept


def test_the_sampler_loads_the_model_that_the_trainer_trains(lab: Lab) -> None:
    part = {"weight_dtype": "INT_8", "offload_fraction": 0.5, "gradient_checkpointing": False}
    settings = {
        "unet": part,
        "text_encoder": {**part, "train": True},
        "quantization": {"layer_filter": "attn1"},
        "attention_mechanism": "FLASH",
        "force_circular_padding": True,
        "epochs": 1,
    }
    lora = str(next(lab.train(**settings).saves.glob("*.safetensors")))
    folder = lab.create(SampleTask, **settings, lora_model_name=lora)
    run = start_of(folder)
    trained, drawn = prepare(run, None).trained.model, load_sampler(run).model
    of_trainer = layers_of(trained)
    assert layers_of(drawn) == of_trainer
    assert num_bytes(drawn) == num_bytes(trained)
    kinds = [kind for kind, _, _ in of_trainer.values()]
    assert kinds.count(FrozenLinear) > 10
    assert any(issubclass(kind, BaseTunerLayer) for kind in kinds)
    said = [event.message for event in read_events(folder.events) if isinstance(event, Warned)]
    assert len(said) == 2
    assert said[0] == said[1]


def test_what_a_fine_tuning_leaves_alone_is_kept_in_fewer_bits(lab: Lab) -> None:
    few = {"weight_dtype": "INT_W8A8"}  # as INT_8
    parts = {"vae": few, "text_encoder": {**few, "train": False}}
    folder = lab.create(training_method="FINE_TUNE", output_model_format="DIFFUSERS", **parts)
    kinds = layers_of(prepare(start_of(folder), None).trained.model)
    assert {name.partition(".")[0] for name, (kind, _, _) in kinds.items() if kind is FrozenLinear} == parts.keys()


def num_bytes(model: Model) -> int:
    """What all weights and constants take."""
    networks = [network for _, network in model.modules()]
    return sum(own.nbytes for network in networks for own in (*network.parameters(), *network.buffers()))


def layers_of(model: Model) -> dict[str, tuple[type, Any, Any]]:
    """The kind of each layer, how it goes on at edges, and whether it waits in main memory."""
    return {
        f"{part}.{name}": (type(layer), getattr(layer, "padding_mode", None), vars(layer).get("_is_parked"))
        for part, network in model.modules()
        for name, layer in network.named_modules()
    }
