"""Stage 4: the UNet and the text encoder, trained together to undo noise (v-prediction), with averaged weights.

Axes: B pictures, C channels, H rows, W columns, L tokens.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from scripts.tiny_model.autoencoder import LATENT_CHANNELS
from scripts.tiny_model.latents import EncodedPictures, caption_tokens
from scripts.tiny_model.work import BuildPlan, TimeSlice, generator_for, read_checkpoint, write_checkpoint
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

TEXT_WIDTH = 96
CHECKPOINT_EVERY = 250
WARM_UP_STEPS = 100

logger = logging.getLogger(__name__)


class Denoiser(nn.Module):
    """The two networks that are trained together; `noisy latents, timesteps, tokens -> v`."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        vocabulary = tokenizer.get_vocab()
        self.text_encoder = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=TEXT_WIDTH,
                intermediate_size=2 * TEXT_WIDTH,
                projection_dim=TEXT_WIDTH,
                num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=tokenizer.model_max_length,
                bos_token_id=vocabulary[str(tokenizer.bos_token)],
                eos_token_id=vocabulary[str(tokenizer.eos_token)],
                pad_token_id=vocabulary[str(tokenizer.pad_token)],
            )
        )
        self.unet = UNet2DConditionModel(
            sample_size=8,
            in_channels=LATENT_CHANNELS,
            out_channels=LATENT_CHANNELS,
            # Attention only where there are 16 positions: half of the work would otherwise go into the 64 above.
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            block_out_channels=(64, 96),
            layers_per_block=1,
            cross_attention_dim=TEXT_WIDTH,
            attention_head_dim=4,
            norm_num_groups=16,
        ).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def forward(self, noisy_BCHW: Tensor, timesteps_B: Tensor, tokens_BL: Tensor) -> Tensor:
        """Predict v, of the shape of `noisy_BCHW`."""
        words_BLD = self.text_encoder(tokens_BL).last_hidden_state
        return self.unet(noisy_BCHW, timesteps_B, words_BLD).sample


def new_scheduler() -> DDIMScheduler:
    """Make the noise schedule: Stable Diffusion's, but ending in more noise.

    A picture of 8x8 latents shows its mean colour through much more noise than one of 64x64, so `beta_end` is larger:
    0.02 leaves a signal of 0.016 at the last step, where 0.012 would leave 0.068.
    """
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.02,
        prediction_type="v_prediction",
        steps_offset=1,
        clip_sample=False,
        set_alpha_to_one=False,
        timestep_spacing="trailing",
    )


def train_denoiser(
    plan: BuildPlan, pictures: EncodedPictures, tokenizer: CLIPTokenizer, work_folder: Path, time_slice: TimeSlice
) -> bool:
    """Train until the plan's steps are done or the time slice is over; go on from the checkpoint if there is one.

    Returns:
        Whether the plan's steps are done.
    """
    path = work_folder / "denoiser.pt"
    torch.manual_seed(plan.seed)
    model = Denoiser(tokenizer).train()
    averaged = AveragedModel(model, avg_fn=_follow(plan.ema_decay))
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.denoiser_learning_rate, betas=(0.9, 0.99), fused=True)
    state: dict[str, Any] = read_checkpoint(path) or {"step": 0, "losses": []}
    if state["step"]:
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
    step: int = state["step"]
    losses: list[float] = state["losses"]
    batches = _Batches(plan, pictures, caption_tokens(tokenizer, [""]))

    def save() -> None:
        content = {"model": model.state_dict(), "averaged": averaged.state_dict()}
        write_checkpoint(path, content | {"optimizer": optimizer.state_dict(), "step": step, "losses": losses})

    while step < plan.denoiser_steps and not time_slice.is_over():
        for group in optimizer.param_groups:
            group["lr"] = _learning_rate(plan, step)
        losses.append(_training_step(model, optimizer, batches.at(step)))
        averaged.update_parameters(model)
        step += 1
        if step % CHECKPOINT_EVERY == 0:
            logger.info("denoiser step %d: loss %.4f", step, sum(losses[-CHECKPOINT_EVERY:]) / CHECKPOINT_EVERY)
            save()
    save()
    return step >= plan.denoiser_steps


def _learning_rate(plan: BuildPlan, step: int) -> float:
    """Warm up, stay, and fall to nothing in the last share of the steps: so the plan's length may be changed midway."""
    left = (plan.denoiser_steps - step) / (plan.denoiser_decay_share * plan.denoiser_steps)
    return plan.denoiser_learning_rate * min(1.0, (step + 1) / WARM_UP_STEPS, left)


def _follow(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Give an exponential moving average that forgets its beginning faster than `decay` would, while it is young."""

    def average(averaged: Tensor, current: Tensor, num_averaged: Tensor | int) -> Tensor:
        count = int(num_averaged)
        return averaged.lerp(current, 1 - min(decay, count / (count + 10)))

    return average


class _Batches:
    """Gives noisy latents, timesteps, tokens and the wanted v of any step."""

    def __init__(self, plan: BuildPlan, pictures: EncodedPictures, no_caption_1L: Tensor) -> None:
        self._plan, self._pictures, self._no_caption_1L = plan, pictures, no_caption_1L
        self._scheduler = new_scheduler()

    def at(self, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        plan, generator = self._plan, generator_for(self._plan.seed, "denoiser batch", step)
        chosen_B = torch.randint(len(self._pictures.latents_BCHW), (plan.denoiser_batch_size,), generator=generator)
        latents_BCHW = self._pictures.latents_BCHW[chosen_B].float()
        noise_BCHW = torch.randn(latents_BCHW.shape, generator=generator)
        # One timestep from each of B equal parts of the schedule: less chance in the loss than B free draws.
        shares_B = (torch.arange(len(chosen_B)) + torch.rand(len(chosen_B), generator=generator)) / len(chosen_B)
        timesteps_B = (shares_B * len(self._scheduler.alphas_cumprod)).long()
        dropped_B = torch.rand(len(chosen_B), generator=generator) < plan.caption_dropout
        tokens_BL = torch.where(dropped_B[:, None], self._no_caption_1L, self._pictures.tokens_BL[chosen_B])
        noisy_BCHW = self._scheduler.add_noise(latents_BCHW, noise_BCHW, timesteps_B)  # pyright: ignore[reportArgumentType]
        wanted_BCHW = self._scheduler.get_velocity(latents_BCHW, noise_BCHW, timesteps_B)  # pyright: ignore[reportArgumentType]
        return noisy_BCHW, timesteps_B, tokens_BL, wanted_BCHW


def _training_step(
    model: Denoiser, optimizer: torch.optim.Optimizer, batch: tuple[Tensor, Tensor, Tensor, Tensor]
) -> float:
    noisy_BCHW, timesteps_B, tokens_BL, wanted_BCHW = batch
    loss = nn.functional.mse_loss(model(noisy_BCHW, timesteps_B, tokens_BL), wanted_BCHW)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def load_denoiser(work_folder: Path, tokenizer: CLIPTokenizer) -> Denoiser:
    """Load the averaged weights of the trained networks, ready to use."""
    state = read_checkpoint(work_folder / "denoiser.pt")
    assert state is not None, "the denoiser is trained before it is used"
    averaged = AveragedModel(Denoiser(tokenizer))
    averaged.load_state_dict(state["averaged"])
    model = averaged.module
    assert isinstance(model, Denoiser)
    return model.eval().requires_grad_(False)
