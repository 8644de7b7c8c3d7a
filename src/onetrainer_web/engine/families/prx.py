"""PRX: a transformer over patches of latents that looks at the words of T5Gemma, which stay as they are (2025)."""

from collections.abc import Mapping, Sequence

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_prx import PRXTransformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor
from transformers.models.gemma.tokenization_gemma import GemmaTokenizer
from transformers.models.t5gemma.modeling_t5gemma import T5GemmaEncoder

from onetrainer_web.engine.parts.flow import FlowFamily
from onetrainer_web.engine.parts.language import only_used
from onetrainer_web.engine.parts.tokens import is_word
from onetrainer_web.engine.seams.interfaces import Model, TextEncoderPart
from onetrainer_web.engine.seams.precision import type_of


class Prx(FlowFamily):
    """All sizes of PRX that draw in the latents of FLUX's autoencoder."""

    architecture = "prx"
    pipeline = "PRXPipeline"
    pieces = {
        "transformer": PRXTransformer2DModel,
        "vae": AutoencoderKL,
        "text_encoder": T5GemmaEncoder,
        "tokenizer": GemmaTokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler,
    }
    padding_side = "right"
    text_encoders = (TextEncoderPart("text_encoder", "tokenizer", kohya="lora_te", comfy="t5gemma"),)
    is_evenly_spaced = False
    max_length = 256

    def tokenize(self, model: Model, prompts: Sequence[str]) -> dict[str, Tensor]:
        """Token ids of the prompts in small letters, as the model was trained, cut off or filled up."""
        return super().tokenize(model, [prompt.lower().strip() for prompt in prompts])

    def encode_tokens(self, model: Model, part: str, tokens: Tensor, skipped_layers: int) -> dict[str, Tensor]:
        """T5Gemma's hidden states, normalised as the last ones are, and which of them are words."""
        encoder = model.components[part]
        mask = is_word(model, "tokenizer", tokens).to(encoder.device)
        output = encoder(tokens.to(encoder.device), mask, output_hidden_states=skipped_layers > 0)
        hidden = encoder.norm(output.hidden_states[-(skipped_layers + 1)]) if skipped_layers else output[0]
        return {"prompt": hidden, "is_word": mask}

    def predict(self, model: Model, noisy: Tensor, timesteps_B: Tensor, conditions: Mapping[str, Tensor]) -> Tensor:
        """What the transformer makes of noisy latents, timesteps and words."""
        transformer = model.components["transformer"]
        prompt, mask = only_used(conditions["prompt"], conditions["is_word"])
        return transformer(
            noisy.to(type_of(transformer)),
            timestep=timesteps_B / model.objective.num_timesteps,
            encoder_hidden_states=prompt.to(type_of(transformer)),
            attention_mask=mask.bool(),
            return_dict=False,
        )[0]
