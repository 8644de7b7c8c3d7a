"""Models to measure with, random weights in real shapes: the embedded model's, and one of a hundred million weights."""

from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from PIL import Image
from transformers.models.clip.configuration_clip import CLIPTextConfig
from transformers.models.clip.modeling_clip import CLIPTextModel
from transformers.models.clip.tokenization_clip import CLIPTokenizer

from onetrainer_web.engine.weights.diffusers_folder import write_folder

UNETS: dict[str, dict[str, Any]] = {
    "demo": {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "block_out_channels": (64, 96),
        "layers_per_block": 1,
        "cross_attention_dim": 96,
        "attention_head_dim": 4,
        "norm_num_groups": 16,
    },
    "large": {
        "block_out_channels": (128, 256, 320, 320),
        "layers_per_block": 2,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
    },
}
"""What the UNets differ in; the large one has about 90 million weights."""
_SMALL_AUTOENCODER = {
    "block_out_channels": (16, 32, 32, 32),
    "layers_per_block": 1,
    "norm_num_groups": 8,
}
_PUBLISHED_AUTOENCODER = {
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
}
"""That of Stable Diffusion."""
LENGTH = 77


def write_model(folder: Path, size: str, *, has_small_autoencoder: bool = True) -> Path:
    """A model in diffusers' layout with one of `UNETS`; its autoencoder is a small one or has the published size."""
    torch.manual_seed(1)
    unet = UNet2DConditionModel(sample_size=16, **UNETS[size])
    width = UNETS[size]["cross_attention_dim"]
    tokenizer = _tokenizer()
    sizes = _SMALL_AUTOENCODER if has_small_autoencoder else _PUBLISHED_AUTOENCODER
    blocks: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
    }
    parts = {
        "unet": unet,
        "vae": AutoencoderKL(**blocks, **sizes),
        "text_encoder": CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=width,
                intermediate_size=2 * width,
                num_hidden_layers=2,
                num_attention_heads=4,
                bos_token_id=0,
                eos_token_id=1,
                pad_token_id=1,
            )
        ),
        "tokenizer": tokenizer,
        "scheduler": DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False),
    }
    write_folder(folder, "StableDiffusionPipeline", parts, None)
    return folder


def write_pictures(folder: Path, num_pictures: int, side_px: int) -> Path:
    """Captioned squares in different colours."""
    folder.mkdir(parents=True)
    for number in range(num_pictures):
        colour = (number * 37 % 256, number * 91 % 256, number * 53 % 256)
        Image.new("RGB", (side_px, side_px), colour).save(folder / f"{number:04}.png")
        (folder / f"{number:04}.txt").write_text(f"square {number}")
    return folder


def _tokenizer() -> CLIPTokenizer:
    characters = [chr(code) for code in range(33, 127)]
    words = ["<|startoftext|>", "<|endoftext|>", *characters, *(f"{character}</w>" for character in characters)]
    return CLIPTokenizer(vocab={word: index for index, word in enumerate(words)}, merges=[], model_max_length=LENGTH)
