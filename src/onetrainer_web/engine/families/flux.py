"""FLUX.1 dev, Fill and Kontext: a transformer over patches of latents and words, told what to draw by CLIP and T5."""

from collections.abc import Mapping, Sequence

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.models.t5.tokenization_t5 import T5Tokenizer

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.parts.autoencoder import encode_hint
from onetrainer_web.engine.parts.clip import clip_lengths
from onetrainer_web.engine.parts.flow import DistilledFamily
from onetrainer_web.engine.parts.inpainting import beside, draws_after, inpaints, picture_then_mask
from onetrainer_web.engine.parts.patches import from_patches, places, to_patches
from onetrainer_web.engine.parts.t5 import encode_t5
from onetrainer_web.engine.parts.tokens import only_words, tokenize, told
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of
from onetrainer_web.engine.weights.flux_keys import FLUX_PLACES
from onetrainer_web.pipeline.entries import HINT


class Flux(DistilledFamily):
    """The guidance-distilled model: it is told the strength of guidance instead of comparing two predictions."""

    architecture = "flux-1-dev"
    original_places = FLUX_PLACES
    pieces = {
        "transformer": FluxTransformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": CLIPTextModel,
        "text_encoder_2": T5EncoderModel,
        "tokenizer": CLIPTokenizer,
        "tokenizer_2": T5Tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te1", comfy="clip_l", module_prefix="text_model."),
        TextEncoderPart("text_encoder_2", "tokenizer_2", kohya="lora_te2", comfy="t5xxl"),
    )

    def __init__(self, model_type: ModelType) -> None:
        super().__init__(model_type)
        kind = "Fill" if inpaints(self) else "Kontext" if draws_after(self) else ""
        self.pipeline = f"Flux{kind}Pipeline"
        if draws_after(self):
            self.architecture = "Flux.1-dev/kontext"

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids for each of both encoders, cut off or filled up to its length."""
        lengths = {**clip_lengths(model, "text_encoder"), "text_encoder_2": self._t5_length}
        return tokenize(self, model, prompts, lengths)

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """The summary of CLIP, which no skipped layer changes, or the hidden states of T5."""
        if part == "text_encoder":
            encoder = model.components[part]
            return {"pooled": encoder(tokens.to(encoder.device)).pooler_output}
        words = encode_t5(model.components[part], tokens, skipped_layers)
        return {"prompt": only_words(model, "tokenizer_2", tokens, words) if self.masks_filling else words}

    def hint(self, model: Model, shown_BCHW: Tensor, masks_B1HW: Tensor) -> Tensor:
        """The latents of what is shown, and for inpainting models where to draw."""
        vae = model.components["vae"]
        return encode_hint(vae, shown_BCHW) if draws_after(self) else picture_then_mask(vae, shown_BCHW, masks_B1HW)

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps, words, summary and strength of guidance."""
        transformer = model.components["transformer"]
        num_rows, _, height, width = noisy.shape
        config, dtype, device = transformer.config, type_of(transformer), noisy.device
        pooled = told(conditions, "pooled", (num_rows, config.pooled_projection_dim), device)
        prompt = told(conditions, "prompt", (num_rows, self._t5_length, config.joint_attention_dim), device).to(dtype)
        patches, grid = to_patches(noisy if draws_after(self) else beside(noisy, conditions)), places(height, width)
        num_patches = len(grid)
        if draws_after(self) and HINT in conditions:
            patches = torch.cat([patches, to_patches(conditions[HINT].to(device, noisy.dtype))], dim=1)
            grid = torch.cat([grid, grid + torch.tensor([1, 0, 0])])
        predicted = transformer(
            hidden_states=patches.to(dtype),
            timestep=(timesteps_B / 1000).to(dtype),
            guidance=self.told_guidance(conditions, noisy).to(dtype) if config.guidance_embeds else None,
            pooled_projections=pooled.to(dtype),
            encoder_hidden_states=prompt,
            txt_ids=torch.zeros(prompt.shape[1], 3, device=device, dtype=dtype),
            img_ids=grid.to(device, dtype),
            return_dict=False,
        )[0]
        return from_patches(predicted[:, :num_patches], height, width)

    @property
    def _t5_length(self) -> int:
        return self.config.text_encoder_2_sequence_length or self.max_length
