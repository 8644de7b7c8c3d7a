"""PixArt Alpha and Sigma: a transformer over patches of latents that looks at T5's words (Chen et al. 2023, 2024)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from PIL import Image
from torch import Tensor
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.config.enums import ModelFormat, ModelType
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.diffusion import set_up_diffusion
from onetrainer_web.engine.interfaces import (
    Components,
    Family,
    LoadRequest,
    Model,
    PictureShape,
    SaveTarget,
    TextEncoderPart,
)
from onetrainer_web.engine.objectives import DiffusionObjective
from onetrainer_web.engine.samplers import create_sampler
from onetrainer_web.engine.t5 import encode_t5
from onetrainer_web.engine.tokens import is_word, tokenize
from onetrainer_web.engine.weights import diffusers_folder

_NETWORKS: dict[str, Any] = {
    "transformer": PixArtTransformer2DModel,
    "vae": AutoencoderKL,
    "text_encoder": T5EncoderModel,
}
_OTHERS: dict[str, Any] = {"tokenizer": T5Tokenizer, "scheduler": DPMSolverMultistepScheduler}


class PixArt(Family):
    """Both generations; they differ in the autoencoder, in how long a prompt may be, and in what else Alpha is told."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="t5xxl"),)
    kohya_denoiser = "lora_transformer"
    # The original code joins queries, keys and values in one layer, which is not here yet.
    adapter_formats = (ModelFormat.DIFFUSERS_LORA, ModelFormat.LEGACY_LORA)

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """As a folder."""
        return (ModelFormat.DIFFUSERS,)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "pixart-alpha" if self._is_alpha else "pixart-sigma"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, text encoder with its tokenizer, and the noise schedule."""
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        return diffusers_folder.replace_parts(components, request, ("vae",))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> DiffusionObjective:
        """Noise or velocity at the model's own noise levels."""
        return set_up_diffusion(components, config, device)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, times its scaling factor."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts in small letters, as the model was trained, cut off or filled up."""
        small = [prompt.lower().strip() for prompt in prompts]
        return tokenize(self, model, small, {"text_encoder": 120 if self._is_alpha else 300})

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """T5's hidden states, and which of them are words."""
        mask = is_word(model, "tokenizer", tokens)
        return {"prompt": encode_t5(model.components[part], tokens, skipped_layers, mask), "is_word": mask}

    def picture_conditions(self, shapes: Sequence[PictureShape]) -> dict[str, Tensor]:
        """Height and width of each picture, and their ratio."""
        sizes = torch.tensor([(shape.target.height, shape.target.width) for shape in shapes], dtype=torch.float32)
        return {"resolution": sizes, "aspect_ratio": sizes[:, :1] / sizes[:, 1:]}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words; without the variance that it learned."""
        transformer = model.components["transformer"]
        dtype, is_told = transformer.dtype, transformer.use_additional_conditions
        told = {name: conditions[name].to(dtype) if is_told else None for name in ("resolution", "aspect_ratio")}
        predicted = transformer(
            noisy.to(dtype),
            encoder_hidden_states=conditions["prompt"].to(dtype),
            encoder_attention_mask=conditions["is_word"].to(noisy.device),
            timestep=timesteps.to(noisy.device).expand(noisy.shape[0]),
            added_cond_kwargs=told,
            return_dict=False,
        )[0]
        return predicted[:, : noisy.shape[1]]

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """The one that the sample names, on the noise levels that the model was trained with."""
        del shape
        return create_sampler(settings, model)

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        pipeline = "PixArtAlphaPipeline" if self._is_alpha else "PixArtSigmaPipeline"
        diffusers_folder.write_folder(target.path, pipeline, model.components, target.dtype)

    @property
    def _is_alpha(self) -> bool:
        return self.model_type is ModelType.PIXART_ALPHA
