"""Lumina Image 2.0."""

from typing import Any

from diffusers.models.transformers.transformer_lumina2 import Lumina2Transformer2DModel
from diffusers.pipelines.lumina2.pipeline_lumina2 import Lumina2Pipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import SAMPLE, Case
from tests.engine.tiny_models import WIDTH, make_autoencoder, make_gemma, make_gemma_tokenizer

from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.prefaces import LUMINA_2


def lumina_parts() -> dict[str, Any]:
    """A Lumina in diffusers' layout; its pipeline wants an autoencoder that divides both sides by 8."""
    tokenizer = make_gemma_tokenizer()
    return {
        "transformer": Lumina2Transformer2DModel(
            in_channels=4,
            hidden_size=24,
            num_layers=2,
            num_refiner_layers=1,
            num_attention_heads=3,
            num_kv_heads=1,
            multiple_of=8,
            axes_dim_rope=(4, 2, 2),
            axes_lens=(300, 64, 64),
            cap_feat_dim=WIDTH,
        ),
        "vae": make_autoencoder(
            block_out_channels=(8, 8, 8, 16),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            shift_factor=0.1,
        ),
        "text_encoder": make_gemma(tokenizer),
        "tokenizer": tokenizer,
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=6.0),
    }


CASES = [
    Case(
        ModelType.LUMINA_2,
        lumina_parts,
        Lumina2Pipeline,
        call={"negative_prompt": f"{LUMINA_2.text}{SAMPLE['negative_prompt']}"},
    )
]
