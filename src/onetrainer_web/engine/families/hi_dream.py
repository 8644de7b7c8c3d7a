"""HiDream-I1: a transformer with experts, told what to draw by two CLIP summaries, T5's words and all Llama layers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_hidream_image import HiDreamImageTransformer2DModel
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModelWithProjection
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.llama.modeling_llama import LlamaForCausalLM
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer
from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.parts.clip import encode_clip, join_clips
from onetrainer_web.engine.parts.flow import FlowFamily, linear_mu, num_tokens
from onetrainer_web.engine.parts.language import encode_layers
from onetrainer_web.engine.parts.patches import PATCH_SIDE, from_square_patches, places, to_patches
from onetrainer_web.engine.parts.t5 import encode_t5
from onetrainer_web.engine.parts.tokens import is_word, only_words, tokenize, told
from onetrainer_web.engine.seams.interfaces import Components, LoadRequest, Model, TextEncoderPart
from onetrainer_web.engine.seams.places import SAME_NAMES
from onetrainer_web.engine.seams.precision import part_dtypes, type_of
from onetrainer_web.engine.weights import diffusers_folder
from onetrainer_web.engine.weights.location import locate

_T5, _LLAMA, _LLAMA_TOKENIZER = "text_encoder_3", "text_encoder_4", "tokenizer_4"
LENGTH = 128
"""Tokens of each text encoder."""


class HiDream(FlowFamily):
    """The full model; each of the four text encoders can be left out, and Llama comes from a place of its own."""

    architecture = "hidream-i1"
    pipeline = "HiDreamImagePipeline"
    original_places = SAME_NAMES
    is_evenly_spaced = False
    index = dict.fromkeys((_LLAMA, _LLAMA_TOKENIZER), (None, None))
    pieces = {
        "transformer": HiDreamImageTransformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": CLIPTextModelWithProjection,
        "text_encoder_2": CLIPTextModelWithProjection,
        "text_encoder_3": T5EncoderModel,
        "tokenizer": CLIPTokenizer,
        "tokenizer_2": CLIPTokenizer,
        "tokenizer_3": T5Tokenizer,
        "scheduler": diffusers_folder.OwnScheduler,
    }
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="clip_l"),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="clip_g"),
        TextEncoderPart(_T5, "tokenizer_3", kohya="lora_te3", comfy="t5xxl"),
        TextEncoderPart(_LLAMA, _LLAMA_TOKENIZER, kohya="lora_te4", comfy="llama", comfy_names={"model": "model"}),
    )
    kohya_denoiser = "lora_unet"

    def load(self, request: LoadRequest) -> Components:
        """As usual, with Llama from where the configuration says."""
        components = super().load(request)
        return components | _load_llama(request) if request.includes(_LLAMA) else components

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
        return {part: only_words(model, tokenizer, tokens, hidden) if self.masks_filling else hidden}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The velocity towards noise, which is the negative of what the transformer predicts."""
        transformer = model.components["transformer"]
        config, dtype, device = transformer.config, type_of(transformer), noisy.device
        num_rows, width = noisy.shape[0], config.caption_channels[1]
        t5 = told(conditions, _T5, (num_rows, LENGTH, config.caption_channels[0]), device)
        llama = told(conditions, _LLAMA, (num_rows, LENGTH, width * (max(config.llama_layers) + 1)), device)
        predicted = transformer(
            **_as_seen(transformer, noisy.to(dtype)),
            timesteps=timesteps_B,
            encoder_hidden_states_t5=t5.to(dtype),
            encoder_hidden_states_llama3=llama.unflatten(-1, (-1, width)).permute(2, 0, 1, 3).to(dtype),
            pooled_embeds=join_clips(conditions, "pooled", (num_rows, config.text_emb_dim), device).to(dtype),
            return_dict=False,
        )[0]
        # While it trains, the transformer leaves its patches in a row: (batch, channels, patches, side · side).
        return -(from_square_patches(predicted, *noisy.shape[-2:]) if transformer.training else predicted)

    def sample_mu(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> float:
        """That of the largest picture."""
        del settings, shape
        return linear_mu({}, num_tokens((1, 1, *model.components["transformer"].config.max_resolution)))


def _as_seen(transformer: Any, noisy: Tensor) -> dict[str, Any]:
    """Latents as the transformer takes them.

    It makes a row of patches of them by itself, and fills up those of pictures that are no squares; where they are more
    than it fills up to, such as of photos of 3:2, they are given to it as a whole row.
    """
    (num_rows, channels, height, width), positions = noisy.shape, places(*noisy.shape[-2:]).to(noisy.device)
    if height == width or len(positions) <= transformer.max_seq:
        return {"hidden_states": noisy}
    return {
        "hidden_states": to_patches(noisy).unflatten(2, (channels, -1)).transpose(2, 3).flatten(2),
        "hidden_states_masks": noisy.new_ones(num_rows, len(positions)),
        "img_ids": positions.expand(num_rows, -1, -1),
        "img_sizes": [(height // PATCH_SIDE, width // PATCH_SIDE)] * num_rows,
    }


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
