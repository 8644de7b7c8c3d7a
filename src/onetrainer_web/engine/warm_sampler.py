"""A run of the kind `sample`: keeps a model warm and draws what is asked for, without training."""

import time

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.control import Control
from onetrainer_web.engine.loading import load_model
from onetrainer_web.engine.paths import run_paths
from onetrainer_web.engine.reporter import Reporter
from onetrainer_web.engine.sampling import Sampler, SampleTools
from onetrainer_web.pipeline.watch import StopRequested
from onetrainer_web.protocol.events import Completed, Planned, Progress, Stopped
from onetrainer_web.protocol.run_folder import RunFolder

IDLE_S = 300.0
"""Without a wish for so long, the sampler gives its memory back."""


class WarmSampler:
    """Draws samples from the model of a configuration, with its LoRA when it names one."""

    def __init__(self, folder: RunFolder, config: TrainConfig, reporter: Reporter, control: Control) -> None:
        self._folder = folder
        self._config = config
        self._reporter = reporter
        self._control = control
        self._paths = run_paths(folder, config)
        control.is_disposable = True

    def run(self) -> Completed | Stopped:
        """Load the model and draw until nothing was asked for five minutes, or until a stop."""
        try:
            sampler = self.load()
            self._reporter.write(Planned(max_step=0, max_epoch=0))
            self._serve(sampler)
        except StopRequested:
            return Stopped()
        return Completed()

    def load(self) -> Sampler:
        """Load the model as its training loads it."""
        self._paths.outputs.mkdir(parents=True, exist_ok=True)
        loaded = load_model(self._config, self._paths.workspace.resolve, self._reporter, draws_only=True)
        tools = SampleTools(self._folder, self._config, self._paths, self._reporter, self._control)
        return Sampler(loaded.method.family, loaded.model, tools)

    def _serve(self, sampler: Sampler) -> None:
        last_wish = time.monotonic()
        self._reporter.activity("waiting for samples to draw")
        while time.monotonic() - last_wish < IDLE_S:
            self._control.raise_if_stopped()
            for command in self._control.take_samples():
                sampler.draw(sampler.sheet_of(command), Progress())
                self._reporter.activity("waiting for samples to draw")
                last_wish = time.monotonic()
            self._control.wait(IDLE_S - (time.monotonic() - last_wish))
