"""The loss on pictures that never train. Their noise and timesteps are fixed, so only the model changes the number."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import fmean

import torch

from onetrainer_web.config.recurring import Doing
from onetrainer_web.engine.loop.data import TrainingSet
from onetrainer_web.engine.loop.losses import Noised, weighted_losses
from onetrainer_web.engine.runtime.ranks import Ranks
from onetrainer_web.engine.seams.interfaces import Method
from onetrainer_web.engine.seams.objectives import draw_noise
from onetrainer_web.pipeline.watch import Watch

TAG = "loss/validation_step"
TOTAL = f"{TAG}/total_average"


class Validation:
    """Measures the loss of each validation concept."""

    def __init__(self, method: Method, data: TrainingSet, ranks: Ranks) -> None:
        """Prepare; `data` has batches of one picture, of which each rank measures some."""
        self._method = method
        self._ranks = ranks
        self._data = data
        self._plan = data.start_epoch(0)

    @torch.no_grad()
    def measure(self, watch: Watch) -> dict[str, float]:
        """The mean loss of each concept, and of all pictures if there are several concepts.

        Args:
            watch: Told before each picture; may stop the work.

        Returns:
            Scalars under OneTrainer's TensorBoard tags.

        Raises:
            StopRequested: The watch said so.
        """
        own = self._ranks.share(range(len(self._plan.batches)))
        shares = self._ranks.of_each("validation", lambda: list(self._measure(own, watch)))
        losses: dict[str, list[float]] = defaultdict(list)
        for _, concept, loss in sorted(chain.from_iterable(shares)):
            losses[concept].append(loss)
        metrics = {f"{TAG}/{concept}": fmean(found) for concept, found in losses.items()}
        if len(losses) > 1:
            metrics[TOTAL] = fmean(loss for found in losses.values() for loss in found)
        return metrics

    def _measure(self, places: Sequence[int], watch: Watch) -> Iterator[tuple[int, str, float]]:
        """Place, concept and loss of some pictures."""
        model = self._method.model
        device = model.precision.device
        half = model.objective.num_timesteps // 2 - 1
        for place, batch in zip(places, self._data.batches(self._plan, places), strict=True):
            watch.check(Doing.VALIDATING, place, len(self._plan.batches))
            latents = batch.latents_BCHW.to(device, torch.float32)
            timesteps_B = torch.full((len(latents),), half, device=device)
            is_general = self._method.config.generalized_offset_noise
            scale_B = model.objective.offset_scale(timesteps_B) if is_general else None
            noise = draw_noise(self._method.config, latents, f"validation {batch.names[0]}", scale_B)
            noised = Noised(latents, noise, timesteps_B, self._data.conditions(batch, 0, device))
            found = weighted_losses(self._method, batch, noised)
            yield place, batch.concepts[0], float(found.mean())


@dataclass
class Best:
    """The lowest validation loss of a run, and how long ago it was; all of it goes into backups."""

    loss: float | None = None
    global_step: int = 0
    num_since: int = 0
    """Measurements since then."""

    def take(self, values: Mapping[str, float], global_step: int) -> bool:
        """Whether a measurement is lower than all before it: of all pictures, or of the only concept."""
        loss = values.get(TOTAL, next(iter(values.values()))) if values else math.nan
        if math.isfinite(loss) and (self.loss is None or loss < self.loss):
            self.loss, self.global_step, self.num_since = loss, global_step, 0
            return True
        self.num_since += 1
        return False
