"""Qwen-Image: a transformer over patches of latents and words, with the last hidden states of Qwen2.5-VL."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage
from diffusers.models.transformers.transformer_qwenimage import QwenImageTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.sampling import SampleConfig
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.flow import FlowObjective, create_flow_sampler, set_up_flow
from onetrainer_web.engine.interfaces import Components, Family, LoadRequest, Model, SaveTarget, TextEncoderPart
from onetrainer_web.engine.language import encode_layers, only_used
from onetrainer_web.engine.patches import from_patches, to_patches
from onetrainer_web.engine.picture_video import decode_picture, encode_pictures, latent_shape
from onetrainer_web.engine.tokens import is_word, tokenize
from onetrainer_web.engine.weights import diffusers_folder

_NETWORKS: dict[str, Any] = {
    "transformer": QwenImageTransformer2DModel,
    "vae": AutoencoderKLQwenImage,
    "text_encoder": Qwen2_5_VLForConditionalGeneration,
}
_OTHERS: dict[str, Any] = {"tokenizer": Qwen2Tokenizer, "scheduler": FlowMatchEulerDiscreteScheduler}
TEMPLATE = (
    "<|im_start|>system\nDescribe the image by detailing the color, shape, size, texture, quantity, text, spatial "
    "relationships of the objects and background:<|im_end|>\n<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n"
)
TEMPLATE_LENGTH = 34
"""Tokens of the template in front of the prompt, which the transformer does not see."""
MAX_LENGTH = 512
"""Tokens that it sees."""


class Qwen(Family):
    """The text-to-image models."""

    denoiser = "transformer"
    picture_encoder = "vae"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="qwen25_7b"),)
    kohya_denoiser = "lora_unet"
    legacy_is_dotted = True
    adapter_formats = (
        ModelFormat.DIFFUSERS_LORA,
        ModelFormat.KOHYA_LORA,
        ModelFormat.ORIGINAL_LORA,
        ModelFormat.COMFY_LORA,
        ModelFormat.LEGACY_LORA,
    )

    @property
    def full_formats(self) -> Sequence[ModelFormat]:
        """As a folder."""
        return (ModelFormat.DIFFUSERS,)

    @property
    def architecture(self) -> str:
        """Name in the modelspec metadata."""
        return "qwen-image"

    def load(self, request: LoadRequest) -> Components:
        """Load transformer, autoencoder, text encoder with its tokenizer, and the sampler's settings."""
        components = diffusers_folder.load_components(request, _NETWORKS, _OTHERS)
        return diffusers_folder.replace_parts(components, request, ("transformer", "vae"))

    def objective(self, components: Components, config: TrainConfig, device: torch.device) -> FlowObjective:
        """The velocity of a straight flow."""
        del config, device
        return set_up_flow(components)

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents drawn from the autoencoder's distribution, each channel with mean 0 and deviation 1."""
        return encode_pictures(model.components["vae"], pixels_BCHW, seeds)

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts in their template, cut off or filled up."""
        messages = [TEMPLATE.format(prompt) for prompt in prompts]
        return tokenize(self, model, messages, {"text_encoder": TEMPLATE_LENGTH + MAX_LENGTH})

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The last hidden states behind the beginning of the template, and which of them are words."""
        del skipped_layers
        mask = is_word(model, "tokenizer", tokens)
        hidden = encode_layers(model.components[part], tokens, mask, [-1])
        return {"prompt": hidden[:, TEMPLATE_LENGTH:], "is_word": mask[:, TEMPLATE_LENGTH:]}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        num_rows, _, height, width = noisy.shape
        dtype, device = transformer.dtype, noisy.device
        prompt, mask = only_used(conditions["prompt"], conditions["is_word"])
        predicted = transformer(
            hidden_states=to_patches(noisy).to(dtype),
            timestep=(timesteps.to(device).expand(num_rows) / 1000).to(dtype),
            encoder_hidden_states=prompt.to(dtype),
            encoder_hidden_states_mask=None if bool(mask.all()) else mask.to(device),
            img_shapes=[[(1, height // 2, width // 2)]] * num_rows,
            return_dict=False,
        )[0]
        return from_patches(predicted, height, width)

    def latent_shape(self, model: Model, settings: SampleConfig) -> tuple[int, ...]:
        """Of one sample: (1, channels, height, width)."""
        return latent_shape(model.components["vae"], settings)

    def sampler(self, model: Model, settings: SampleConfig, shape: tuple[int, ...]) -> Any:
        """Along the flow, shifted for the size of the picture."""
        return create_flow_sampler(model, settings, shape)

    def guide(self, without: Tensor, with_prompt: Tensor, strength: float) -> Tensor:
        """As far from the negative prompt as usual, but each patch as long as without guidance."""
        guided = to_patches(super().guide(without, with_prompt, strength))
        length = to_patches(with_prompt).norm(dim=-1, keepdim=True) / guided.norm(dim=-1, keepdim=True)
        return from_patches(guided * length, *without.shape[-2:])

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return decode_picture(model.components["vae"], latents)

    def save(self, model: Model, target: SaveTarget) -> None:
        """Write a diffusers folder."""
        diffusers_folder.write_folder(target.path, "QwenImagePipeline", model.components, target.dtype)

    def original_module_name(self, part: str, module_name: str, model: Model) -> str | None:
        """The transformer has the same names everywhere."""
        del model
        return module_name if part == "transformer" else None
