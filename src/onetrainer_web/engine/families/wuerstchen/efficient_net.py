"""The picture encoder of Würstchen and Stable Cascade: EfficientNetV2-S (Tan and Le 2021, table 4) and a mapper.

Modules have the names of the published files, which were made with torchvision's `efficientnet_v2_s`.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from huggingface_hub import hf_hub_download
from huggingface_hub.errors import EntryNotFoundError
from torch import Tensor, nn

from onetrainer_web.engine.runtime.errors import WrongWeightsError
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights import hub
from onetrainer_web.engine.weights.diffusers_folder import load_network
from onetrainer_web.engine.weights.tensor_file import read_tensors

STAGES = (
    (1, 1, 24, 2, True),
    (4, 2, 48, 4, True),
    (4, 2, 64, 4, True),
    (4, 2, 128, 6, False),
    (6, 1, 160, 9, False),
    (6, 2, 256, 15, False),
)
"""Of each stage: how far blocks widen, the stride of the first, channels, number of blocks, whether they are fused."""
PUBLISHED_FILE = "effnet_encoder.safetensors"
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's colours in [0, 1]."""
_SHARE = 3 / 4
"""Of the sides of a picture that the network sees."""


class EfficientNetEncoder(ModelMixin, ConfigMixin):
    """Pictures in, latents of a 32nd of their sides out."""

    @register_to_config
    def __init__(
        self,
        c_latent: int = 16,
        c_cond: int = 1280,
        stages: Sequence[Sequence[int]] = STAGES,
        latent_mean: float = 1.0,
        latent_std: float = 0.0,
    ) -> None:
        """Make it.

        Args:
            c_latent: Channels of the latents.
            c_cond: Channels in front of the mapper.
            stages: See `STAGES`.
            latent_mean: What latents are divided by, behind the addition.
            latent_std: What is added to them; both as diffusers calls them in the pipeline that undoes it.
        """
        super().__init__()
        del latent_mean, latent_std  # settings of `encode_pictures`
        channels = stages[0][2]
        layers: list[nn.Module] = [_convolution(3, channels, 3, stride=2)]
        for widening, stride, width, num_blocks, is_fused in stages:
            kind = _FusedBlock if is_fused else _Block
            inputs = [channels] + [width] * (num_blocks - 1)
            strides = [stride] + [1] * (num_blocks - 1)
            blocks = [kind(own, width, widening, step) for own, step in zip(inputs, strides, strict=True)]
            layers.append(nn.Sequential(*blocks))
            channels = width
        layers.append(_convolution(channels, c_cond, 1))
        self.backbone = nn.Sequential(*layers)
        self.mapper = nn.Sequential(nn.Conv2d(c_cond, c_latent, 1, bias=False), nn.BatchNorm2d(c_latent))

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Latents of normalised pictures."""
        return self.mapper(self.backbone(pixels_BCHW))


class _Gate(nn.Module):
    """Weighs channels by what the whole picture has of them (squeeze and excitation, Hu et al. 2018)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)

    def forward(self, hidden: Tensor) -> Tensor:
        whole = hidden.mean((2, 3), keepdim=True)
        return hidden * torch.sigmoid(self.fc2(F.silu(self.fc1(whole))))


class _Residual(nn.Module):
    """Layers that add to what goes in, where its size stays."""

    def __init__(self, layers: Sequence[nn.Module], *, adds: bool) -> None:
        super().__init__()
        self.block = nn.Sequential(*layers)
        self._adds = adds

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + self.block(hidden) if self._adds else self.block(hidden)


class _FusedBlock(_Residual):
    """Fused-MBConv."""

    def __init__(self, inputs: int, outputs: int, widening: int, stride: int) -> None:
        wide = inputs * widening
        layers = [_convolution(inputs, wide if widening > 1 else outputs, 3, stride=stride)]
        if widening > 1:
            layers.append(_convolution(wide, outputs, 1, activates=False))
        super().__init__(layers, adds=stride == 1 and inputs == outputs)


class _Block(_Residual):
    """MBConv."""

    def __init__(self, inputs: int, outputs: int, widening: int, stride: int) -> None:
        wide = inputs * widening
        layers = [
            _convolution(inputs, wide, 1),
            _convolution(wide, wide, 3, stride=stride, groups=wide),
            _Gate(wide, max(1, inputs // 4)),
            _convolution(wide, outputs, 1, activates=False),
        ]
        super().__init__(layers, adds=stride == 1 and inputs == outputs)


def _convolution(
    inputs: int, outputs: int, side: int, *, stride: int = 1, groups: int = 1, activates: bool = True
) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False)
    layers = [convolution, nn.BatchNorm2d(outputs, eps=1e-3)]
    return nn.Sequential(*layers, *([nn.SiLU()] if activates else []))


def encode_pictures(encoder: EfficientNetEncoder, pixels_BCHW: Tensor) -> Tensor:
    """Latents of pictures in [-1, 1], float32, of 3/128 of their sides; nothing is drawn at random."""
    mean, deviation = (torch.tensor(own).view(3, 1, 1) for own in (_MEAN, _DEVIATION))
    small = F.interpolate(pixels_BCHW.float(), scale_factor=_SHARE, mode="bilinear", antialias=True)
    colours = (small / 2 + 0.5 - mean.to(small.device)) / deviation.to(small.device)
    with torch.no_grad():
        latents = encoder(colours.to(encoder.device, type_of(encoder))).float()
    return (latents + encoder.config["latent_std"]) / encoder.config["latent_mean"]


def load_encoder(place: Path | str, dtype: torch.dtype, *, is_offline: bool) -> EfficientNetEncoder:
    """From a file, or from a folder or repository that has it as `PUBLISHED_FILE` or in diffusers' layout.

    Raises:
        WrongWeightsError: The file holds something else.
        ModelNotFoundError: There is none.
    """
    if isinstance(place, Path):
        file = place / PUBLISHED_FILE if place.is_dir() else place
    else:
        try:
            file = Path(hf_hub_download(place, PUBLISHED_FILE, local_files_only=is_offline or not hub.can_be_reached()))
        except EntryNotFoundError:
            file = Path(PUBLISHED_FILE)
    if file.is_file():
        return _read(file, dtype).eval().requires_grad_(False)
    encoder = load_network(EfficientNetEncoder, place, None, dtype, is_offline=is_offline)
    assert isinstance(encoder, EfficientNetEncoder)
    return encoder


def _read(path: Path, dtype: torch.dtype) -> EfficientNetEncoder:
    """A published file; that of Stable Cascade only normalises behind the mapper, without weights."""
    title = "the EfficientNet picture encoder of Stable Cascade or Würstchen"
    tensors, _ = read_tensors(path, title)
    encoder = EfficientNetEncoder()
    own = encoder.state_dict()
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    for name in own.keys() - {"mapper.1.weight", "mapper.1.bias"} | shapes.keys():
        if name not in own or shapes.get(name) != own[name].shape:
            raise WrongWeightsError(path, f"no fitting {name!r}", title)
    weights = {
        name: weight.to(dtype) if weight.is_floating_point() else weight for name, weight in (own | tensors).items()
    }
    encoder.load_state_dict(weights, assign=True)
    return encoder
