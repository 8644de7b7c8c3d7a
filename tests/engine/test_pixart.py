"""What is special about PixArt: it predicts a variance behind the noise."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.engine.conftest import Lab
from tests.engine.families.pixart import CASES

pytestmark = pytest.mark.slow


def test_the_variance_learns_by_its_own_loss_alone(lab: Lab) -> None:
    sigma = CASES[-1]
    model = sigma.make(lab.workspace / "sigma")
    settings = sigma.training("FINE_TUNE") | {"optimizer": {"optimizer": "ADAM"}, "epochs": 1}
    before = last_layer(model)

    def trained(strength: float) -> torch.Tensor:
        folder = lab.train(
            **settings,
            model_type=sigma.model_type.value,
            base_model_name=str(model),
            vb_loss_strength=strength,
            output_model_destination=f"results/{strength}",
        )
        return last_layer(folder.workspace / "results" / str(strength))

    without, with_it = trained(0.0), trained(1.0)
    assert torch.equal(without[..., 4:], before[..., 4:])
    assert not torch.equal(without[..., :4], before[..., :4])
    assert not torch.isclose(with_it[..., 4:], before[..., 4:]).any()


def last_layer(model: Path) -> torch.Tensor:
    """Biases of the transformer's last layer: the channels of noise, then those of its variance, of a patch."""
    weights = load_file(model / "transformer" / "diffusion_pytorch_model.safetensors")
    return weights["proj_out.bias"].view(2, 2, 8)
