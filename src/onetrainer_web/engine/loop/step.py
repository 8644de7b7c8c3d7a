"""One training step: a batch in, gradients out, and every few of them an optimizer step."""

import math
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from onetrainer_web.config.devices import batches_an_update
from onetrainer_web.config.enums import TimeUnit
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.loop.data import TrainingSet
from onetrainer_web.engine.loop.intervals import has_passed
from onetrainer_web.engine.loop.losses import Noised, needs_prior, weighted_losses
from onetrainer_web.engine.loop.rounds import plan_rounds
from onetrainer_web.engine.loop.timesteps import TimestepSettings, draw_timesteps
from onetrainer_web.engine.loop.trained import Trained
from onetrainer_web.engine.optimization.exchange import Exchange, GradientExchange
from onetrainer_web.engine.optimization.optimizers import effective_rate, scale_of
from onetrainer_web.engine.parts.speed import activations_wait_outside
from onetrainer_web.engine.runtime.errors import LossNotFiniteError
from onetrainer_web.engine.runtime.randomness import derive_seed, numpy_generator
from onetrainer_web.engine.runtime.ranks import Ranks
from onetrainer_web.engine.seams.interfaces import Limit, ParameterGroup
from onetrainer_web.engine.seams.objectives import draw_noise
from onetrainer_web.pipeline.batches import Batch
from onetrainer_web.protocol.events import Progress

MAX_SMOOTHING = 0.99


@dataclass
class _Numbers:
    """What the loop remembers from step to step; all of it goes into backups."""

    num_updates: int = 0
    smooth_loss: float = 0.0
    num_overflows: int = 0
    """Updates that changed nothing, because scaled gradients were too large for float16."""


class TrainStep:
    """Trains batches."""

    def __init__(
        self,
        trained: Trained,
        scheduler: LRScheduler,
        data: TrainingSet,
        ranks: Ranks,
        kept: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin, or go on.

        Args:
            trained: What learns, as it is when the first batch comes.
            scheduler: Of its optimizer, where the first batch finds it.
            data: Gives the batches.
            ranks: Who takes them.
            kept: What a backup remembers of `state`; None at the start, and if it remembers nothing.
        """
        model = trained.model
        self._family = trained.method.family
        self._model = model
        self._trained = trained
        self._scheduler = scheduler
        self._data = data
        self._ranks = ranks
        is_alone = ranks.size == 1
        self._exchange = Exchange() if is_alone else GradientExchange(trained.updates, ranks, trained.config)
        self._config: TrainConfig = trained.config
        self._per_update = batches_an_update(trained.config)
        self._numbers = _Numbers()
        self._losses: list[Tensor] = []
        """Of the batches whose gradients wait for others; 0 for those that other ranks have."""
        self._learning = list(trained.groups)
        self._parts = {group.part for group in trained.groups if group.part}
        parameters = [item for group in trained.groups for item in group.parameters.values()]
        self._timesteps = TimestepSettings.of(self._config, model.objective.num_timesteps)
        self._loss_scale = scale_of(self._config, self._config.loss_scaler)
        precision = model.precision
        is_scaled = precision.needs_scaler(parameters)
        self._scaler = torch.amp.GradScaler(precision.device.type, enabled=is_scaled)
        self._set_up_checkpointing()
        parts = {self._family.denoiser, *self._parts}
        waits = any(self._family.part_config(self._config, part).activation_offloading for part in parts)
        self._activations = activations_wait_outside if waits else nullcontext
        if kept:
            self._restore(kept)

    @property
    def device(self) -> torch.device:
        """Where it trains."""
        return self._model.precision.device

    @property
    def smooth_loss(self) -> float:
        """A running average of the loss."""
        return self._numbers.smooth_loss

    @property
    def has_changed(self) -> bool:
        """Whether any update has changed a weight."""
        return self._numbers.num_updates > self._numbers.num_overflows

    @property
    def is_accumulating(self) -> bool:
        """Whether gradients wait for further batches."""
        return bool(self._losses)

    def set_training(self, is_training: bool) -> None:
        """Switch the trained parts between training and drawing: dropout, and checkpointing in transformers."""
        for part in self._parts:
            self._model.module(part).train(is_training)

    def freeze_finished_parts(self, progress: Progress, seconds: float) -> bool:
        """Freeze the parts that have reached `stop_training_after`, in front of a step.

        Args:
            progress: Where the training stands.
            seconds: Of training so far, for limits in units of time.

        Returns:
            Whether any part goes on training.
        """
        for group in self._learning.copy():
            limit = self._limit(group)
            if has_passed(limit.after, limit.unit, progress, seconds):
                self._learning.remove(group)
                for parameter in group.parameters.values():
                    parameter.requires_grad_(False)
        return bool(self._learning)

    def plan_rounds(self, progress: Progress, num_batches: int) -> list[range]:
        """The rounds of an epoch in which ranks take its batches; see `plan_rounds`.

        Args:
            progress: Where the training stands.
            num_batches: Of the whole epoch.
        """
        limits = [self._limit(group) for group in self._learning]
        ends = [limit.after for limit in limits if limit.unit is TimeUnit.STEP and limit.after is not None]
        return plan_rounds(
            range(progress.epoch_step, num_batches),
            self._ranks.size,
            len(self._losses),
            self._per_update,
            [end - progress.global_step for end in ends],
        )

    def take(self, batch: Batch | None, progress: Progress, num_batches: int = 1) -> dict[str, float]:
        """Train one round of batches, of which this rank has one.

        Args:
            batch: On the CPU; None for a rank that has none in this round.
            progress: Where the training stands in front of it.
            num_batches: Of the round, one for each of the first ranks.

        Returns:
            Scalars under OneTrainer's TensorBoard tags behind an optimizer step, otherwise nothing.

        Raises:
            LossNotFiniteError: The loss became NaN or infinite.
        """
        last = progress.global_step + num_batches - 1
        updates = self._trained.updates
        updates.begin(last)
        is_last = len(self._losses) + num_batches >= self._per_update
        losses = [torch.zeros((), device=self.device)] * num_batches
        if batch is not None:
            losses[self._ranks.rank] = self._learn(batch, progress.global_step + self._ranks.rank, is_last=is_last)
        self._losses += losses
        if not is_last:
            updates.put_by()
            return {}
        return self._update(last + 1)

    def _learn(self, batch: Batch, step: int, *, is_last: bool) -> Tensor:
        """The loss of a batch, whose gradients are there then."""
        torch.manual_seed(derive_seed("step", step))
        loss = self._loss(batch, step) / self._per_update
        if self._trained.updates.is_fused:  # the weights change within the backward pass
            _require_finite(float(loss.detach()), step + 1)
        with self._exchange.along(step, is_last=is_last):
            self._scaler.scale(loss).backward()
        return loss.detach()

    def finish(self, progress: Progress) -> dict[str, float]:
        """Use the gradients of an accumulation that stays incomplete, because no batch follows.

        Args:
            progress: Where the training ends.

        Returns:
            As `take`; nothing when no gradient waits.
        """
        if not self._losses:
            return {}
        self._trained.updates.begin(progress.global_step - 1)
        return self._update(progress.global_step)

    def collect(self, progress: Progress) -> None:
        """Let the first rank have what waits for further batches, as a backup keeps it."""
        if self._losses:
            self._losses = list(self._exchange.collect(self._losses, progress.global_step).unbind())

    def state(self) -> dict[str, Any]:
        """Plain numbers for a backup."""
        pending = [float(loss) for loss in self._losses]
        return {
            **asdict(self._numbers),
            "pending": pending,
            "accumulation": self._per_update,
            "scaler": self._scaler.state_dict(),
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._numbers = _Numbers(state["num_updates"], state["smooth_loss"], state.get("num_overflows", 0))
        change = state.get("accumulation", self._per_update) / self._per_update
        here = change if self._ranks.is_first else 0.0  # as the gradients, which the first rank has taken up
        device = self.device
        self._losses = [torch.tensor(loss * here, device=device) for loss in state["pending"]]
        self._trained.updates.scale(change)
        self._scaler.load_state_dict(state["scaler"])

    def _loss(self, batch: Batch, global_step: int) -> Tensor:
        """The weighted mean of the losses of a batch."""
        config, trained, device = self._config, self._trained, self.device
        latents = batch.latents_BCHW.to(device, torch.float32)
        weights_B = batch.loss_weights_B.to(device)  # before the forward pass, for whose end a copy would wait
        conditions = self._data.conditions(batch, global_step, device)
        prior_conditions = None
        if needs_prior(trained.method, batch):
            with torch.no_grad(), trained.method.untrained():
                prior_conditions = self._data.conditions(batch, global_step, device)
        settings = replace(self._timesteps, shift=self._model.objective.timestep_shift(config, latents))
        drawn = draw_timesteps(settings, len(latents), numpy_generator("timesteps", global_step))
        timesteps_B = torch.from_numpy(drawn).to(device)
        scale_B = self._model.objective.offset_scale(timesteps_B) if config.generalized_offset_noise else None
        noise = draw_noise(config, latents, global_step, scale_B)
        noised = Noised(latents, noise, timesteps_B, conditions, prior_conditions)
        with self._activations():
            losses = weighted_losses(trained.method, batch, noised)
        return (losses * weights_B * self._loss_scale).mean()

    def _update(self, global_step: int) -> dict[str, float]:
        """The optimizer step behind the last batch of an accumulation, with the mean over as many as there are."""
        trained, numbers = self._trained, self._numbers
        rates = {f"lr/{group['name']}": effective_rate(group) for group in trained.optimizer.param_groups}
        missing = self._per_update / len(self._losses)
        losses = self._exchange.finish(self._losses, global_step - 1)
        if self._ranks.size > 1:  # what an optimizer draws by chance must be the same for all
            torch.manual_seed(derive_seed("update", global_step))
        trained.updates.scale(missing)
        scale = self._scaler.get_scale()
        trained.updates.apply(self._scaler)
        numbers.num_overflows += self._scaler.get_scale() < scale
        self._model.embeddings.keep_norms()
        self._scheduler.step()
        loss = float(losses.sum()) * missing
        self._losses.clear()
        _require_finite(loss, global_step)
        numbers.num_updates += 1
        smoothing = min(MAX_SMOOTHING, 1 - 1 / numbers.num_updates)
        numbers.smooth_loss = smoothing * numbers.smooth_loss + (1 - smoothing) * loss
        metrics = {"loss/train_step": loss, "smooth_loss/train_step": numbers.smooth_loss, **rates}
        if trained.ema and numbers.num_updates % self._config.ema_update_step_interval == 0:
            metrics["ema_decay"] = trained.ema.update(numbers.num_updates - 1)
        return metrics

    def _limit(self, group: ParameterGroup) -> Limit:
        if group.limit or not group.part:
            return group.limit or Limit(None, TimeUnit.NEVER)
        settings = self._family.part_config(self._config, group.part)
        return Limit(settings.stop_training_after, settings.stop_training_after_unit)

    def _set_up_checkpointing(self) -> None:
        """Gradients flow through the denoiser in any case, through a text encoder only when it is trained."""
        for part in {self._family.denoiser, *self._parts}:
            if self._family.part_config(self._config, part).gradient_checkpointing:
                enable_checkpointing(self._model.module(part))


def _require_finite(loss: float, global_step: int) -> None:
    if not math.isfinite(loss):
        raise LossNotFiniteError(loss, global_step)


def enable_checkpointing(network: Any) -> None:
    """Let a network of diffusers or transformers compute activations anew in the backward pass to save memory."""
    without_reentry = {"use_reentrant": False}
    if hasattr(network, "enable_gradient_checkpointing"):
        network.enable_gradient_checkpointing()
    elif hasattr(network, "activation_checkpointing_enable"):
        network.activation_checkpointing_enable(activation_checkpointing_kwargs=without_reentry)
    else:  # older transformers
        network.gradient_checkpointing_enable(gradient_checkpointing_kwargs=without_reentry)
