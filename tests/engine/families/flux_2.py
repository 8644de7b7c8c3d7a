"""FLUX.2 Klein; dev has tests of its own in test_flux_2.py."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from diffusers.pipelines.flux2.pipeline_flux2_klein import Flux2KleinPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import SAMPLE, Case
from tests.engine.tiny_models import WIDTH, make_flux_2_autoencoder, make_qwen_config, make_qwen_tokenizer, spread
from transformers.models.qwen3.modeling_qwen3 import Qwen3ForCausalLM

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


class ComparingPipeline(Flux2KleinPipeline):
    """The pipeline, which compares with the empty prompt only, with the sample's negative prompt in its place."""

    def encode_prompt(self, prompt: str | list[str], *args: Any, **others: Any) -> Any:
        """As usual."""
        return super().encode_prompt(prompt or SAMPLE["negative_prompt"], *args, **others)


def make_flux_2_parts(**changes: Any) -> dict[str, Any]:
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
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    return {"transformer": transformer, "vae": make_flux_2_autoencoder(), "scheduler": scheduler}


def make_klein(folder: Path) -> Path:
    """A tiny one, of which guidance is not distilled."""
    torch.manual_seed(1)
    tokenizer = make_qwen_tokenizer()
    parts = make_flux_2_parts(guidance_embeds=False)
    parts["text_encoder"] = Qwen3ForCausalLM(make_qwen_config(tokenizer, num_hidden_layers=28))
    for part in ("transformer", "vae", "text_encoder"):
        spread(parts[part].eval())
    write_folder(folder, "Flux2KleinPipeline", {**parts, "tokenizer": tokenizer}, None, {"is_distilled": False})
    return folder


CASES = [
    Case(
        ModelType.FLUX_2,
        make_klein,
        ComparingPipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA",),
        {"text_encoder_sequence_length": 96, "dynamic_timestep_shifting": True},
        trains_text=False,
        own_sampler=True,
        call={"max_sequence_length": 96},
    )
]
