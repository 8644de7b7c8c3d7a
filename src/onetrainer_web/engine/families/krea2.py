"""Krea 2: one transformer over words and patches of latents, with hidden states of many layers of Qwen3-VL."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage
from diffusers.models.transformers.transformer_krea2 import Krea2Transformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLModel

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow
from onetrainer_web.engine.interfaces import Components, Family, LoadRequest, Model, SaveTarget, TextEncoderPart
from onetrainer_web.engine.language import encode_layers, only_used
from onetrainer_web.engine.patches import from_patches, places, to_patches
from onetrainer_web.engine.picture_video import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.tokens import is_word, tokenize
from onetrainer_web.engine.weights import diffusers_folder

_NETWORKS: dict[str, Any] = {
    "transformer": Krea2Transformer2DModel,
    "vae": AutoencoderKLQwenImage,
    "text_encoder": Qwen3VLModel,
}
_OTHERS: dict[str, Any] = {"tokenizer": Qwen2Tokenizer, "scheduler": FlowMatchEulerDiscreteScheduler}
PREFACE = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial "
    "relationships of the objects and background:<|im_end|>\n<|im_start|>user\n"
)
PREFACE_LENGTH = 34
"""Tokens in front of the prompt, which the transformer does not see."""
ENDING = "<|im_end|>\n<|im_start|>assistant\n"
ENDING_LENGTH = 5
MAX_LENGTH = 512
"""Tokens that the transformer sees, ending included."""
LAYERS = (2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 32, 35)
"""Whose hidden states it sees, where the model names no others."""
DISTILLED_SHIFT = 1.15


class Krea2(Family):
    """The base model, and what is distilled from it."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="qwen3_vl"),)
    kohya_denoiser = "lora_unet"
    # The other styles name the modules of the original code, which is not here yet.
    adapter_formats = (ModelFormat.DIFFUSERS_LORA,)

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """As a folder."""
        return (ModelFormat.DIFFUSERS,)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "krea-2"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, text encoder with its tokenizer, and the sampler's settings."""
        index = diffusers_folder.read_index(request)
        self._layers = tuple(index.get("text_encoder_select_layers") or LAYERS)
        self._is_distilled = bool(index.get("is_distilled"))
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        return diffusers_folder.replace_parts(components, request, ("vae",))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        return set_up_flow(components)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, each channel with mean 0 and deviation 1."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

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

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        num_rows, _, height, width = noisy.shape
        dtype, device = transformer.dtype, noisy.device
        prompt, mask = only_used(conditions["prompt"], conditions["is_word"])
        nowhere = torch.zeros(prompt.shape[1], 3)
        predicted = transformer(
            hidden_states=to_patches(noisy).to(dtype),
            encoder_hidden_states=prompt.unflatten(-1, (len(self._layers), -1)).to(dtype),
            timestep=(timesteps.to(device).expand(num_rows) / 1000).to(dtype),
            position_ids=torch.cat([nowhere, places(height, width)]).to(device),
            encoder_attention_mask=mask.to(device).bool(),
            return_dict=False,
        )[0]
        return from_patches(predicted, height, width)

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow, shifted for the size of the picture unless it is distilled."""
        return create_flow_sampler(model, settings, shape, exponent=DISTILLED_SHIFT if self._is_distilled else None)

    def guidance(self, settings: SampleConfig) -> float:
        """As its makers count: what `cfg_scale` adds to the prediction for the prompt, so that 0 is none at all."""
        return settings.cfg_scale + 1

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        settings = {"text_encoder_select_layers": self._layers, "is_distilled": self._is_distilled, "patch_size": 2}
        diffusers_folder.write_folder(target.path, "Krea2Pipeline", model.components, target.dtype, settings)
