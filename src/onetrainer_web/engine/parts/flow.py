"""What the families of flow matching share: a straight way from pictures to noise (Lipman et al. 2023)."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor

from onetrainer_web.config.enums import LossWeight
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.parts.family import DiffusersFamily
from onetrainer_web.engine.parts.patches import PATCH_SIDE
from onetrainer_web.engine.parts.samplers import create_own_sampler
from onetrainer_web.engine.runtime.errors import UnsupportedSettingError
from onetrainer_web.engine.seams.interfaces import UNGUIDED, Components, Model


@dataclass(frozen=True)
class FlowObjective:
    """Predicting the velocity noise − x on the straight line between a picture and noise.

    Timestep t of T, from 0, stands for the share of noise σ = (t + 1) / T.
    """

    num_timesteps: int
    dynamic_shift: Callable[[tuple[int, ...]], float]
    """How far timesteps are moved for latents of a shape, with dynamic shifting."""
    prediction = "flow"
    """As the metadata of saved files call it."""

    def add_noise(self, latents: Tensor, noise: Tensor, timesteps_B: Tensor) -> Tensor:
        """σ·ε + (1 − σ)·x."""
        sigma = self._sigma(timesteps_B, latents.ndim)
        return sigma * noise + (1 - sigma) * latents

    def target(self, latents: Tensor, noise: Tensor, timesteps_B: Tensor) -> Tensor:
        """ε − x, at every timestep."""
        del timesteps_B
        return noise - latents

    def loss_weight(self, function: LossWeight, strength: float, timesteps_B: Tensor) -> Tensor:
        """1, or σ.

        Raises:
            UnsupportedSettingError: The others need a signal-to-noise ratio of denoising diffusion.
        """
        del strength
        if function is LossWeight.CONSTANT:
            return torch.ones_like(timesteps_B, dtype=torch.float32)
        if function is LossWeight.SIGMA:
            return self._sigma(timesteps_B, 1)
        known = [LossWeight.CONSTANT.value, LossWeight.SIGMA.value]
        raise UnsupportedSettingError("loss_weight_fn", function.value, known)

    def timestep_shift(self, config: TrainConfig, latents_BCHW: Tensor) -> float:
        """The configured shift, or, with dynamic shifting, the one for the size of the picture."""
        return self.dynamic_shift(latents_BCHW.shape) if config.dynamic_timestep_shifting else config.timestep_shift

    def offset_scale(self, timesteps_B: Tensor) -> Tensor:
        """All of it: only denoising diffusion knows better."""
        return torch.ones_like(timesteps_B, dtype=torch.float32)

    def _sigma(self, timesteps_B: Tensor, ndim: int) -> Tensor:
        return ((timesteps_B + 1) / self.num_timesteps).view(-1, *[1] * (ndim - 1))


def num_tokens(shape: tuple[int, ...], patch_side: int = PATCH_SIDE) -> int:
    """How many tokens a transformer makes of latents.

    Args:
        shape: Of the latents, (batch, channels, height, width), with frames in front of the height for a video.
        patch_side: Latents on a side of a token.
    """
    *frames, height, width = shape[2:]
    return math.prod(frames) * (height // patch_side) * (width // patch_side)


def linear_mu(scheduler_config: Mapping[str, Any], tokens: int) -> float:
    """µ of a picture or video: linear in its tokens between two points of the scheduler (Esser et al. 2024, 5.3.2)."""
    first, last = scheduler_config.get("base_image_seq_len", 256), scheduler_config.get("max_image_seq_len", 4096)
    low, high = scheduler_config.get("base_shift", 0.5), scheduler_config.get("max_shift", 1.15)
    return low + (high - low) * (tokens - first) / (last - first)


def shift_by(mu: float, scheduler_config: Mapping[str, Any]) -> float:
    """How far µ moves timesteps: by itself or by its exponential, as the scheduler says."""
    return mu if scheduler_config.get("time_shift_type") == "linear" else math.exp(mu)


class FlowFamily(DiffusersFamily):
    """A family of flow matching; samples are drawn along the flow, by diffusers' sampler or one of the model's own."""

    patch_side = PATCH_SIDE
    """Latents on a side of a token."""
    is_evenly_spaced = True
    """Whether samples are drawn at noise levels from 1 to one over their number; otherwise as the scheduler does it."""

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        own = components["scheduler"].config
        return FlowObjective(own["num_train_timesteps"], partial(self.dynamic_shift, own))

    def mu(self, scheduler_config: Mapping[str, Any], shape: tuple[int, ...]) -> float:
        """µ of latents of a shape, as diffusers' scheduler takes it: how far their size moves them towards noise."""
        return linear_mu(scheduler_config, num_tokens(shape, self.patch_side))

    def dynamic_shift(self, scheduler_config: Mapping[str, Any], shape: tuple[int, ...]) -> float:
        """The shift of timesteps that this µ stands for."""
        return shift_by(self.mu(scheduler_config, shape), scheduler_config)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow, with the settings of the model's own scheduler."""
        own = model.components["scheduler"]
        if not isinstance(own, FlowMatchEulerDiscreteScheduler):
            return create_own_sampler(settings, model)
        sampler: Any = FlowMatchEulerDiscreteScheduler.from_config(own.config)
        num_steps = settings.diffusion_steps
        mu = self.sample_mu(model, settings, shape) if own.config.get("use_dynamic_shifting") else None
        sigmas = self.noise_levels(num_steps)
        sampler.set_timesteps(num_steps, device=model.precision.device, sigmas=sigmas, mu=mu)
        return sampler

    def noise_levels(self, num_steps: int) -> np.ndarray | None:
        """Those that a sample is drawn at, before they are shifted; None leaves them to the scheduler."""
        return np.linspace(1.0, 1 / num_steps, num_steps) if self.is_evenly_spaced else None

    def sample_mu(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> float:
        """µ of a sample, where it is not that of training."""
        del settings
        return self.mu(model.components["scheduler"].config, shape)


class DistilledFamily(FlowFamily):
    """A family of distilled guidance: it is told the strength of guidance instead of comparing two predictions."""

    def guidance(self, settings: SampleConfig) -> float:
        """Not by comparison: the strength is an input of the denoiser."""
        del settings
        return UNGUIDED

    def sample_conditions(self, model: Model, settings: SampleConfig, num_rows: int) -> dict[str, Tensor]:
        """The strength of guidance."""
        return {"guidance": torch.full((num_rows,), settings.cfg_scale, device=model.precision.device)}

    def told_guidance(self, conditions: Mapping[str, Tensor], noisy: Tensor) -> Tensor:
        """The strength for each row: that of the sample, or in training the configured one."""
        configured = self.part_config(self.config, self.denoiser).guidance_scale
        return conditions.get("guidance", torch.full((len(noisy),), configured, device=noisy.device))
