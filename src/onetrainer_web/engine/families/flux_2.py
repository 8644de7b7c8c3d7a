"""FLUX.2 dev and Klein: a transformer over patches of latents and words, with hidden states of a language model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_flux2 import AutoencoderKLFlux2
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from diffusers.pipelines.flux2.pipeline_flux2 import compute_empirical_mu
from diffusers.pipelines.flux2.system_messages import SYSTEM_MESSAGE
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.mistral3.modeling_mistral3 import Mistral3ForConditionalGeneration
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen3.modeling_qwen3 import Qwen3ForCausalLM
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.parts.flow import DistilledFamily
from onetrainer_web.engine.parts.language import as_chat, encode_layers
from onetrainer_web.engine.parts.packed_latents import PackedLatents
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import UNGUIDED, Components, LoadRequest, Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights import diffusers_folder
from onetrainer_web.engine.weights.flux_keys import FLUX_2_PLACES
from onetrainer_web.pipeline.entries import HINT


@dataclass(frozen=True)
class _Variant:
    """How one of the publications tells its prompts."""

    text_encoder: Any
    tokenizer: Any
    layers: tuple[int, ...]
    """Whose hidden states stand side by side."""


_DEV, _KLEIN = "Flux2Pipeline", "Flux2KleinPipeline"
_VARIANTS = MappingProxyType(
    {
        _DEV: _Variant(Mistral3ForConditionalGeneration, PreTrainedTokenizerFast, (10, 20, 30)),
        _KLEIN: _Variant(Qwen3ForCausalLM, Qwen2Tokenizer, (9, 18, 27)),
    }
)
MAX_LENGTH = 512
"""Tokens of the language model with those of the template, where the configuration names no number."""


_HEADS_OF_9B = 32
_PICTURES = PackedLatents()
_PLACE_OF_REFERENCE = 10
"""Where the first reference stands in time; the picture stands at 0."""


class Flux2(DistilledFamily):
    """Dev is told the strength of guidance; Klein compares with the negative prompt, unless it is distilled."""

    pictures = _PICTURES
    patch_side = 1
    original_places = FLUX_2_PLACES
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="text_encoder"),)
    kohya_denoiser = "lora_unet"
    legacy_is_dotted = True

    def load(self, request: LoadRequest) -> Components:
        """As usual; the model says itself which of the publications it is."""
        own = diffusers_folder.read_index(request)
        self.pipeline = _DEV if own.get("_class_name") == _DEV else _KLEIN
        self._is_distilled = bool(own.get("is_distilled"))
        self.index = {"is_distilled": self._is_distilled} if self.pipeline == _KLEIN else {}
        self.max_length = request.config.text_encoder_sequence_length or MAX_LENGTH
        variant = _VARIANTS[self.pipeline]
        self.pieces = {
            "transformer": Flux2Transformer2DModel,
            "vae": AutoencoderKLFlux2,
            "text_encoder": variant.text_encoder,
            "tokenizer": variant.tokenizer,
            "scheduler": FlowMatchEulerDiscreteScheduler,
        }
        components = super().load(request)
        is_small = components["transformer"].config.num_attention_heads < _HEADS_OF_9B
        klein = f"flux.2-klein-{'4b' if is_small else '9b'}"
        self.architecture = "flux.2-dev" if self.pipeline == _DEV else klein
        return components

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts as messages of a chat, cut off or filled up."""
        tokenizer = model.components["tokenizer"]
        if self.pipeline == _DEV:
            messages = [_with_instruction(tokenizer, prompt) for prompt in prompts]
        else:
            messages = as_chat(tokenizer, prompts, enable_thinking=False)
        return super().tokenize(model, messages)

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Hidden states of three layers side by side, also of what fills a prompt up."""
        del skipped_layers
        mask = is_word(model, "tokenizer", tokens)
        return {"prompt": encode_layers(model.components[part], tokens, mask, _VARIANTS[self.pipeline].layers)}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, words and strength of guidance."""
        transformer = model.components["transformer"]
        height, width = noisy.shape[-2:]
        dtype, device = type_of(transformer), noisy.device
        prompt = conditions["prompt"].to(dtype)
        one, rows, columns = torch.arange(1), torch.arange(height), torch.arange(width)
        tokens, grid = _tokens(noisy), torch.cartesian_prod(one, rows, columns, one)
        if HINT in conditions:
            tokens = torch.cat([tokens, _tokens(conditions[HINT].to(device, noisy.dtype))], dim=1)
            grid = torch.cat([grid, torch.cartesian_prod(one + _PLACE_OF_REFERENCE, rows, columns, one)])
        predicted = transformer(
            hidden_states=tokens.to(dtype),
            timestep=(timesteps_B / 1000).to(dtype),
            guidance=self.told_guidance(conditions, noisy) if transformer.config.guidance_embeds else None,
            encoder_hidden_states=prompt,
            txt_ids=torch.cartesian_prod(one, one, one, torch.arange(prompt.shape[1])).to(device),
            img_ids=grid.to(device),
            return_dict=False,
        )[0]
        return predicted[:, : height * width].transpose(1, 2).unflatten(2, (height, width))

    def hint(self, model: Model, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
        """The latents of a reference."""
        del masks_B1HW
        return _PICTURES.encode_hint(model.components["vae"], shown_BCHW)

    def sample_mu(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> float:
        """By the size of the picture and the number of steps."""
        del model
        return compute_empirical_mu(shape[-2] * shape[-1], settings.diffusion_steps)

    def guidance(self, settings: SampleConfig) -> float:
        """By comparison only where it is neither an input of the transformer nor distilled."""
        return UNGUIDED if self.pipeline == _DEV or self._is_distilled else settings.cfg_scale


def _tokens(latents_BCHW: Tensor) -> Tensor:
    return latents_BCHW.flatten(2).transpose(1, 2)


def _with_instruction(tokenizer: Any, prompt: str) -> str:
    """A prompt as a message of a chat that begins with dev's instruction; it must not name a picture to look at."""
    spoken = (("system", SYSTEM_MESSAGE), ("user", prompt.replace("[IMG]", "")))
    messages = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in spoken]
    return tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=False)
