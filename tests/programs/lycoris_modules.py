"""Modules of LyCORIS on the layers of a small model: what they make of our files, and files of their own."""

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from tests.engine.test_merged_weights import MODELS, Trained
from torch import Tensor, nn

_PREFIX = "lora_unet_"
_MADE: Mapping[str, tuple[str, dict[str, Any]]] = {
    "LoCon": ("locon.LoConModule", {}),
    "LoCon, rank-stabilised": ("locon.LoConModule", {"rs_lora": True}),
    "LoCon with lengths by input": ("locon.LoConModule", {"weight_decompose": True, "wd_on_out": False}),
    "LoCon with lengths by output": ("locon.LoConModule", {"weight_decompose": True}),
    "LoHa": ("loha.LohaModule", {}),
    "LoKr": ("lokr.LokrModule", {"factor": -1}),
    "LoKr of whole factors": ("lokr.LokrModule", {"factor": 4, "full_matrix": True}),
    "LoKr with lengths": ("lokr.LokrModule", {"factor": -1, "weight_decompose": True}),
}
"""Its classes, and what they are told."""


class Lycoris:
    """Reads, and writes, as LyCORIS does."""

    families = ("stable_diffusion",)
    unlike = ("dora", "oft")
    """Kinds that its loader does not know: lengths by input, and rotations of inputs."""

    def __init__(self, checkout: Path) -> None:
        sys.path.insert(0, str(checkout))

    def merged(self, trained: Trained, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The weights of a denoiser as its modules change them."""
        from lycoris.modules import get_module, make_module

        merged = dict(trained.weights)
        for name in trained.layers:
            flat, weight = _PREFIX + name.replace(".", "_"), trained.weights[f"{name}.weight"]
            kind, weights = get_module(dict(tensors), flat)
            layer = _layer(weight)
            make_module(kind, weights, flat, layer).apply_to()
            merged[f"{name}.weight"] = _weight_of(layer)
        return merged

    def trained(self) -> Iterator[tuple[str, Trained, dict[str, Tensor], dict[str, Tensor]]]:
        """Files of its own, each with the weights that it makes of a model."""
        for label, (path, told) in _MADE.items():
            trained = Trained(MODELS["stable_diffusion"], "lora")
            file, name = path.split(".")
            kind = getattr(import_module(f"lycoris.modules.{file}"), name)
            tensors: dict[str, Tensor] = {}
            expected = dict(trained.weights)
            for layer in trained.layers:
                flat = _PREFIX + layer.replace(".", "_")
                changed = _layer(trained.weights[f"{layer}.weight"])
                module = kind(flat, changed, lora_dim=4, alpha=2.0, **told)
                for key, own in module.named_parameters():
                    own.data += 0.05 * torch.randn(own.shape) if "org_module" not in key else 0.0
                own = module.custom_state_dict() or module.state_dict()
                tensors |= {f"{flat}.{key}": tensor.detach().float().clone() for key, tensor in own.items()}
                module.apply_to()
                expected[f"{layer}.weight"] = _weight_of(changed)
            yield label, trained, tensors, expected


def _layer(weight: Tensor) -> nn.Module:
    outputs, inputs, *kernel = weight.shape
    layer: Any = nn.Conv2d(inputs, outputs, kernel[0], bias=False) if kernel else nn.Linear(inputs, outputs, bias=False)
    layer.weight.data = weight.clone()
    return layer


@torch.no_grad()
def _weight_of(layer: nn.Module) -> Tensor:
    """What a layer with a module of LyCORIS does, as the weight of one without: what each single input gives."""
    shape = layer.weight.shape
    inputs = torch.eye(shape[1:].numel()).view(-1, *shape[1:])
    return layer(inputs).flatten(1).T.reshape(shape)
