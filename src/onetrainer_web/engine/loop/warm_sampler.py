"""A run of the kind `sample`: keeps a model warm and draws what is asked for, without training."""

import time

from onetrainer_web.config.recurring import Doing
from onetrainer_web.engine.loop.loading import load_model
from onetrainer_web.engine.runtime.run import Run
from onetrainer_web.engine.samples.sampling import Sampler
from onetrainer_web.pipeline.watch import StopRequested
from onetrainer_web.protocol.events import Completed, Planned, Progress, Stopped

IDLE_S = 300.0
"""Without a wish for so long, the sampler gives its memory back."""


def keep_warm(run: Run) -> Completed | Stopped:
    """Load the model and draw until nothing was asked for five minutes, or until a stop."""
    try:
        sampler = load_sampler(run)
        run.reporter.write(Planned(max_step=0, max_epoch=0))
        _serve(run, sampler)
    except StopRequested:
        return Stopped()
    return Completed()


def load_sampler(run: Run) -> Sampler:
    """What draws from the model of a configuration, loaded as its training loads it, with its LoRA if it names one."""
    run.paths.outputs.mkdir(parents=True, exist_ok=True)
    loaded = load_model(run.config, run.paths.workspace.resolve, run.reporter, draws_only=True)
    return Sampler(loaded.method.family, loaded.model, run)


def _serve(run: Run, sampler: Sampler) -> None:
    last_wish = time.monotonic()
    run.reporter.activity(Doing.WAITING_FOR_SAMPLES)
    while time.monotonic() - last_wish < IDLE_S:
        run.control.raise_if_stopped()
        for command in run.control.take_samples():
            sampler.draw(sampler.sheet_of(command), Progress())
            run.reporter.activity(Doing.WAITING_FOR_SAMPLES)
            last_wish = time.monotonic()
        run.control.wait(IDLE_S - (time.monotonic() - last_wish))
