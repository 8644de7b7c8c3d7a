"""The kinds of adapters that peft can put on layers, and what each of them needs to be told.

Inside, the weights of an adapter have the names that OneTrainer and LyCORIS give them in files.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from peft import LoHaConfig, LoKrConfig, LoraConfig, OFTConfig, PeftConfig
from peft.mapping import inject_adapter_in_model
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

from onetrainer_web.config.enums import PeftType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.methods.decomposition import MAGNITUDE, NAME, decompose
from onetrainer_web.engine.runtime.randomness import torch_generator


class AdapterKind(ABC):
    """How one kind of adapter is made, started and stored."""

    strength: Sequence[str] = ()
    """Weights of which the change is a multiple; the first one that a layer has takes up another scale."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config

    def fits(self, layer: nn.Module) -> bool:
        """Whether a layer can have such an adapter. No program can merge one into a grouped convolution."""
        return isinstance(layer, nn.Linear) or isinstance(layer, nn.Conv2d) and layer.groups == 1

    def add(self, part: str, network: nn.Module, targets: Sequence[str], dtype: torch.dtype) -> dict[str, Any]:
        """Put adapters that change nothing yet on layers of a network.

        Each layer starts from its own seed: equal in every run, whatever other layers are chosen.

        Returns:
            The new layers by `<part>.<module path>`.
        """
        pattern = "|".join(re.escape(target) for target in targets)
        inject_adapter_in_model(self.describe(pattern), network, adapter_name=NAME)
        found: dict[str, Any] = {
            f"{part}.{name}": layer for name, layer in network.named_modules() if isinstance(layer, BaseTunerLayer)
        }
        for key, layer in found.items():
            self.finish(layer)
            weights = self.weights(layer)
            for name, weight in weights.items():
                weight.data = weight.data.to(dtype)
                if name != MAGNITUDE:
                    self._start(key, name, weight)
                weight.requires_grad_(True)
        return found

    @abstractmethod
    def describe(self, targets: str) -> PeftConfig:
        """What peft is told."""

    @abstractmethod
    def start_of(self, name: str) -> Callable[[Tensor, torch.Generator], object] | None:
        """How a weight is drawn at the start; None leaves it at zero, so that the adapter changes nothing yet."""

    @abstractmethod
    def weights(self, layer: Any) -> dict[str, nn.Parameter]:
        """What learns of a layer, by the names of files."""

    def finish(self, layer: Any) -> None:
        """Do what peft does not do."""
        del layer

    def alpha(self, layer: Any) -> float | None:
        """What a file has to say for the layer to come out as strong as it is here; None says nothing."""
        del layer
        return self.config.lora_alpha

    def applied(self, layer: Any) -> dict[str, Tensor]:
        """The weights as other programs apply them."""
        return {name: weight.detach() for name, weight in self.weights(layer).items()}

    @torch.no_grad()
    def take_up(self, layer: Any, scale: float) -> None:
        """Make weights that were copied from a file of some `scale` as strong here as they are there."""
        weights = self.weights(layer)
        for name in [name for name in self.strength if name in weights][:1]:
            weights[name].mul_(scale / layer.scaling[NAME])

    @torch.no_grad()
    def _start(self, key: str, name: str, weight: nn.Parameter) -> None:
        weight.zero_()
        draw = self.start_of(name)
        if draw:
            drawn = torch.empty_like(weight, dtype=torch.float32, device="cpu")
            # The plain LoRA draws one matrix a layer; its seed has no name of a weight in it.
            purpose = ("lora", key) if name == "lora_down.weight" else ("adapter", key, name)
            draw(drawn, torch_generator("cpu", *purpose))
            weight.copy_(drawn)


class Lora(AdapterKind):
    """Two thin matrices, up · down (Hu et al. 2021), with DoRA a length for each channel beside (Liu et al. 2024)."""

    strength = ("lora_up.weight",)

    def describe(self, targets: str) -> LoraConfig:
        """Rank, alpha, dropout of what goes in."""
        config = self.config
        return LoraConfig(
            r=config.lora_rank,
            lora_alpha=config.lora_alpha,  # pyright: ignore[reportArgumentType] - fractions work too
            lora_dropout=config.dropout_probability,
            target_modules=targets,
        )

    def start_of(self, name: str) -> Callable[[Tensor, torch.Generator], object] | None:
        """The first matrix is drawn, the second one zero."""
        return _draw_uniform if name == "lora_down.weight" else None

    def weights(self, layer: Any) -> dict[str, nn.Parameter]:
        """Both matrices, and the lengths of DoRA."""
        matrices = {"lora_down.weight": layer.lora_A[NAME].weight, "lora_up.weight": layer.lora_B[NAME].weight}
        return matrices | _magnitude(layer)

    def finish(self, layer: Any) -> None:
        """DoRA: peft's own knows neither lengths by input nor the tiny number."""
        config = self.config
        if config.lora_decompose:
            decompose(
                layer,
                per_output=config.lora_decompose_output_axis,
                is_guarded=config.lora_decompose_norm_epsilon,
                dropout=config.dropout_probability,
            )


class _Lycoris(AdapterKind):
    """Kinds that LyCORIS has brought up; dropout leaves out whole layers."""

    def weights(self, layer: Any) -> dict[str, nn.Parameter]:
        """Those that this layer has."""
        holders: dict[str, Any] = {name: getattr(layer, name) for name in layer.adapter_layer_names}
        return {name: holder[NAME] for name, holder in holders.items() if NAME in holder} | _magnitude(layer)


class Loha(_Lycoris):
    """The product, element by element, of two changes of low rank (Hyeon-Woo et al. 2022)."""

    strength = ("hada_w2_a",)

    def describe(self, targets: str) -> LoHaConfig:
        """Rank, alpha, dropout."""
        config = self.config
        return LoHaConfig(
            r=config.lora_rank,
            alpha=config.lora_alpha,  # pyright: ignore[reportArgumentType] - fractions work too
            module_dropout=config.dropout_probability,
            target_modules=targets,
        )

    def start_of(self, name: str) -> Callable[[Tensor, torch.Generator], object] | None:
        """As in LyCORIS: the first change is drawn, the second one begins at zero."""
        spread = {"hada_w1_a": 0.1, "hada_w1_b": 1.0, "hada_w2_b": 1.0}.get(name)
        return (lambda weight, generator: weight.normal_(std=spread, generator=generator)) if spread else None


class Lokr(_Lycoris):
    """The Kronecker product of a small and a larger factor, which may be of low rank itself (Yeh et al. 2024)."""

    strength = ("lokr_w1", "lokr_w1_a")

    def describe(self, targets: str) -> LoKrConfig:
        """Dimension, alpha, dropout and how a weight is split."""
        config = self.config
        return LoKrConfig(
            r=2**31 if config.lokr_full_matrix else config.lokr_dim,
            alpha=config.lora_alpha,  # pyright: ignore[reportArgumentType] - fractions work too
            module_dropout=config.dropout_probability,
            decompose_both=config.lokr_decompose_both,
            decompose_factor=config.lokr_decompose_factor,
            use_effective_conv2d=config.lokr_use_tucker,
            target_modules=targets,
        )

    def finish(self, layer: Any) -> None:
        """Whole factors have no rank, so every program applies them unscaled; lengths apart as in DoRA."""
        if not self._has_rank(layer):
            layer.scaling[NAME] = 1.0
        if self.config.lokr_weight_decompose:
            decompose(layer, per_output=self.config.lokr_dora_on_output, is_guarded=True, dropout=0.0)

    def alpha(self, layer: Any) -> float:
        """Alpha, or what reads as a scale of 1."""
        return self.config.lora_alpha if self._has_rank(layer) else float(self.config.lokr_dim)

    def start_of(self, name: str) -> Callable[[Tensor, torch.Generator], object] | None:
        """As in LyCORIS: the second factor begins at zero."""
        return None if name in ("lokr_w2", "lokr_w2_b") else _draw_uniform

    def _has_rank(self, layer: Any) -> bool:
        return bool({"lokr_w1_a", "lokr_w2_a"} & self.weights(layer).keys())


class Oft(AdapterKind):
    """Rotations of blocks of a layer's inputs, by Cayley's transform in five terms (Qiu et al. 2025)."""

    def fits(self, layer: nn.Module) -> bool:
        """Linear layers and pointwise convolutions: of larger kernels the inputs overlap."""
        is_pointwise = not isinstance(layer, nn.Conv2d) or layer.kernel_size == (1, 1)
        return super().fits(layer) and is_pointwise

    def add(self, part: str, network: nn.Module, targets: Sequence[str], dtype: torch.dtype) -> dict[str, Any]:
        """Without peft's warnings: that a block size is fitted to a layer is what the setting promises."""
        import warnings

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Invalid `oft_block_size`")
            return super().add(part, network, targets, dtype)

    def describe(self, targets: str) -> OFTConfig:
        """Size of the blocks, and whether they share a rotation."""
        config = self.config
        return OFTConfig(
            r=0,
            oft_block_size=config.oft_block_size,
            block_share=config.oft_block_share,
            module_dropout=config.dropout_probability,
            target_modules=targets,
        )

    def finish(self, layer: Any) -> None:
        """Rotate inputs of any number of axes, with less weight in larger blocks if that is asked for."""
        rotation = layer.oft_R[NAME]
        if isinstance(layer.get_base_layer(), nn.Linear):
            # Peft takes an input of four axes for the pictures of a convolution.
            rotate = rotation.forward
            rotation.forward = lambda x: rotate(x.flatten(0, -2)).view(x.shape)
        if self.config.oft_scaled:
            factor = 1 / (2 * math.sqrt(max(rotation.block_size - 1, 1)))
            register_parametrization(rotation, "weight", _Scaled(factor))

    def start_of(self, name: str) -> Callable[[Tensor, torch.Generator], object] | None:
        """No rotation."""
        del name
        return None

    def weights(self, layer: Any) -> dict[str, nn.Parameter]:
        """The upper halves of the blocks."""
        rotation = layer.oft_R[NAME]
        return {
            "oft_R.weight": rotation.parametrizations.weight.original if self.config.oft_scaled else rotation.weight
        }

    def applied(self, layer: Any) -> dict[str, Tensor]:
        """With the scale in them, of which no other program knows."""
        return {"oft_R.weight": layer.oft_R[NAME].weight.detach()}

    @torch.no_grad()
    def take_up(self, layer: Any, scale: float) -> None:
        """Take the scale out of them."""
        del scale
        rotation = layer.oft_R[NAME]
        if self.config.oft_scaled:
            rotation.weight = rotation.parametrizations.weight.original.clone()

    def alpha(self, layer: Any) -> None:
        """A rotation has no strength."""


class _Scaled(nn.Module):
    """Multiplies a weight by a constant where it is used."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self._factor = factor

    def forward(self, weight: Tensor) -> Tensor:
        """The weight as it is used."""
        return weight * self._factor

    def right_inverse(self, weight: Tensor) -> Tensor:
        """The weight as it learns."""
        return weight / self._factor


KINDS: Mapping[PeftType, type[AdapterKind]] = MappingProxyType(
    {PeftType.LORA: Lora, PeftType.LOHA: Loha, PeftType.LOKR: Lokr, PeftType.OFT_2: Oft}
)


def _draw_uniform(weight: Tensor, generator: torch.Generator) -> None:
    nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)


def _magnitude(layer: Any) -> dict[str, nn.Parameter]:
    found = getattr(layer, MAGNITUDE, None)
    return {} if found is None else {MAGNITUDE: found}
