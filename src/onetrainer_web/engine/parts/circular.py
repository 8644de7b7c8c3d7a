"""Pictures without edges: convolutions that go on at the other side, so that results can be laid side by side."""

from collections.abc import Iterable

from torch import nn

from onetrainer_web.config.families import facts
from onetrainer_web.config.training import TrainConfig


def wraps_edges(config: TrainConfig) -> bool:
    """Whether pictures have no edges; only some model types know that."""
    return config.force_circular_padding and facts(config.model_type).has_circular_padding


def wrap_edges(networks: Iterable[nn.Module]) -> None:
    """Let all convolutions of networks, those of adapters too, go on at the other side of the picture."""
    for network in networks:
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                module.padding_mode = "circular"
