"""Stage 3: draw the captioned pictures and encode each once, because the denoiser looks at every one many times."""

import logging
import random
from pathlib import Path
from typing import NamedTuple

import torch
from scripts.tiny_model.autoencoder import as_model_input, load_autoencoder, picture_tensor
from scripts.tiny_model.tokenizer import load_or_train_tokenizer
from scripts.tiny_model.work import BuildPlan, read_checkpoint, write_checkpoint
from torch import Tensor
from transformers import CLIPTokenizer

from onetrainer_web.tiny.pictures import draw_picture

CHUNK = 250

logger = logging.getLogger(__name__)


class EncodedPictures(NamedTuple):
    """What the denoiser learns from."""

    latents_BCHW: Tensor
    """float16 of shape (pictures, 16, 8, 8), scaled to a standard deviation of 1."""
    tokens_BL: Tensor
    """int64 of shape (pictures, tokens), padded with the end token."""
    scaling_factor: float
    """What the autoencoder's latents were multiplied by."""


def caption_tokens(tokenizer: CLIPTokenizer, captions: list[str]) -> Tensor:
    """Give the tokens of captions, padded and cut as Stable Diffusion's pipeline does it: int64 (captions, tokens)."""
    encoded = tokenizer(
        captions, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    )
    return torch.as_tensor(encoded["input_ids"])


def encode_pictures(plan: BuildPlan, work_folder: Path) -> EncodedPictures:
    """Draw and encode the plan's captioned pictures, or read them if that is done."""
    path = work_folder / "latents.pt"
    if (state := read_checkpoint(path)) is None:
        autoencoder = load_autoencoder(work_folder)
        tokenizer = load_or_train_tokenizer(work_folder / "tokenizer", plan.seed)
        source = random.Random(f"{plan.seed} captioned pictures")
        latents: list[Tensor] = []
        tokens: list[Tensor] = []
        for start in range(0, plan.captioned_pictures, CHUNK):
            drawn = [draw_picture(source) for _ in range(min(CHUNK, plan.captioned_pictures - start))]
            pictures_BCHW = as_model_input(torch.stack([picture_tensor(picture.image) for picture in drawn]))
            with torch.no_grad():
                latents.append(autoencoder.encode(pictures_BCHW).latent_dist.mean)  # pyright: ignore[reportAttributeAccessIssue]
            tokens.append(caption_tokens(tokenizer, [picture.caption for picture in drawn]))
        latents_BCHW = torch.cat(latents)
        scaling_factor = 1 / latents_BCHW.std().item()
        logger.info("encoded %d pictures; scaling factor %.4f", len(latents_BCHW), scaling_factor)
        state = {
            "latents": (latents_BCHW * scaling_factor).half(),
            "tokens": torch.cat(tokens),
            "scaling_factor": scaling_factor,
        }
        write_checkpoint(path, state)
    return EncodedPictures(state["latents"], state["tokens"], state["scaling_factor"])
