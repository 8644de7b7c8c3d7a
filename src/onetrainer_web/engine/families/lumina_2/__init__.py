"""Lumina Image 2.0: one transformer over words and patches of latents alike, with Gemma's words (Qin et al. 2025)."""

from collections.abc import Mapping, Sequence

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_lumina2 import Lumina2Transformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.gemma.tokenization_gemma import GemmaTokenizer
from transformers.models.gemma2.modeling_gemma2 import Gemma2Model

from onetrainer_web.config.prefaces import LUMINA_2
from onetrainer_web.engine.families.lumina_2.names import LUMINA_2_PLACES
from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.places import WRAPPED
from onetrainer_web.engine.seams.precision import type_of


class Lumina2(FlowFamily):
    """Lumina Image 2.0 and what is fine-tuned from it."""

    architecture = "lumina-2"
    pipeline = "Lumina2Pipeline"
    original_places = LUMINA_2_PLACES
    pieces = {
        "transformer": Lumina2Transformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": Gemma2Model,
        "tokenizer": GemmaTokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    padding_side = "right"
    text_encoders = (
        TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="gemma2_2b", comfy_names=WRAPPED),
    )
    max_length = 256

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts behind their preface, cut off or filled up."""
        prefaced = [LUMINA_2.text + prompt if prompt else prompt for prompt in prompts]
        return super().tokenize(model, prefaced)

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """Gemma's hidden states in front of the last layer that is not left out, and which of them are words."""
        encoder = model.components[part]
        mask = is_word(model, "tokenizer", tokens).to(encoder.device)
        output = encoder(tokens.to(encoder.device), mask, output_hidden_states=True, use_cache=False)
        return {"prompt": output.hidden_states[-(skipped_layers + 2)], "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """The velocity towards noise; the transformer counts time from noise to picture, and predicts that way."""
        transformer = model.components["transformer"]
        share_B = 1 - timesteps_B / model.objective.num_timesteps
        return -transformer(
            noisy.to(type_of(transformer)),
            timestep=share_B,
            encoder_hidden_states=conditions["prompt"].to(type_of(transformer)),
            encoder_attention_mask=conditions["is_word"].bool(),
            return_dict=False,
        )[0]

    def guide(self, without: Tensor, with_prompt: Tensor, strength: float) -> Tensor:
        """As far from the negative prompt as usual, but each row of latents as long as without guidance."""
        guided = super().guide(without, with_prompt, strength)
        return guided * (with_prompt.norm(dim=-1, keepdim=True) / guided.norm(dim=-1, keepdim=True))
