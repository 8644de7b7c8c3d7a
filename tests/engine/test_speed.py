"""What makes runs faster or smaller changes nothing that is learned, or says why it is left out."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry
from diffusers.models.modeling_utils import ModelMixin
from tests.engine.conftest import Lab
from tests.engine.families.flux import CASES
from tests.engine.outcomes import events
from torch import nn

from onetrainer_web.config.enums import AttentionMechanism
from onetrainer_web.engine.parts.speed import activations_wait_outside, compile_blocks, set_attention
from onetrainer_web.protocol.events import Warned


@pytest.fixture(autouse=True)
def usual_backend() -> Iterator[None]:
    """diffusers keeps the chosen kernel for the whole process."""
    yield
    _AttentionBackendRegistry.set_active_backend(AttentionBackendName.NATIVE)


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny one whose attention can be switched."""
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel

    return FluxTransformer2DModel.from_pretrained(
        CASES[0].make(tmp_path_factory.mktemp("flux") / "flux"), subfolder="transformer"
    )


def test_attention_is_switched_where_the_network_can(transformer: Any) -> None:
    assert set_attention(transformer, AttentionMechanism.FLEX) is None
    used = {part.processor._attention_backend.value for part in transformer.modules() if hasattr(part, "processor")}
    assert used == {"flex"}


def test_attention_that_cannot_be_switched_says_so(transformer: Any, lab: Lab) -> None:
    assert "flash" in (set_attention(transformer, AttentionMechanism.FLASH) or "").lower()
    assert "NVIDIA" in (set_attention(transformer, AttentionMechanism.CUDNN) or "")
    found = events(lab.train(attention_mechanism="FLEX", epochs=1))
    assert any("UNet2DConditionModel knows no other" in event.message for event in found if isinstance(event, Warned))


def test_no_step_looks_through_a_network_for_its_type(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """diffusers goes through all layers whenever it is asked, while the device has nothing to do."""
    asked: list[str] = []
    look: Any = ModelMixin.dtype.fget
    monkeypatch.setattr(
        ModelMixin, "dtype", property(lambda network: asked.append(type(network).__name__) or look(network))
    )
    counts: list[int] = []
    for num_epochs in (1, 3):
        asked.clear()
        lab.train(epochs=num_epochs)
        counts.append(len(asked))
    assert counts[0] == counts[1] > 0


class Block(nn.Module):
    """Something small to translate."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return torch.tanh(values) * 2


class Blocks(nn.Sequential):
    """A network that names its repeated blocks, as those of diffusers do."""

    _repeated_blocks = ("Block",)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch warns within itself
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
def test_translated_blocks_compute_the_same() -> None:
    network, values = Blocks(Block(), Block()), torch.linspace(-1, 1, 8, requires_grad=True)
    expected = network(values)
    assert compile_blocks(network) is None
    assert torch.allclose(network(values), expected)
    assert all(block._compiled_call_impl is not None for block in network)


def test_networks_without_repeated_blocks_are_named() -> None:
    assert "Linear" in (compile_blocks(nn.Linear(1, 1)) or "")


def test_activations_come_back_as_they_were() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
    values = torch.randn(3, 4)
    expected = torch.autograd.grad(network(values).sum(), list(network.parameters()))
    with activations_wait_outside():
        result = network(values).sum()
    found = torch.autograd.grad(result, list(network.parameters()))
    assert all(torch.equal(own, other) for own, other in zip(found, expected, strict=True))
