"""FLUX.2 Klein; dev has tests of its own in test_flux_2.py."""

from typing import Any

from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from diffusers.pipelines.flux2.pipeline_flux2_klein import Flux2KleinPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import SAMPLE, Case
from tests.engine.tiny_models import WIDTH, language_settings, make_flux_2_autoencoder, make_qwen_tokenizer
from transformers.models.qwen3.configuration_qwen3 import Qwen3Config
from transformers.models.qwen3.modeling_qwen3 import Qwen3ForCausalLM

from onetrainer_web.config.enums import ModelType


class ComparingPipeline(Flux2KleinPipeline):
    """The pipeline, which compares with the empty prompt only, with the sample's negative prompt in its place."""

    def encode_prompt(self, prompt: str | list[str], *args: Any, **others: Any) -> Any:
        """As usual."""
        return super().encode_prompt(prompt or SAMPLE["negative_prompt"], *args, **others)


def flux_2_parts(**changes: Any) -> dict[str, Any]:
    """What both variants have in tiny."""
    transformer = Flux2Transformer2DModel(
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * WIDTH,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        **changes,
    )
    return {
        "transformer": transformer,
        "vae": make_flux_2_autoencoder(),
        "scheduler": FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
    }


def klein_parts() -> dict[str, Any]:
    """A tiny one, of which guidance is not distilled."""
    tokenizer = make_qwen_tokenizer()
    return {
        **flux_2_parts(guidance_embeds=False),
        "text_encoder": Qwen3ForCausalLM(Qwen3Config(**language_settings(tokenizer, num_layers=28))),
        "tokenizer": tokenizer,
    }


CASES = [
    Case(
        ModelType.FLUX_2,
        klein_parts,
        ComparingPipeline,
        settings={"text_encoder_sequence_length": 96, "dynamic_timestep_shifting": True},
        call={"max_sequence_length": 96},
        index={"is_distilled": False},
    )
]
