"""AuraFlow: a transformer over words and patches of latents, with the words of a T5 (Fal 2024)."""

import math
from collections.abc import Mapping

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.auraflow_transformer_2d import AuraFlowTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.auto.tokenization_auto import AutoTokenizer
from transformers.models.umt5.modeling_umt5 import UMT5EncoderModel

from onetrainer_web.engine.families.aura_flow.names import AURA_FLOW_PLACES
from onetrainer_web.engine.parts.autoencoder import pixels_per_latent
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.t5 import encode_t5
from onetrainer_web.engine.parts.tokens import is_word, only_words
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of


class AuraFlow(FlowFamily):
    """All versions of AuraFlow."""

    architecture = "auraflow-v1"
    pipeline = "AuraFlowPipeline"
    original_places = AURA_FLOW_PLACES
    pieces = {
        "transformer": AuraFlowTransformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": UMT5EncoderModel,
        "tokenizer": AutoTokenizer,  # Llama's in some repositories and T5's in others
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="pile_t5xl"),)
    max_length = 256
    is_evenly_spaced = False

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """T5's hidden states, with zeros behind the last word: the transformer looks at all of them."""
        hidden_BLD = encode_t5(model.components[part], tokens, skipped_layers, is_word(model, "tokenizer", tokens))
        return {"prompt": only_words(model, "tokenizer", tokens, hidden_BLD)}

    def largest_side(self, model: Model) -> int:
        """The transformer has a table of places, of so many along each side."""
        config = model.components["transformer"].config
        return math.isqrt(config.pos_embed_max_size) * config.patch_size * pixels_per_latent(model.components["vae"])

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        share_B = timesteps_B / model.objective.num_timesteps
        return transformer(
            noisy.to(type_of(transformer)),
            encoder_hidden_states=conditions["prompt"].to(type_of(transformer)),
            timestep=share_B.to(type_of(transformer)),
            return_dict=False,
        )[0]
