"""Kandinsky 5 Lite, for pictures: a transformer over patches of latents, told by Qwen2.5-VL and the summary of CLIP."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_kandinsky import Kandinsky5Transformer3DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.qwen2.tokenization_qwen2 import Qwen2Tokenizer
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

from onetrainer_web.engine import autoencoder
from onetrainer_web.engine.clip import clip_lengths
from onetrainer_web.engine.flow import FlowFamily
from onetrainer_web.engine.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.language import encode_layers, only_used
from onetrainer_web.engine.tokens import is_word, tokenize

TEMPLATE = (
    "<|im_start|>system\nYou are a prompt engineer. Describe the image by detailing the color, shape, size, texture, "
    "quantity, text, spatial relationships of the objects and background:<|im_end|>\n<|im_start|>user\n{}<|im_end|>"
)
TEMPLATE_LENGTH = 40
"""Tokens of the template in front of the prompt, which the transformer does not see."""


class Kandinsky5(FlowFamily):
    """The text-to-image models."""

    architecture = "kandinsky-5"
    pipeline = "Kandinsky5T2IPipeline"
    pieces = {
        "transformer": Kandinsky5Transformer3DModel,
        "vae": AutoencoderKL,
        "text_encoder": Qwen2_5_VLForConditionalGeneration,
        "tokenizer": Qwen2Tokenizer,
        "text_encoder_2": CLIPTextModel,
        "tokenizer_2": CLIPTokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="qwen25_7b"),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="clip_l", module_prefix="text_model."),
    )
    padding_side = "right"
    is_evenly_spaced = False
    max_length = TEMPLATE_LENGTH + 512

    def encode_pictures(self, model: Model, pixels_BCHW: Tensor, seeds: Sequence[int]) -> Tensor:
        """Latents times their scaling factor; FLUX.1, whose autoencoder it is, shifts them as well."""
        return super().encode_pictures(model, pixels_BCHW, seeds) + _shift(model)

    def decode(self, model: Model, latents: Tensor) -> Image.Image:
        """The picture that the autoencoder makes of latents."""
        return autoencoder.decode(model.components["vae"], latents - _shift(model))

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts, for Qwen within the template, cut off or filled up."""
        cleaned = [" ".join(prompt.split()) for prompt in prompts]
        words = tokenize(
            self, model, [TEMPLATE.format(prompt) for prompt in cleaned], {"text_encoder": self.max_length}
        )
        return words | tokenize(self, model, cleaned, clip_lengths(model, "text_encoder_2"))

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Qwen's last hidden states of the prompt, with which of them are words; or CLIP's summary."""
        del skipped_layers
        encoder = model.components[part]
        if part == "text_encoder_2":
            return {"pooled": encoder(tokens.to(encoder.device)).pooler_output}
        mask = is_word(model, "tokenizer", tokens)
        hidden = encode_layers(encoder, tokens, mask, [-1])
        return {"prompt": hidden[:, TEMPLATE_LENGTH:], "is_word": mask[:, TEMPLATE_LENGTH:]}

    def predict(self, model: Model, noisy: Tensor, timesteps: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, words and summary.

        It takes no mask: prompts of different lengths go through it one by one.
        """
        rows = timesteps.to(noisy.device).expand(len(noisy))
        lengths = conditions["is_word"].sum(dim=1)
        if bool((lengths == lengths[0]).all()):
            return self._predict_rows(model, noisy, rows, conditions)
        each = [{name: told[row : row + 1] for name, told in conditions.items()} for row in range(len(noisy))]
        return torch.cat([self._predict_rows(model, noisy[[n]], rows[[n]], own) for n, own in enumerate(each)])

    def _predict_rows(
        self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]
    ) -> Tensor:
        transformer = model.components["transformer"]
        dtype, device = transformer.dtype, noisy.device
        prompt, _ = only_used(conditions["prompt"], conditions["is_word"])
        sides = (1, *(side // self.patch_side for side in noisy.shape[2:]))
        predicted = transformer(
            hidden_states=noisy.permute(0, 2, 3, 1).unsqueeze(1).to(dtype),
            encoder_hidden_states=prompt.to(dtype),
            timestep=timesteps_B.to(dtype),
            pooled_projections=conditions["pooled"].to(dtype),
            visual_rope_pos=[torch.arange(side, device=device) for side in sides],
            text_rope_pos=torch.arange(prompt.shape[1], device=device),
        ).sample
        return predicted.squeeze(1).permute(0, 3, 1, 2)


def _shift(model: Model) -> float:
    config = model.components["vae"].config
    return (config.shift_factor or 0.0) * config.scaling_factor
