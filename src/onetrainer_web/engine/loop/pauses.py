"""What looks at the model between two steps, as it is used and not as it trains: samples and the validation loss."""

import logging
from collections.abc import Generator
from contextlib import contextmanager

from onetrainer_web.config.recurring import Doing
from onetrainer_web.engine.loop.preparation import Prepared
from onetrainer_web.engine.optimization.optimizers import drawing_weights
from onetrainer_web.engine.samples.sampling import NO_EMA, Sheet
from onetrainer_web.protocol.commands import Sample
from onetrainer_web.protocol.events import Progress

log = logging.getLogger("onetrainer_web.engine")


class Pauses:
    """Draws and measures with the model of one training."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._run = prepared.run
        self._measured_at = -1
        """Step of the last measurement of this start."""

    def draw(self, command: Sample, progress: Progress) -> None:
        """Draw what a command asks for.

        Raises:
            StopRequested: The run was told to stop.
        """
        sampler, trained = self._prepared.sampler, self._prepared.trained
        sheet = sampler.sheet_of(command)
        if not sheet.samples:
            return
        with self._at_rest():
            with trained.average():
                sampler.draw(sheet, progress)
            if trained.ema and self._run.config.non_ema_sampling:
                sampler.draw(Sheet(sheet.kind, sheet.samples, NO_EMA), progress)

    def measure(self, progress: Progress) -> bool:
        """Measure the validation loss, if there is one to measure and it was not measured at this step.

        Returns:
            Whether it is the lowest of the run.

        Raises:
            StopRequested: The run was told to stop.
        """
        validation, step = self._prepared.validation, progress.global_step
        if validation is None or self._measured_at == step:
            return False
        with self._at_rest(), self._prepared.trained.average():
            values = validation.measure(self._run.watch())
        self._run.reporter.measured(step, values)
        log.info("Validation: %s", ", ".join(f"{name} {value:.4f}" for name, value in values.items()))
        self._measured_at = step
        return self._prepared.best.take(values, step)

    @contextmanager
    def _at_rest(self) -> Generator[None]:
        """Without dropout, with the weights that the optimizer means."""
        step = self._prepared.step
        step.set_training(False)
        try:
            with drawing_weights(self._prepared.trained.optimizer):
                yield
        finally:
            step.set_training(True)
        self._run.reporter.activity(Doing.TRAINING)
