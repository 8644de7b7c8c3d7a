"""PixArt Alpha and Sigma: a transformer over patches of latents that looks at T5's words (Chen et al. 2023, 2024)."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from torch import Tensor
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.families.pixart.names import PIXART_PLACES
from onetrainer_web.engine.parts.diffusion import DiffusionFamily
from onetrainer_web.engine.parts.t5 import encode_t5
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import Model, PictureShape, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of


class PixArt(DiffusionFamily):
    """Both generations; they differ in the autoencoder, in how long a prompt may be, and in what else Alpha is told."""

    original_places = PIXART_PLACES
    pieces = {
        "transformer": PixArtTransformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": T5EncoderModel,
        "tokenizer": T5Tokenizer,
        "scheduler": DPMSolverMultistepScheduler,
    }
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="t5xxl"),)

    def __init__(self, model_type: ModelType) -> None:
        super().__init__(model_type)
        is_alpha = model_type is ModelType.PIXART_ALPHA
        self.architecture = "pixart-alpha" if is_alpha else "pixart-ms-sigma-xl-2"
        self.pipeline = "PixArtAlphaPipeline" if is_alpha else "PixArtSigmaPipeline"
        self.max_length = 120 if is_alpha else 300

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts in small letters, as the model was trained, cut off or filled up."""
        return super().tokenize(model, [prompt.lower().strip() for prompt in prompts])

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """T5's hidden states, and which of them are words."""
        mask = is_word(model, "tokenizer", tokens)
        return {"prompt": encode_t5(model.components[part], tokens, skipped_layers, mask), "is_word": mask}

    def picture_conditions(self, shapes: Sequence[PictureShape]) -> dict[str, Tensor]:
        """Height and width of each picture, and their ratio."""
        sizes = torch.tensor([(shape.target.height, shape.target.width) for shape in shapes], dtype=torch.float32)
        return {"resolution": sizes, "aspect_ratio": sizes[:, :1] / sizes[:, 1:]}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words: noise, and a variance behind it."""
        transformer = model.components["transformer"]
        dtype, is_told = type_of(transformer), transformer.use_additional_conditions
        told = {name: conditions[name].to(dtype) if is_told else None for name in ("resolution", "aspect_ratio")}
        return transformer(
            noisy.to(dtype),
            encoder_hidden_states=conditions["prompt"].to(dtype),
            encoder_attention_mask=conditions["is_word"],
            timestep=timesteps_B,
            added_cond_kwargs=told,
            return_dict=False,
        )[0]
