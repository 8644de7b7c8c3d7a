"""Krea 2: one transformer over words and patches of latents, with hidden states of many layers of Qwen3-VL."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage
from diffusers.models.transformers.transformer_krea2 import Krea2Transformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel

from onetrainer_web.config.prefaces import QWEN_IMAGE
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.engine.families.krea2.names import KREA_2_PLACES
from onetrainer_web.engine.parts import picture_video
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.language import encode_layers, only_used
from onetrainer_web.engine.parts.patches import from_patches, places, to_patches
from onetrainer_web.engine.parts.tokens import is_word, tokenize
from onetrainer_web.engine.seams.interfaces import Components, LoadRequest, Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights import diffusers_folder

PREFACE = QWEN_IMAGE.text
PREFACE_LENGTH = QWEN_IMAGE.tokens
"""Tokens in front of the prompt, which the transformer does not see."""
ENDING = "<|im_end|>\n<|im_start|>assistant\n"
ENDING_LENGTH = 5
MAX_LENGTH = 512
"""Tokens that the transformer sees, ending included."""
LAYERS = (2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35)
"""Whose hidden states it sees, where the model names no others."""
DISTILLED_SHIFT = 1.15


class Krea2(FlowFamily):
    """The base model, and what is distilled from it."""

    architecture = "krea-2"
    pipeline = "Krea2Pipeline"
    pictures = picture_video
    original_places = KREA_2_PLACES
    pieces = {
        "transformer": Krea2Transformer2DModel,
        "vae": AutoencoderKLQwenImage,
        "text_encoder": Qwen3VLModel,
        "tokenizer": Qwen2Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="qwen3_vl"),)
    kohya_denoiser = "lora_unet"

    def load(self, request: LoadRequest) -> Components:
        """As usual; the model says itself whether it is distilled, and which layers it looks at."""
        own = diffusers_folder.read_index(request)
        self._layers = tuple(own.get("text_encoder_select_layers") or LAYERS)
        self._is_distilled = bool(own.get("is_distilled"))
        self.index = {
            "text_encoder_select_layers": self._layers,
            "is_distilled": self._is_distilled,
            "patch_size": self.patch_side,
        }
        return super().load(request)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts behind their preface, cut off or filled up, and of the ending behind that."""
        length = PREFACE_LENGTH + MAX_LENGTH - ENDING_LENGTH
        begun = tokenize(self, model, [PREFACE + prompt for prompt in prompts], {"text_encoder": length})
        ending = model.components["tokenizer"]([ENDING] * len(prompts), return_tensors="pt").input_ids
        return {"text_encoder": torch.cat([begun["text_encoder"], ending], dim=1)}

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Hidden states of the layers side by side behind the preface, and which of them are words."""
        del skipped_layers
        mask = is_word(model, "tokenizer", tokens)
        places_BL = (mask.cumsum(dim=-1) - 1).clamp(min=0)
        hidden = encode_layers(model.components[part], tokens, mask.bool(), self._layers, places_BL.expand(3, -1, -1))
        return {"prompt": hidden[:, PREFACE_LENGTH:], "is_word": mask[:, PREFACE_LENGTH:]}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        height, width = noisy.shape[-2:]
        dtype, device = type_of(transformer), noisy.device
        prompt, mask = only_used(conditions["prompt"], conditions["is_word"])
        nowhere = torch.zeros(prompt.shape[1], 3)
        predicted = transformer(
            hidden_states=to_patches(noisy).to(dtype),
            encoder_hidden_states=prompt.unflatten(-1, (len(self._layers), -1)).to(dtype),
            timestep=(timesteps_B / 1000).to(dtype),
            position_ids=torch.cat([nowhere, places(height, width)]).to(device),
            encoder_attention_mask=mask.bool(),
            return_dict=False,
        )[0]
        return from_patches(predicted, height, width)

    def sample_mu(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> float:
        """By the size of the picture, unless it is distilled."""
        return DISTILLED_SHIFT if self._is_distilled else super().sample_mu(model, settings, shape)

    def guidance(self, settings: SampleConfig) -> float:
        """As its makers count: what `cfg_scale` adds to the prediction for the prompt, so that 0 is none at all."""
        return settings.cfg_scale + 1
