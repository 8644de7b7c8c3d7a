"""A run of the kind `sample`: keeps a model warm and draws what is asked for, without training."""

import logging
import time

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.circular import wrap_edges, wraps_edges
from onetrainer_web.engine.control import Control
from onetrainer_web.engine.embedding_setup import add_embeddings
from onetrainer_web.engine.families import family_of
from onetrainer_web.engine.interfaces import LoadRequest, Model
from onetrainer_web.engine.methods import method_of
from onetrainer_web.engine.paths import run_paths
from onetrainer_web.engine.precision import set_up_precision
from onetrainer_web.engine.reporter import Reporter
from onetrainer_web.engine.sampling import Sampler, SampleTools
from onetrainer_web.engine.weights.location import locate
from onetrainer_web.pipeline.watch import StopRequested
from onetrainer_web.protocol.events import Completed, Planned, Progress, Stopped
from onetrainer_web.protocol.run_folder import RunFolder

log = logging.getLogger("onetrainer_web.engine")

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
            sampler = self._load()
            self._reporter.write(Planned(max_step=0, max_epoch=0))
            self._serve(sampler)
        except StopRequested:
            return Stopped()
        return Completed()

    def _load(self) -> Sampler:
        config = self._config
        precision, warning = set_up_precision(config)
        if warning:
            self._reporter.warn(warning)
        self._reporter.activity("loading the model")
        log.info("Loading %s", config.base_model_name)
        resolve = self._paths.workspace.resolve
        family = family_of(config.model_type)
        location = locate(config.base_model_name, resolve)
        components = family.load(LoadRequest(config.base_model_name, location, config, resolve))
        model = Model(components, precision, family.objective(components, config, precision.device), str(location))
        for _, network in model.modules():
            network.to(precision.device)
        if wraps_edges(config):
            wrap_edges(network for _, network in model.modules())
        add_embeddings(family, model, config, resolve, None)
        if config.lora_model_name:
            method_of(config)(family, model, config, resolve).prepare(None)
        tools = SampleTools(self._folder, config, self._paths, self._reporter, self._control)
        return Sampler(family, model, tools)

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
