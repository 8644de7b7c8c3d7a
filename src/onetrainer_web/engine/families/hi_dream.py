"""HiDream-I1: a transformer with experts, told what to draw by two CLIP summaries, T5's words and all Llama layers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_hidream_image import HiDreamImageTransformer2DModel
from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler
from PIL import Image
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.llama.modeling_llama import LlamaForCausalLM
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.autoencoder import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.clip import encode_clip, join_clips
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow, shift_exponent
from onetrainer_web.engine.interfaces import Components, Family, LoadRequest, Model, SaveTarget, TextEncoderPart
from onetrainer_web.engine.language import encode_layers
from onetrainer_web.engine.patches import from_square_patches
from onetrainer_web.engine.precision import part_dtypes
from onetrainer_web.engine.samplers import create_own_sampler
from onetrainer_web.engine.t5 import encode_t5
from onetrainer_web.engine.tokens import is_word, only_words, tokenize, told
from onetrainer_web.engine.weights import diffusers_folder
from onetrainer_web.engine.weights.location import locate

_NETWORKS: dict[str, Any] = {
    "transformer": HiDreamImageTransformer2DModel,
    "vae": AutoencoderKL,
    "text_encoder": CLIPTextModelWithProjection,
    "text_encoder_2": CLIPTextModelWithProjection,
    "text_encoder_3": T5EncoderModel,
}
_OTHERS: dict[str, Any] = {
    "tokenizer": CLIPTokenizer,
    "tokenizer_2": CLIPTokenizer,
    "tokenizer_3": T5Tokenizer,
    "scheduler": diffusers_folder.OwnScheduler,
}
_T5, _LLAMA, _LLAMA_TOKENIZER = "text_encoder_3", "text_encoder_4", "tokenizer_4"
LENGTH = 128
"""Tokens of each text encoder."""


class HiDream(Family):
    """The full model; each of the four text encoders can be left out, and Llama comes from a place of its own."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="clip_l"),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="clip_g"),
        TextEncoderPart(_T5, "tokenizer_3", kohya="lora_te3", comfy="t5xxl"),
        TextEncoderPart(_LLAMA, _LLAMA_TOKENIZER, kohya="lora_te4", comfy="llama"),
    )
    kohya_denoiser = "lora_unet"
    adapter_formats = (
        ModelFormat.DIFFUSERS_LORA,
        ModelFormat.KOHYA_LORA,
        ModelFormat.ORIGINAL_LORA,
        ModelFormat.COMFY_LORA,
    )

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """As a folder."""
        return (ModelFormat.DIFFUSERS,)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "hidream-i1-full"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, the text encoders with their tokenizers, and the sampler's settings."""
        self._masks_filling = request.config.transformer.attention_mask
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        if request.includes(_LLAMA):
            components |= _load_llama(request)
        return diffusers_folder.replace_parts(components, request, ("vae",))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        return set_up_flow(components)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, shifted and scaled."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids for each encoder, cut off or filled up."""
        return tokenize(self, model, prompts, {encoder.name: LENGTH for encoder in self.text_encoders})

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The summary of a CLIP encoder, T5's hidden states, or those of all layers of Llama, one behind the other."""
        if part not in (_T5, _LLAMA):
            return {f"{part}_pooled": encode_clip(model, part, tokens, skipped_layers)[f"{part}_pooled"]}
        encoder, tokenizer = model.components[part], "tokenizer_3" if part == _T5 else _LLAMA_TOKENIZER
        mask = is_word(model, tokenizer, tokens)
        if part == _T5:
            hidden = encode_t5(encoder, tokens, skipped_layers, mask)
        else:
            hidden = encode_layers(encoder, tokens, mask, range(1, encoder.config.num_hidden_layers + 1))
        return {part: only_words(model, tokenizer, tokens, hidden) if self._masks_filling else hidden}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The velocity towards noise, which is the negative of what the transformer predicts."""
        transformer = model.components["transformer"]
        config, dtype, device = transformer.config, transformer.dtype, noisy.device
        num_rows, width = noisy.shape[0], config.caption_channels[1]
        t5 = told(conditions, _T5, (num_rows, LENGTH, config.caption_channels[0]), device)
        llama = told(conditions, _LLAMA, (num_rows, LENGTH, width * (max(config.llama_layers) + 1)), device)
        predicted = transformer(
            hidden_states=noisy.to(dtype),
            timesteps=timesteps.to(device).expand(num_rows),
            encoder_hidden_states_t5=t5.to(dtype),
            encoder_hidden_states_llama3=llama.unflatten(-1, (-1, width)).permute(2, 0, 1, 3).to(dtype),
            pooled_embeds=join_clips(conditions, "pooled", (num_rows, config.text_emb_dim), device).to(dtype),
            return_dict=False,
        )[0]
        # While it trains, the transformer leaves its patches in a row: (batch, channels, patches, side · side).
        return -(from_square_patches(predicted, *noisy.shape[-2:]) if transformer.training else predicted)

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """The model's own, along the flow, shifted for the largest picture."""
        if isinstance(model.components["scheduler"], UniPCMultistepScheduler):
            return create_own_sampler(settings, model)
        exponent = shift_exponent({}, (1, 1, *model.components["transformer"].config.max_resolution))
        return create_flow_sampler(model, settings, shape, is_evenly_spaced=False, exponent=exponent)

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        parts = dict.fromkeys((*_NETWORKS, _LLAMA, _LLAMA_TOKENIZER)) | model.components
        diffusers_folder.write_folder(target.path, "HiDreamImagePipeline", parts, target.dtype)

    def original_module_name(self, part: str, module_name: str, model: Model) -> str | None:
        """All parts have the same names everywhere."""
        del part, model
        return module_name


def _load_llama(request: LoadRequest) -> Components:
    """Llama with its tokenizer, from where the configuration says, otherwise from the model itself."""
    name, offline = request.config.text_encoder_4.model_name, request.is_offline
    place = locate(name, request.resolve) if name else request.location
    is_inside = not name or isinstance(place, Path) and (place / _LLAMA).is_dir()
    folders = (_LLAMA, _LLAMA_TOKENIZER) if is_inside else (None, None)
    dtype = part_dtypes(request.config, [_LLAMA])[_LLAMA]
    encoder = diffusers_folder.load_network(LlamaForCausalLM, place, folders[0], dtype, is_offline=offline)
    tokenizer = diffusers_folder.load_piece(PreTrainedTokenizerFast, place, folders[1], is_offline=offline)
    tokenizer.pad_token = tokenizer.eos_token
    return {_LLAMA: encoder, _LLAMA_TOKENIZER: tokenizer}
