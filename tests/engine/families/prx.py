"""PRX."""

import warnings
from pathlib import Path
from typing import Any, Self

from diffusers.models.transformers.transformer_prx import PRXTransformer2DModel
from diffusers.pipelines.prx.pipeline_prx import PRXPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, language_settings, make_autoencoder, make_gemma_tokenizer
from transformers.models.t5gemma.configuration_t5gemma import T5GemmaModuleConfig
from transformers.models.t5gemma.modeling_t5gemma import T5GemmaEncoder

from onetrainer_web.config.enums import ModelType


class Pipeline(PRXPipeline):
    """Reads text encoders of any size, where diffusers' takes those of the published one.

    Prompts become small letters; what else is cleaned from them (addresses, brackets) needs a package of its own. It
    has the method of Stable Diffusion for LoRAs, which knows no transformer and which diffusers warns of.
    """

    _lora_loadable_modules = ()

    @classmethod
    def from_pretrained(cls, folder: Path, **others: Any) -> Self:
        encoder = T5GemmaEncoder.from_pretrained(folder / "text_encoder")
        with warnings.catch_warnings(action="ignore", category=FutureWarning):
            return super().from_pretrained(folder, text_encoder=encoder, **others)

    def _tokenize_prompts(self, prompts: list[str], *others: Any, **settings: Any) -> Any:
        self.text_preprocessor.clean_text = lambda text: text.strip().lower()
        return super()._tokenize_prompts(prompts, *others, **settings)


def prx_parts() -> dict[str, Any]:
    """A tiny one."""
    tokenizer = make_gemma_tokenizer()
    tokenizer.model_max_length = 256
    return {
        "transformer": PRXTransformer2DModel(
            in_channels=4, context_in_dim=WIDTH, hidden_size=16, num_heads=2, depth=2, axes_dim=[4, 4]
        ),
        "vae": make_autoencoder(shift_factor=0.1),
        "text_encoder": T5GemmaEncoder(T5GemmaModuleConfig(**language_settings(tokenizer), dropout_rate=0.0)),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=3.0),
    }


NEGATIVE = {"negative_prompt": "BLUE, AND LONGER THAN THE PROMPT"}
CASES = [Case(ModelType.PRX, prx_parts, Pipeline, call={**NEGATIVE, "use_resolution_binning": False}, sample=NEGATIVE)]
