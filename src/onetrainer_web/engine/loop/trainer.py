"""The training of a run, from its first step to its last save. Reads from top to bottom like what happens."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from onetrainer_web.config.recurring import Doing
from onetrainer_web.engine.loop.keeping import Keeper
from onetrainer_web.engine.loop.pauses import Pauses
from onetrainer_web.engine.loop.preparation import Prepared, prepare
from onetrainer_web.engine.runtime.errors import NothingToTrainError
from onetrainer_web.engine.runtime.reporter import held_memory
from onetrainer_web.engine.runtime.run import Run
from onetrainer_web.pipeline.batches import Batch
from onetrainer_web.pipeline.watch import StopRequested
from onetrainer_web.protocol.commands import Sample
from onetrainer_web.protocol.events import Completed, Memory, Progress, Stopped

log = logging.getLogger("onetrainer_web.engine")


def train(run: Run, backup: Path | None) -> Completed | Stopped:
    """Train to the end, or until the run is told to stop.

    Args:
        run: What was asked for.
        backup: Where to go on from; None starts at the beginning.

    Returns:
        How it ended.

    Raises:
        OneTrainerWebError: It cannot go on; the message says why and what to do.
    """
    try:
        prepared = prepare(run, backup)
    except StopRequested:
        return Stopped()
    return Trainer(prepared).run()


@dataclass(frozen=True)
class Orders:
    """What the first rank lets all ranks do between two rounds."""

    stops: bool = False
    seconds: float = 0.0
    """Of training so far."""
    tells_memory: bool = False
    wanted: frozenset[str] = frozenset()
    """Recurring work, by the names of `recurring_work`."""
    samples: Sequence[Sample] = ()
    """Asked for besides."""


class Trainer:
    """Trains what was prepared."""

    def __init__(self, prepared: Prepared) -> None:
        self._run = prepared.run
        self._config = prepared.run.config
        self._data = prepared.data
        self._step = prepared.step
        self._calendar = prepared.calendar
        self._best = prepared.best
        self._has_validation = prepared.validation is not None
        self._pauses = Pauses(prepared)
        self._keeper = Keeper(prepared)
        self._progress = prepared.progress
        self._wanted: set[str] = set()
        """What has become due and waits for whole gradients; the first rank alone knows."""
        self._orders = Orders()
        self._has_trained = False
        """Whether this start has changed the model, so that there is something to save."""

    def run(self) -> Completed | Stopped:
        """Take all steps, or those until a stop; see `train`."""
        try:
            for _ in self.steps():
                pass
        except StopRequested:
            return self._end_early()
        return self._end()

    def steps(self) -> Iterator[Progress]:
        """Train, giving the position behind each step; in front of each, what is due and what was asked for is done.

        Raises:
            StopRequested: The run was told to stop.
        """
        self._step.set_training(True)
        for epoch in range(self._progress.epoch, self._config.epochs):
            plan = self._data.start_epoch(epoch)
            if self._config.only_cache:
                continue
            self._run.reporter.activity(Doing.TRAINING)
            rank, rounds = self._run.ranks.rank, self._step.plan_rounds(self._progress, len(plan.batches))
            batches = self._data.batches(plan, [places[rank] for places in rounds if rank < len(places)])
            for places in rounds:
                self._obey()
                if self._is_over():
                    return
                if not self._step.freeze_finished_parts(self._progress, self._orders.seconds):
                    self._run.reporter.warn("All parts have reached stop_training_after: the training ends here.")
                    return
                num_samples = sum(len(plan.batches[place]) for place in places)
                self._train_round(next(batches) if rank < len(places) else None, len(places), num_samples)
                yield self._progress
            self._progress = self._progress.model_copy(update={"epoch": epoch + 1, "epoch_step": 0, "epoch_sample": 0})
            log.info("Epoch %d of %d: loss %.4f", epoch + 1, self._config.epochs, self._step.smooth_loss)
        if self._run.ranks.of_first("a stop at the end", self._run.control.is_stopping):
            raise StopRequested

    def _train_round(self, batch: Batch | None, num_batches: int, num_samples: int) -> None:
        """Train the batches of all ranks, of which this one has one or none."""
        before, metrics = self._progress, self._step.take(batch, self._progress, num_batches)
        self._progress = Progress(
            epoch=before.epoch,
            epoch_step=before.epoch_step + num_batches,
            epoch_sample=before.epoch_sample + num_samples,
            global_step=before.global_step + num_batches,
        )
        self._tell(metrics)
        self._tell_memory()

    def _tell_memory(self) -> None:
        if self._orders.tells_memory:
            held = self._run.ranks.of_each("memory", lambda: held_memory(self._step.device))
            self._run.reporter.write(Memory(devices=held))

    def _tell(self, metrics: dict[str, float]) -> None:
        """Report the position, and what an optimizer step has measured."""
        if metrics:
            self._has_trained = True
            self._run.control.is_disposable = False
        self._run.reporter.step(self._progress, metrics)

    # Between two steps

    def _obey(self) -> None:
        """In front of a round: what is due and what was asked for. Everything but a stop waits for whole gradients."""
        orders = self._take_orders()
        if orders.stops:
            raise StopRequested
        if self._step.is_accumulating:
            return
        self._draw_samples()
        self._measure()
        if "backup" in orders.wanted:
            self._keeper.back_up(self._progress)
        if "save" in orders.wanted:
            self._keeper.save_on_the_way(self._progress)

    def _take_orders(self) -> Orders:
        self._orders = self._run.ranks.of_first("orders", self._give_orders)
        return self._orders

    def _give_orders(self) -> Orders:
        """What all ranks do now, as clock and commands of the first one say."""
        control, reporter = self._run.control, self._run.reporter
        tells_memory = reporter.is_memory_due(self._step.device)
        self._wanted |= self._calendar.due(self._progress)
        if self._step.is_accumulating:
            return Orders(control.is_stopping(), self._calendar.seconds, tells_memory)
        wanted = {name for name in self._wanted if self._calendar.is_past_skip(name, self._progress)}
        wanted |= control.take_wishes()
        self._wanted.clear()
        samples = control.take_samples()
        return Orders(control.is_stopping(), self._calendar.seconds, tells_memory, frozenset(wanted), samples)

    def _draw_samples(self) -> None:
        if "sample" in self._orders.wanted:
            self._pauses.draw(Sample(), self._progress)
        for command in self._orders.samples:
            self._pauses.draw(command, self._progress)

    def _measure(self) -> None:
        is_best = "validate" in self._orders.wanted and self._pauses.measure(self._progress)
        if is_best and self._config.keep_best and self._progress.global_step:
            self._keeper.save_on_the_way(self._progress, is_best=True)

    def _is_over(self) -> bool:
        """Whether the validation loss has stayed above its lowest for as long as the configuration allows."""
        patience, best = self._config.early_stopping_patience, self._best
        if not self._has_validation or not patience or best.num_since < patience:
            return False
        self._run.reporter.warn(
            f"Stopped early: {best.num_since} measurements in a row were not below the validation loss "
            f"{best.loss:.4f} of step {best.global_step}."
            if best.loss is not None
            else f"Stopped early: none of {best.num_since} measurements of the validation loss gave a number."
        )
        return True

    # The end

    def _end(self) -> Completed:
        if metrics := self._step.finish(self._progress):
            self._tell(metrics)
        if not self._config.only_cache:
            self._require_change()
        if self._has_trained:
            self._wanted |= {name for name in ("sample", "validate") if self._calendar.is_at_end(name)}
            self._take_orders()
            try:
                self._draw_samples()
                self._measure()
            except StopRequested:
                log.info("The last samples and measurements were left out")
            if self._config.backup_before_save:
                self._keeper.back_up(self._progress)
        if self._progress.global_step:
            self._keeper.save_result(self._progress)
        return Completed()

    def _require_change(self) -> None:
        if not self._progress.global_step:
            raise NothingToTrainError("Nothing was trained: the run ended before its first step, as told before.")
        if self._has_trained and not self._step.has_changed:
            raise NothingToTrainError(
                "Nothing was trained: in every update the gradients were too large for FLOAT_16. The first updates of "
                "a run often are; train longer, or choose train_dtype BFLOAT_16 or FLOAT_32."
            )

    def _end_early(self) -> Stopped:
        stop = self._run.ranks.of_first("how to stop", lambda: self._run.control.stop)
        if self._has_trained and stop is not None and stop.save:
            self._step.collect(self._progress)
            self._keeper.back_up(self._progress)
            self._keeper.save_result(self._progress)
        return Stopped()
