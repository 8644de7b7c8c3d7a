"""Ideogram 4: one transformer over words of Qwen3-VL and latents, and a second one that draws without words.

The second one is never trained: samples are held against what it predicts, in the place of a negative prompt.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_flux2 import AutoencoderKLFlux2
from diffusers.models.transformers.transformer_ideogram4 import (
    IMAGE_POSITION_OFFSET,
    LLM_TOKEN_INDICATOR,
    OUTPUT_IMAGE_INDICATOR,
    SEQUENCE_PADDING_INDICATOR,
    Ideogram4Transformer2DModel,
)
from diffusers.pipelines.ideogram4.pipeline_ideogram4 import Ideogram4Pipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.families.ideogram.names import IDEOGRAM_PLACES
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.language import as_chat, only_used
from onetrainer_web.engine.parts.packed_latents import PackedLatents
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.pipeline.entries import side_by_side

UNCONDITIONAL = "unconditional_transformer"
_WITHOUT_WORDS = "is_without_words"
"""Which rows of a sample the second transformer predicts."""
_UNSHIFTED_TOKENS = 32 * 32
"""Of a picture of 512 by 512 pixels, whose noise levels are not shifted."""
_SPREAD = 1.5
"""Of the noise levels of a sample: how far their log-odds spread, in standard deviations of a normal distribution."""
_LOWEST_LOG_ODDS, _HIGHEST_LOG_ODDS = -7.5, 9.0


class Ideogram(FlowFamily):
    """The text-to-image model; captions are taken as they are, without its model that rewrites prompts."""

    architecture = "ideogram-4"
    pipeline = "Ideogram4Pipeline"
    pictures = PackedLatents(goes_by_place=True)
    patch_side = 1
    original_places = IDEOGRAM_PLACES
    pieces = {
        "transformer": Ideogram4Transformer2DModel,
        UNCONDITIONAL: Ideogram4Transformer2DModel,
        "vae": AutoencoderKLFlux2,
        "text_encoder": Qwen3VLModel,
        "tokenizer": Qwen2Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    index = {"prompt_enhancer_head": [None, None]}
    padding_side = "left"
    max_length = 2048
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer"),)
    kohya_denoiser = "lora_unet"

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts as messages of a chat, cut off or filled up."""
        return super().tokenize(model, as_chat(model.components["tokenizer"], prompts))

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Outputs of many layers, all of each feature side by side, and which of them are words.

        Prompts are encoded one by one, without what fills them up: of 2048 tokens that would be the most, and each of
        them is thirteen times as wide as the encoder.
        """
        del skipped_layers
        prompts = [row[mask.bool()] for row, mask in zip(tokens, is_word(model, "tokenizer", tokens), strict=True)]
        encoded = [_outputs(model.components[part], own) for own in prompts]
        words = [own.new_ones(len(own)) for own in prompts]
        return {"prompt": side_by_side(encoded), "is_word": side_by_side(words).to(encoded[0].device)}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The velocity towards noise; the transformers count time from noise to picture, and predict that way."""
        share_B = (1000 - timesteps_B) / 1000
        is_without = conditions.get(_WITHOUT_WORDS, torch.zeros(len(noisy))).bool().tolist()
        predicted = torch.empty_like(noisy)
        for part, has_words in (("transformer", True), (UNCONDITIONAL, False)):
            rows = [row for row, without in enumerate(is_without) if without != has_words]
            if rows:
                prompt, mask = only_used(conditions["prompt"][rows], conditions["is_word"][rows] * has_words)
                predicted[rows] = _flow(model.components[part], noisy[rows], share_B[rows], prompt, mask)
        return predicted

    def sample_conditions(self, model: Model, settings: SampleConfig, num_rows: int) -> dict[str, Tensor]:
        """That the row of the negative prompt is for the transformer without words, if there is one."""
        del settings
        if num_rows == 1 or UNCONDITIONAL not in model.components:
            return {}
        return {_WITHOUT_WORDS: torch.tensor([True, False], device=model.precision.device)}

    def mu(self, scheduler_config: Mapping[str, Any], shape: tuple[int, ...]) -> float:
        """Half the logarithm of how much larger the picture is."""
        del scheduler_config
        return 0.5 * math.log(shape[-2] * shape[-1] / _UNSHIFTED_TOKENS)

    def first_noise(self, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
        """All channels of one place after the other."""
        rows, channels, height, width = shape
        return torch.randn(rows, height, width, channels, generator=generator).movedim(-1, 1)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow, at noise levels whose log-odds are spread normally, moved by the size of the picture."""
        own = model.components["scheduler"].config
        sampler: Any = FlowMatchEulerDiscreteScheduler.from_config(own)
        shares = torch.linspace(1, 0, settings.diffusion_steps + 1, dtype=torch.float64)[:-1]
        log_odds = self.mu(own, shape) + _SPREAD * torch.special.ndtri(shares)
        sigmas = torch.sigmoid(log_odds.clamp(_LOWEST_LOG_ODDS, _HIGHEST_LOG_ODDS))
        sampler.set_timesteps(sigmas=sigmas.tolist(), device=model.precision.device)
        return sampler


def _outputs(encoder: Any, tokens_L: Tensor) -> Tensor:
    """What layers of the text encoder make of the tokens of one prompt: (length, features · layers)."""
    tokens_1L = tokens_L.unsqueeze(0).to(encoder.device)
    places_1L = torch.arange(len(tokens_L), device=encoder.device).unsqueeze(0)
    outputs = Ideogram4Pipeline._get_text_encoder_hidden_states(
        encoder, tokens_1L, torch.ones_like(tokens_1L), places_1L
    )
    return torch.stack(outputs, dim=-1).flatten(2)[0]


def _flow(transformer: Any, noisy: Tensor, share_B: Tensor, prompt_BLD: Tensor, is_word_BL: Tensor) -> Tensor:
    """What a transformer predicts of rows of words and pictures, turned towards noise."""
    num_rows, _, height, width = noisy.shape
    dtype, num_words = type_of(transformer), prompt_BLD.shape[1]
    tokens = noisy.flatten(2).transpose(1, 2).to(dtype)
    words = is_word_BL.long()
    pictures = words.new_ones(num_rows, height * width)
    grid = torch.cartesian_prod(torch.arange(1), torch.arange(height), torch.arange(width)).to(words.device)
    word_places = (words.cumsum(dim=-1) - 1).clamp(min=0).unsqueeze(-1).expand(-1, -1, 3)
    predicted = transformer(
        hidden_states=torch.cat([tokens.new_zeros(num_rows, num_words, tokens.shape[-1]), tokens], dim=1),
        timestep=share_B.to(dtype),
        encoder_hidden_states=torch.nn.functional.pad(prompt_BLD.to(dtype), (0, 0, 0, height * width)),
        position_ids=torch.cat([word_places, (grid + IMAGE_POSITION_OFFSET).expand(num_rows, -1, -1)], dim=1),
        segment_ids=torch.cat([torch.where(words == 1, 1, SEQUENCE_PADDING_INDICATOR), pictures], dim=1),
        indicator=torch.cat([words * LLM_TOKEN_INDICATOR, pictures * OUTPUT_IMAGE_INDICATOR], dim=1),
        return_dict=False,
    )[0]
    return -predicted[:, num_words:].transpose(1, 2).unflatten(2, (height, width))
