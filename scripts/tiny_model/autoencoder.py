"""Stage 2: the autoencoder that turns 64x64 pictures into 8x8 latents of 16 channels, trained on varied pictures.

Axes: B pictures, C channels, H rows, W columns.
"""

import logging
import random
from pathlib import Path
from typing import Any

import numpy
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from PIL import Image
from scripts.tiny_model.varied_pictures import draw_varied_picture
from scripts.tiny_model.work import BuildPlan, TimeSlice, generator_for, read_checkpoint, write_checkpoint
from torch import Tensor

LATENT_CHANNELS = 16
GRADIENT_WEIGHT = 0.3
KL_WEIGHT = 5e-4
CROP_PX = 32
"""Most steps train on crops of this size: a quarter of the work, and the network is convolutional anyway."""
WHOLE_EVERY = 8
"""Every so many steps train on whole pictures, so that the borders of 64x64 come out right too."""
OPENING = 4.0
"""Constant contrast between neighbouring channels before the last normalisation; see `_open`."""
CHECKPOINT_EVERY = 250
WARM_UP_STEPS = 100

logger = logging.getLogger(__name__)


def new_autoencoder() -> AutoencoderKL:
    """Make the untrained autoencoder."""
    model = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,  # pyright: ignore[reportArgumentType]
        up_block_types=("UpDecoderBlock2D",) * 4,  # pyright: ignore[reportArgumentType]
        block_out_channels=(16, 32, 48, 64),  # pyright: ignore[reportArgumentType]
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=1,
        sample_size=64,
    )
    with torch.no_grad():
        _start_as_a_linear_map(model)
    # A tenth to a fifth faster on a CPU.
    return model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def _start_as_a_linear_map(model: AutoencoderKL) -> None:
    """Initialise so that colours pass through from the first step on.

    Torch's own initialisation shrinks the signal in every layer, and group normalisation takes the mean and the
    contrast of a flat picture away, which is nearly all it has: from there, the network spent thousands of steps on
    learning to pass colours on. Here every layer keeps the variance, every residual branch starts at zero, and the
    last normalisation of encoder and decoder starts open.
    """
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Conv2d):
            if module.kernel_size == (1, 1):
                torch.nn.init.orthogonal_(module.weight)
            else:
                torch.nn.init.kaiming_normal_(module.weight, nonlinearity="linear")
            torch.nn.init.zeros_(module.bias)  # pyright: ignore[reportArgumentType]
        if name.endswith(("conv2", "to_out.0")):
            module.weight.zero_()  # pyright: ignore[reportCallIssue]
    _open(model.encoder.conv_norm_out, model.encoder.mid_block.resnets[-1])  # pyright: ignore
    _open(model.decoder.conv_norm_out, model.decoder.up_blocks[-1].resnets[-1])  # pyright: ignore
    # The second half of the channels is the logarithm of the posterior's variance: start almost without noise.
    quantizer = model.quant_conv
    assert quantizer is not None
    assert quantizer.bias is not None
    quantizer.weight[LATENT_CHANNELS:] *= 0.05
    quantizer.bias[LATENT_CHANNELS:] = -5.0
    model.decoder.conv_out.weight *= 0.3


def _open(norm: torch.nn.GroupNorm, last_block: Any) -> None:
    """Let `norm`, which follows `last_block`, begin as an (almost) linear map.

    The block adds a large constant of alternating sign to its channels. The variance that `norm` divides by is then
    nearly that constant's, whatever the picture; its weight and bias undo it and shift what follows into the linear
    part of SiLU.
    """
    signs = torch.tensor([1.0, -1.0]).repeat(norm.num_channels // 2)
    last_block.conv2.bias.copy_(OPENING * signs)
    norm.weight.fill_(OPENING)
    norm.bias.copy_(1.5 - OPENING * signs)


def picture_tensor(image: Image.Image) -> Tensor:
    """Give a picture as uint8 of shape (3, height, width)."""
    return torch.from_numpy(numpy.array(image)).permute(2, 0, 1)


def as_model_input(pictures_BCHW: Tensor) -> Tensor:
    """Scale uint8 pictures to float32 in [-1, 1]."""
    return pictures_BCHW.float() / 127.5 - 1


def reconstruction_loss(made_BCHW: Tensor, wanted_BCHW: Tensor) -> tuple[Tensor, Tensor]:
    """Give the mean absolute difference of the pixels, and that of the steps between neighbours (edges)."""
    error_BCHW = made_BCHW - wanted_BCHW
    edges = sum(error_BCHW.diff(dim=axis).abs().mean() for axis in (2, 3))
    return error_BCHW.abs().mean(), torch.as_tensor(edges)


def train_autoencoder(plan: BuildPlan, work_folder: Path, time_slice: TimeSlice) -> bool:
    """Train until the plan's steps are done or the time slice is over; go on from the checkpoint if there is one.

    Returns:
        Whether the plan's steps are done.
    """
    path = work_folder / "autoencoder.pt"
    torch.manual_seed(plan.seed)
    model = new_autoencoder()
    optimizer = torch.optim.Adam(model.parameters(), lr=plan.autoencoder_learning_rate, betas=(0.9, 0.99))
    state: dict[str, Any] = read_checkpoint(path) or {"step": 0, "losses": []}
    if state["step"] >= plan.autoencoder_steps:
        return True
    if state["step"]:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
    source = random.Random(f"{plan.seed} varied pictures")
    pictures = torch.stack([picture_tensor(draw_varied_picture(source)) for _ in range(plan.varied_pictures)])
    step: int = state["step"]
    losses: list[float] = state["losses"]
    while step < plan.autoencoder_steps and not time_slice.is_over():
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(plan, step)
        generator = generator_for(plan.seed, "autoencoder", step)
        losses.append(_training_step(model, optimizer, _batch(plan, pictures, step, generator), generator))
        step += 1
        if step % CHECKPOINT_EVERY == 0:
            logger.info("autoencoder step %d: L1 %.4f", step, sum(losses[-CHECKPOINT_EVERY:]) / CHECKPOINT_EVERY)
            _save(path, model, optimizer, step, losses)
    _save(path, model, optimizer, step, losses)
    return step >= plan.autoencoder_steps


def _learning_rate(plan: BuildPlan, step: int) -> float:
    share = step / plan.autoencoder_steps
    cosine = 0.5 + 0.5 * float(numpy.cos(numpy.pi * share))
    return plan.autoencoder_learning_rate * min(1.0, (step + 1) / WARM_UP_STEPS) * max(cosine, 0.01)


def _batch(plan: BuildPlan, pictures: Tensor, step: int, generator: torch.Generator) -> Tensor:
    """Pick pictures at random, mirror them and exchange their colour channels, so that few give many."""
    chosen = torch.randint(len(pictures), (plan.autoencoder_batch_size,), generator=generator)
    batch_BCHW = as_model_input(pictures[chosen])[:, torch.randperm(3, generator=generator)]
    flips = torch.rand(2, generator=generator) < 0.5
    batch_BCHW = batch_BCHW.flip([axis for axis, flip in zip((2, 3), flips.tolist(), strict=True) if flip])
    if step % WHOLE_EVERY == 0:
        return batch_BCHW[: len(batch_BCHW) // 2]
    top, left = torch.randint(64 - CROP_PX + 1, (2,), generator=generator).tolist()
    return batch_BCHW[:, :, top : top + CROP_PX, left : left + CROP_PX]


def _training_step(
    model: AutoencoderKL, optimizer: torch.optim.Optimizer, batch_BCHW: Tensor, generator: torch.Generator
) -> float:
    posterior = model.encode(batch_BCHW).latent_dist  # pyright: ignore[reportAttributeAccessIssue]
    made_BCHW = model.decode(posterior.sample(generator)).sample  # pyright: ignore[reportAttributeAccessIssue]
    pixels, edges = reconstruction_loss(made_BCHW, batch_BCHW)
    divergence = posterior.kl().mean() / posterior.mean[0].numel()
    optimizer.zero_grad()
    squares = (made_BCHW - batch_BCHW).square().mean()
    (pixels + squares + GRADIENT_WEIGHT * edges + KL_WEIGHT * divergence).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
    optimizer.step()
    return pixels.item()


def _save(path: Path, model: AutoencoderKL, optimizer: torch.optim.Optimizer, step: int, losses: list[float]) -> None:
    content = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "losses": losses}
    write_checkpoint(path, content)


def load_autoencoder(work_folder: Path) -> AutoencoderKL:
    """Load the trained autoencoder from its checkpoint, ready to use."""
    state = read_checkpoint(work_folder / "autoencoder.pt")
    assert state is not None, "the autoencoder is trained first"
    model = new_autoencoder()
    model.load_state_dict(state["model"])
    return model.eval().requires_grad_(False)
