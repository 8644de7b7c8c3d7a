"""Z-Image."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from tests.engine.family_case import Case
from tests.engine.tiny_models import WIDTH, make_autoencoder, make_qwen_config, make_qwen_tokenizer, spread
from transformers.models.qwen3.modeling_qwen3 import Qwen3Model

from onetrainer_web.config.enums import ModelType
from onetrainer_web.engine.weights.diffusers_folder import write_folder


def make_z_image(folder: Path) -> Path:
    """A tiny one."""
    torch.manual_seed(1)
    tokenizer = make_qwen_tokenizer()
    networks: dict[str, Any] = {
        "transformer": ZImageTransformer2DModel(
            in_channels=4,
            dim=24,
            n_layers=2,
            n_refiner_layers=1,
            n_heads=2,
            n_kv_heads=2,
            cap_feat_dim=WIDTH,
            axes_dims=[4, 4, 4],
            axes_lens=[1024, 64, 64],
        ),
        "vae": make_autoencoder(shift_factor=0.1),
        "text_encoder": Qwen3Model(make_qwen_config(tokenizer)),
    }
    for network in networks.values():
        spread(network.eval())
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    write_folder(folder, "ZImagePipeline", {**networks, "tokenizer": tokenizer, "scheduler": scheduler}, None)
    return folder


CASES = [
    Case(
        ModelType.Z_IMAGE,
        make_z_image,
        ZImagePipeline,
        ("text_encoder",),
        ("DIFFUSERS_LORA", "KOHYA_LORA", "COMFY_LORA"),
        trains_text=False,
        own_sampler=True,
    )
]
