"""What the families of denoising diffusion share: the noise levels of the model's own scheduler."""

from typing import Any

import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.parts.family import DiffusersFamily
from onetrainer_web.engine.parts.samplers import create_sampler
from onetrainer_web.engine.seams.interfaces import Components, Model
from onetrainer_web.engine.seams.objectives import DiffusionObjective, Prediction


class DiffusionFamily(DiffusersFamily):
    """A family of denoising diffusion; samples are drawn by the sampler that they name."""

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> DiffusionObjective:
        """Noise or velocity at the model's own noise levels; the component `scheduler` is set to what is trained."""
        own = components["scheduler"].config
        changes: dict[str, Any] = {}
        if config.rescale_noise_scheduler_to_zero_terminal_snr:
            changes |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
        if config.force_v_prediction or {**own, **changes}.get("rescale_betas_zero_snr"):
            changes["prediction_type"] = Prediction.V.value
        elif config.force_epsilon_prediction:
            changes["prediction_type"] = Prediction.EPSILON.value
        # Handed over by name: in a configuration, diffusers would take them back where the model had the default.
        scheduler: Any = DDIMScheduler.from_config(own, **changes)
        components["scheduler"] = scheduler
        alphas = scheduler.alphas_cumprod.to(device, torch.float32)
        return DiffusionObjective(alphas, Prediction(scheduler.config["prediction_type"]))

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """The one that the sample names, on the noise levels that the model was trained with."""
        del shape
        return create_sampler(settings, model)
