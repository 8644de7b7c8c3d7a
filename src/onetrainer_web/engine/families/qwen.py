"""Qwen-Image: a transformer over patches of latents and words, with the last hidden states of Qwen2.5-VL."""

from collections.abc import Mapping, Sequence

from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage
from diffusers.models.transformers.transformer_qwenimage import QwenImageTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

from onetrainer_web.config.prefaces import QWEN_IMAGE
from onetrainer_web.engine.parts import picture_video
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.language import encode_layers, only_used
from onetrainer_web.engine.parts.patches import from_patches, to_patches
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.places import SAME_NAMES
from onetrainer_web.engine.seams.precision import type_of

TEMPLATE = f"{QWEN_IMAGE.text}{{}}<|im_end|>\n<|im_start|>assistant\n"
TEMPLATE_LENGTH = QWEN_IMAGE.tokens
"""Tokens of the template in front of the prompt, which the transformer does not see."""
_COMFY_NAMES = {"model.language_model": "model", "model.visual": "visual"}


class Qwen(FlowFamily):
    """The text-to-image models."""

    architecture = "qwen-image"
    pipeline = "QwenImagePipeline"
    pictures = picture_video
    original_places = SAME_NAMES
    pieces = {
        "transformer": QwenImageTransformer2DModel,
        "vae": AutoencoderKLQwenImage,
        "text_encoder": Qwen2_5_VLForConditionalGeneration,
        "tokenizer": Qwen2Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="qwen25_7b", comfy_names=_COMFY_NAMES),
    )
    kohya_denoiser = "lora_unet"
    legacy_is_dotted = True
    max_length = TEMPLATE_LENGTH + 512

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts in their template, cut off or filled up."""
        messages = [TEMPLATE.format(prompt) for prompt in prompts]
        return super().tokenize(model, messages)

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The last hidden states behind the beginning of the template, and which of them are words."""
        del skipped_layers
        mask = is_word(model, "tokenizer", tokens)
        hidden = encode_layers(model.components[part], tokens, mask, [-1])
        return {"prompt": hidden[:, TEMPLATE_LENGTH:], "is_word": mask[:, TEMPLATE_LENGTH:]}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        num_rows, _, height, width = noisy.shape
        dtype = type_of(transformer)
        prompt, mask = only_used(conditions["prompt"], conditions["is_word"])
        predicted = transformer(
            hidden_states=to_patches(noisy).to(dtype),
            timestep=(timesteps_B / 1000).to(dtype),
            encoder_hidden_states=prompt.to(dtype),
            encoder_hidden_states_mask=None if bool(mask.all()) else mask,
            img_shapes=[[(1, height // 2, width // 2)]] * num_rows,
            return_dict=False,
        )[0]
        return from_patches(predicted, height, width)

    def guide(self, without: Tensor, with_prompt: Tensor, strength: float) -> Tensor:
        """As far from the negative prompt as usual, but each patch as long as without guidance."""
        guided = to_patches(super().guide(without, with_prompt, strength))
        length = to_patches(with_prompt).norm(dim=-1, keepdim=True) / guided.norm(dim=-1, keepdim=True)
        return from_patches(guided * length, *without.shape[-2:])
