"""Files of other programs: what they hold is taken as they mean it, and what is not understood is named."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tests.engine.conftest import Lab
from tests.engine.families.flux import flux_parts
from torch import Tensor, nn

from onetrainer_web.engine.runtime.errors import WrongWeightsError
from onetrainer_web.engine.seams.places import naming_by, to_places
from onetrainer_web.engine.weights.flux_keys import FLUX_PLACES
from onetrainer_web.engine.weights.original_file import read_network
from onetrainer_web.engine.weights.scaled import unscaled
from onetrainer_web.engine.weights.tensor_file import read_tensors
from onetrainer_web.protocol.events import Saved, Warned, read_events

FP8 = torch.float8_e4m3fn
NAMING = naming_by(FLUX_PLACES)
Tensors = dict[str, Tensor]


@pytest.fixture(scope="module")
def transformer() -> nn.Module:
    return flux_parts()["transformer"]


def by_tensor(name: str, scale: str) -> Callable[[str, Tensor], Tensors]:
    """A layer in fp8 with one scale, which is no power of two."""

    def store(layer: str, weight: Tensor) -> Tensors:
        factor = weight.abs().max() / 300
        return {f"{layer}.weight": (weight / factor).to(FP8), f"{layer}.{name}": factor, f"{layer}.{scale}": factor * 7}

    return store


def by_row(layer: str, weight: Tensor) -> Tensors:
    factors = weight.abs().amax(1, keepdim=True) / 100
    return {f"{layer}.weight": (weight / factors).round().to(torch.int8), f"{layer}.weight_scale": factors}


def described(layer: str, weight: Tensor) -> Tensors:
    text = torch.tensor(list(json.dumps({"format": "float8_e4m3fn"}).encode()), dtype=torch.uint8)
    return by_tensor("weight_scale", "input_scale")(layer, weight) | {f"{layer}.comfy_quant": text}


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize(
    "store", [by_tensor("scale_weight", "scale_input"), described, by_row], ids=["old", "new", "by row"]
)
def test_weights_beside_a_scale_are_multiplied_by_it(
    tmp_path: Path, transformer: nn.Module, store: Callable[[str, Tensor], Tensors], prefix: str
) -> None:
    whole = to_places(transformer.state_dict(), NAMING)
    stored: Tensors = {"scaled_fp8": torch.zeros(2).to(FP8)}
    for name, weight in whole.items():
        is_layer = name.endswith(".weight") and weight.ndim == 2
        stored |= store(name.removesuffix(".weight"), weight) if is_layer else {name: weight}
    found = to_places(read_network(write(tmp_path, stored, prefix), transformer, [NAMING]).state_dict(), NAMING)
    for name, weight in whole.items():
        assert (found[name] - weight).abs().max() <= 0.13 * weight.abs().max(), name


def test_a_scale_of_each_block_counts_for_its_rows_and_columns() -> None:
    weight, scale = torch.ones(300, 200).to(torch.float8_e5m2), torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    tensors = {"to_q.weight": weight, "to_q.weight_scale_inv": scale, "norm.weight": torch.ones(2)}
    found = unscaled(Path("file"), tensors, torch.float32)
    assert found.keys() == {"to_q.weight", "norm.weight"}
    assert [found["to_q.weight"][row, column] for row, column in ((127, 127), (128, 128), (299, 0))] == [1, 4, 5]


@pytest.mark.parametrize(
    "changed",
    [
        {"img_in.weight": torch.zeros(4, 2, dtype=torch.uint8), "img_in.weight_scale": torch.zeros(4).to(FP8)},
        {"img_in.weight": torch.zeros(4, 2).to(FP8), "img_in.weight_scale": torch.zeros(4, dtype=torch.uint8)},
    ],
    ids=["two numbers in a byte", "scales in a byte"],
)
def test_packed_weights_are_refused_by_their_layer(tmp_path: Path, transformer: nn.Module, changed: Tensors) -> None:
    file = write(tmp_path, to_places(transformer.state_dict(), NAMING) | changed)
    with pytest.raises(WrongWeightsError, match="the layer img_in as .* but a file in fp8, bf16, fp16 or fp32"):
        read_network(file, transformer, [NAMING])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"format": "mxfp8"}, "the layer img_in as mxfp8"),
        ({"format": "int8_tensorwise", "convrot": True}, "as int8_tensorwise with convrot"),
        ({"format": "int8_tensorwise", "params": {"convrot": True}}, "as int8_tensorwise with convrot"),
        ("{", "a description of its scales that cannot be read"),
    ],
)
@pytest.mark.parametrize("is_beside", [True, False], ids=["beside it", "in the metadata"])
def test_weights_that_a_scale_alone_does_not_lead_back_to_are_refused(
    tmp_path: Path, transformer: nn.Module, told: Mapping[str, object] | str, expected: str, is_beside: bool
) -> None:
    tensors = to_places(transformer.state_dict(), NAMING) | by_row(
        "img_in", transformer.get_parameter("x_embedder.weight")
    )
    text = told if isinstance(told, str) else json.dumps(told if is_beside else {"layers": {"img_in": told}})
    if is_beside:
        tensors["img_in.comfy_quant"] = torch.tensor(list(text.encode()), dtype=torch.uint8)
    file = write(tmp_path, tensors, metadata={} if is_beside else {"_quantization_metadata": text})
    with pytest.raises(WrongWeightsError, match=expected):
        read_network(file, transformer, [NAMING])


@pytest.mark.parametrize("prefix", ["", "diffusion_model."])
def test_a_denoiser_with_more_than_its_class_knows_is_refused(
    tmp_path: Path, transformer: nn.Module, prefix: str
) -> None:
    whole = to_places(transformer.state_dict(), NAMING)
    more = {f"double_blocks.{number}.img_attn.proj.weight": torch.zeros(2) for number in range(7, 12)}
    with pytest.raises(WrongWeightsError, match=re.escape("holds 5 tensors that have no place in a Flux")):
        read_network(write(tmp_path, whole | more, prefix), transformer, [NAMING])
    beside = {"text_encoders.t5xxl.weight": torch.zeros(1), "vae.decoder.weight": torch.zeros(1)}
    file = write(tmp_path, {f"{prefix}{name}": tensor for name, tensor in whole.items()} | beside)
    assert read_network(file, transformer, [NAMING]).state_dict().keys() == transformer.state_dict().keys()


def write(
    folder: Path, tensors: Mapping[str, Tensor], prefix: str = "", metadata: Mapping[str, str] | None = None
) -> Path:
    path = folder / "foreign.safetensors"
    named = {f"{prefix}{name}": tensor.contiguous().clone() for name, tensor in tensors.items()}
    save_file(named, path, dict(metadata or {}))
    return path


def test_what_a_whole_model_holds_besides_is_named(lab: Lab) -> None:
    tuned = lab.train(training_method="FINE_TUNE", learning_rate=0, epochs=1, output_model_format="SAFETENSORS")
    (saved,) = (event for event in read_events(tuned.events) if isinstance(event, Saved))
    tensors, metadata = read_tensors(tuned.path / saved.path, "a model")
    usual = {"model_ema.decay": torch.ones(1), "alphas_cumprod": torch.ones(4)}
    deeper = {"cond_stage_model.transformer.text_model.encoder.layers.99.mlp.fc1.bias": torch.ones(1)}
    strange = {"strange.weight": torch.ones(1), "first_stage_model.strange.weight": torch.ones(1)}
    # In the run's folder, which tells where the tokenizer lies: for others the hub is asked, with many retries.
    file = (tuned.path / saved.path).with_name("merged.safetensors")
    save_file(tensors | usual | deeper | strange, file, metadata)
    folder = lab.train(base_model_name=str(file), epochs=1)
    notes = [event.message for event in read_events(folder.events) if isinstance(event, Warned)]
    assert [note for note in notes if "merged.safetensors" in note] == [
        "2 tensors of merged.safetensors belong to no part of this model and are not used: "
        "first_stage_model.strange.weight, strange.weight."
    ]
