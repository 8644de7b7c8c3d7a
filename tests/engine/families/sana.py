"""Sana."""

from typing import Any

from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
from diffusers.models.transformers.sana_transformer import SanaTransformer2DModel
from diffusers.pipelines.sana.pipeline_sana import SanaPipeline
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from tests.engine.family_case import SAMPLE, Case
from tests.engine.tiny_models import WIDTH, make_gemma, make_gemma_tokenizer

from onetrainer_web.config.enums import ModelType


def sana_parts() -> dict[str, Any]:
    """A Sana in diffusers' layout, whose autoencoder divides both sides by 4."""
    tokenizer = make_gemma_tokenizer()
    return {
        "transformer": SanaTransformer2DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=2,
            num_cross_attention_heads=2,
            cross_attention_head_dim=8,
            cross_attention_dim=WIDTH,
            caption_channels=WIDTH,
        ),
        "vae": AutoencoderDC(
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"),
            decoder_block_types=("ResBlock", "ResBlock", "EfficientViTBlock"),
            encoder_block_out_channels=(8, 8, 16),
            decoder_block_out_channels=(8, 8, 16),
            encoder_layers_per_block=(1, 1, 1),
            decoder_layers_per_block=(1, 1, 1),
            encoder_qkv_multiscales=((), (), (5,)),
            decoder_qkv_multiscales=((), (), (5,)),
            scaling_factor=0.41,
        ),
        "text_encoder": make_gemma(tokenizer),
        "tokenizer": tokenizer,
        "scheduler": DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, final_sigmas_type="zero"
        ),
    }


CASES = [
    Case(
        ModelType.SANA,
        sana_parts,
        SanaPipeline,
        call={
            "negative_prompt": SAMPLE["negative_prompt"],
            "use_resolution_binning": False,
            "complex_human_instruction": None,
        },
    )
]
