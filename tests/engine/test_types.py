"""In which number formats the weights of a model are: the same, whichever of its files they come from."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.engine.conftest import Lab
from tests.engine.family_case import SAMPLE
from tests.engine.outcomes import losses
from tests.engine.test_families import CASES, make_lab, together

from onetrainer_web.config.architectures import BASE_KEY
from onetrainer_web.config.enums import ModelFormat, ModelType, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.loading import load_model
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.samples.drawing import draw
from onetrainer_web.engine.seams.interfaces import DrawRequest, Method, SaveTarget
from onetrainer_web.protocol.events import Warned, read_events

pytestmark = pytest.mark.slow
WHOLE = (ModelFormat.DIFFUSERS, ModelFormat.ORIGINAL_SINGLE_FILE)


@pytest.mark.parametrize(
    ("model_type", "dtype"),
    [
        together(ModelType.WAN_21, "BFLOAT_16"),
        together(ModelType.KREA_2, "BFLOAT_16"),  # diffusers keeps some weights of both in float32
        together(ModelType.CHROMA_1, "BFLOAT_16"),  # has constants that no file has
        together(ModelType.STABLE_DIFFUSION_35, "FLOAT_16"),  # transformers keeps some weights of T5 in float32
    ],
)
def test_a_model_is_the_same_from_each_of_its_files(tmp_path: Path, model_type: ModelType, dtype: str) -> None:
    known, case = facts(model_type), CASES[model_type]
    lab = Lab(tmp_path, case.make(tmp_path / "model"), {"model_type": model_type.value})
    settings = case.training("FINE_TUNE")
    parts = {part: {**settings.get(part, {}), "weight_dtype": dtype} for part in known.parts}
    settings = lab.settings(**{**settings, **parts, "train_dtype": dtype})
    first = load(lab, settings)
    for chosen in set(known.formats[TrainingMethod.FINE_TUNE]) - {ModelFormat.LEGACY_SAFETENSORS}:
        file = tmp_path / f"{chosen}.safetensors"
        first.save(SaveTarget(file, chosen, None, {BASE_KEY: str(lab.model)}))
        denoiser = {known.denoiser: {**settings[known.denoiser], "model_name": str(file)}}
        again = load(lab, settings | ({"base_model_name": str(file)} if chosen in WHOLE else denoiser))
        assert differences(first, again) == []


SHORT = ("BFLOAT_16", "FLOAT_16")


@pytest.mark.parametrize(
    "model_type",
    [
        together(ModelType.STABLE_DIFFUSION_XL_10_BASE),
        together(ModelType.STABLE_CASCADE_1),
        together(ModelType.FLUX_DEV_1),
    ],
)
def test_a_cpu_computes_with_weights_of_both_types_of_16_bits(tmp_path: Path, model_type: ModelType) -> None:
    case, known = CASES[model_type], facts(model_type)
    lab = make_lab(tmp_path, case.make(tmp_path / "model of its own"), model_type)
    settings = case.training("LORA", trains_text=True)
    # Each part in another type than those beside it, and one of them in that in which the forward pass computes.
    settings |= {
        part: {**settings.get(part, {}), "weight_dtype": SHORT[place % 2]} for place, part in enumerate(known.parts)
    }
    for train_dtype in SHORT:
        folder = lab.train(**settings, train_dtype=train_dtype, epochs=1)
        assert all(map(math.isfinite, losses(folder)))
        told = [event.message for event in read_events(folder.events) if isinstance(event, Warned)]
        assert [message.endswith("this run computes in float32.") for message in told] == [True]


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")  # torch tells how slow a CPU is
@pytest.mark.parametrize(
    "model_type",
    [together(ModelType.FLUX_DEV_1), together(ModelType.HI_DREAM_FULL), together(ModelType.WAN_21)],
)
def test_what_goes_beyond_float16_computes_in_the_type_that_is_set_for_it(
    tmp_path: Path, model_type: ModelType
) -> None:
    case, known = CASES[model_type], facts(model_type)
    lab = make_lab(tmp_path, case.make(tmp_path / "model of its own"), model_type)
    parts = {part: {"weight_dtype": "FLOAT_32"} for part in known.parts}
    settings = lab.settings(**{**parts, **case.training("LORA")}, train_dtype="FLOAT_16")
    seen: dict[str, set[torch.dtype]] = defaultdict(set)

    def note(part: str) -> Callable[..., None]:
        return lambda _layer, _inputs, output: seen[part].add(output.dtype)

    method = load(lab, settings)
    for part in (*(encoder.part for encoder in known.encoders), known.denoiser):
        for layer in method.model.module(part).modules():
            if type(layer) is torch.nn.Linear:
                layer.register_forward_hook(note(part))
    sample = SampleConfig.model_validate({**SAMPLE, **case.sample, "diffusion_steps": 1})
    draw(method.family, method.model, DrawRequest(sample, 1, lambda *_: None))
    beyond = known.beyond_float16
    assert beyond
    for part, types in seen.items():
        assert (torch.bfloat16 in types, torch.float16 in types) == (part in beyond, part not in beyond), part
    assert seen.keys() >= beyond


def load(lab: Lab, settings: Mapping[str, Any]) -> Method:
    """The method of a run, with its model."""
    reporter = Reporter(lab.workspace / "events.jsonl")
    method = load_model(TrainConfig.model_validate(settings), lambda path: lab.workspace / path, reporter).method
    reporter.close()
    return method


def differences(first: Method, second: Method) -> list[str]:
    """Names of weights that are of another type in the second, or have other values."""
    own, other = dict(weights_of(first)), dict(weights_of(second))
    assert own.keys() == other.keys()
    return [
        f"{name}: {own[name].dtype} {other[name].dtype}"
        for name in own
        if own[name].dtype != other[name].dtype or not torch.equal(own[name], other[name])
    ]


def weights_of(method: Method) -> Iterator[tuple[str, torch.Tensor]]:
    """All weights and constants of all networks."""
    for part, network in method.model.modules():
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            yield f"{part}.{name}", tensor
