"""Hunyuan Video: videos from words, by a transformer told what to draw by a Llama and CLIP (Kong et al. 2024)."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl_hunyuan_video import AutoencoderKLHunyuanVideo
from diffusers.models.transformers.transformer_hunyuan_video import HunyuanVideoTransformer3DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.llama.modeling_llama import LlamaModel

from onetrainer_web.config.enums import ModelFormat
from onetrainer_web.config.prefaces import HUNYUAN_VIDEO
from onetrainer_web.engine.families.hunyuan_video.names import HUNYUAN_VIDEO_COMFY_NAMES, HUNYUAN_VIDEO_PLACES
from onetrainer_web.engine.parts.clip import clip_lengths
from onetrainer_web.engine.parts.flow import DistilledFamily
from onetrainer_web.engine.parts.tokens import is_word, tokenize, told
from onetrainer_web.engine.parts.video import HunyuanPictures
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.places import WRAPPED
from onetrainer_web.engine.seams.precision import type_of

TEMPLATE = f"{HUNYUAN_VIDEO.text}{{}}<|eot_id|>"
"""What the model was trained to read around a prompt."""
CROPPED = HUNYUAN_VIDEO.tokens + 1
"""Tokens in front of the prompt, the beginning of every text among them; what the encoder makes of them is left out."""
MAX_LENGTH = 256
SKIPPED_LAYERS = 2
"""Of the Llama, in any case."""
GUIDANCE_SCALE = 1000
"""The transformer is told the strength of guidance times this."""


class HunyuanVideo(DistilledFamily):
    """The guidance-distilled model that makes videos from words."""

    architecture = "hunyuan-video"
    pipeline = "HunyuanVideoPipeline"
    pictures = HunyuanPictures()
    original_places = HUNYUAN_VIDEO_PLACES
    pieces = {
        "transformer": HunyuanVideoTransformer3DModel,
        "vae": AutoencoderKLHunyuanVideo,
        "text_encoder": LlamaModel,
        "text_encoder_2": CLIPTextModel,
        "tokenizer": AutoTokenizer,
        "tokenizer_2": CLIPTokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="llama", comfy_names=WRAPPED),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="clip_l", module_prefix="text_model."),
    )

    def names_in_adapters(self, model_format: ModelFormat, part: str, module_name: str, model: Model) -> Sequence[str]:
        """ComfyUI translates the names of its makers in adapter files, but for those of some embedders."""
        names = super().names_in_adapters(model_format, part, module_name, model)
        renamed = HUNYUAN_VIDEO_COMFY_NAMES if model_format is ModelFormat.COMFY_LORA else {}
        return [renamed.get(name, name) for name in names]

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts, for the Llama within the template, cut off or filled up."""
        templated = [TEMPLATE.format(prompt) for prompt in prompts]
        words = tokenize(self, model, templated, {"text_encoder": CROPPED + MAX_LENGTH})
        return words | tokenize(self, model, prompts, clip_lengths(model, "text_encoder_2"))

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The Llama's hidden states of the prompt, with which of them are words; or CLIP's summary."""
        encoder = model.components[part]
        tokens = tokens.to(encoder.device)
        if part == "text_encoder_2":
            return {"pooled": encoder(tokens).pooler_output}
        mask = is_word(model, "tokenizer", tokens)
        hidden = encoder(tokens, mask, output_hidden_states=True, use_cache=False).hidden_states
        return {"prompt": hidden[-(skipped_layers + SKIPPED_LAYERS + 1)][:, CROPPED:], "is_word": mask[:, CROPPED:]}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, words, summary and strength of guidance."""
        transformer = model.components["transformer"]
        config, dtype, device = transformer.config, type_of(transformer), noisy.device
        rows = noisy.shape[0]
        guidance = self.told_guidance(conditions, noisy) * GUIDANCE_SCALE
        return transformer(
            hidden_states=noisy.to(dtype),
            timestep=timesteps_B,
            encoder_hidden_states=told(conditions, "prompt", (rows, 1, config.text_embed_dim), device).to(dtype),
            encoder_attention_mask=conditions.get("is_word", torch.ones(rows, 1, device=device)),
            pooled_projections=told(conditions, "pooled", (rows, config.pooled_projection_dim), device).to(dtype),
            guidance=guidance.to(dtype) if config.guidance_embeds else None,
            return_dict=False,
        )[0]
