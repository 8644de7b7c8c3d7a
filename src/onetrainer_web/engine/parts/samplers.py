"""The samplers that draw pictures from diffusion models, by OneTrainer's names."""

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from onetrainer_web.config.enums import NoiseScheduler
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.seams.interfaces import Model

_KARRAS = MappingProxyType({"use_karras_sigmas": True})
_SDE = MappingProxyType({"algorithm_type": "sde-dpmsolver++"})
_NONE: Mapping[str, Any] = MappingProxyType({})

SAMPLERS: Mapping[NoiseScheduler, tuple[str, str, Mapping[str, Any]]] = MappingProxyType(
    {
        NoiseScheduler.DDIM: ("scheduling_ddim", "DDIMScheduler", _NONE),
        NoiseScheduler.EULER: ("scheduling_euler_discrete", "EulerDiscreteScheduler", _NONE),
        NoiseScheduler.EULER_A: ("scheduling_euler_ancestral_discrete", "EulerAncestralDiscreteScheduler", _NONE),
        NoiseScheduler.DPMPP: ("scheduling_dpmsolver_multistep", "DPMSolverMultistepScheduler", _NONE),
        NoiseScheduler.DPMPP_SDE: ("scheduling_dpmsolver_multistep", "DPMSolverMultistepScheduler", _SDE),
        NoiseScheduler.UNIPC: ("scheduling_unipc_multistep", "UniPCMultistepScheduler", _NONE),
        NoiseScheduler.EULER_KARRAS: ("scheduling_euler_discrete", "EulerDiscreteScheduler", _KARRAS),
        NoiseScheduler.DPMPP_KARRAS: ("scheduling_dpmsolver_multistep", "DPMSolverMultistepScheduler", _KARRAS),
        NoiseScheduler.DPMPP_SDE_KARRAS: (
            "scheduling_dpmsolver_multistep",
            "DPMSolverMultistepScheduler",
            {**_SDE, **_KARRAS},
        ),
        NoiseScheduler.UNIPC_KARRAS: ("scheduling_unipc_multistep", "UniPCMultistepScheduler", _KARRAS),
    }
)
"""Module and class in diffusers (imported only when used), and what to set besides the model's own noise levels."""


def create_sampler(settings: SampleConfig, model: Model) -> Any:
    """The sampler that `settings` ask for, on the noise levels that the model was trained with, its timesteps set."""
    module, name, others = SAMPLERS[settings.noise_scheduler]
    kind = getattr(importlib.import_module(f"diffusers.schedulers.{module}"), name)
    ends_at_noise = {"timestep_spacing": "trailing"} if settings.force_last_timestep else {}
    sampler = kind.from_config(dict(model.components["scheduler"].config), **others, **ends_at_noise)
    sampler.set_timesteps(settings.diffusion_steps, device=model.precision.device)
    return sampler


def create_own_sampler(settings: SampleConfig, model: Model) -> Any:
    """The model's own sampler, of whichever class, its timesteps set."""
    own = model.components["scheduler"]
    sampler: Any = type(own).from_config(own.config)
    sampler.set_timesteps(settings.diffusion_steps, device=model.precision.device)
    return sampler
