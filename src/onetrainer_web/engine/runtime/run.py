"""A run as all that works on it knows it: where it is, what was asked for, who hears of it and who may end it."""

from dataclasses import dataclass, field

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.runtime.control import Control
from onetrainer_web.engine.runtime.paths import RunPaths, run_paths
from onetrainer_web.engine.runtime.ranks import Ranks
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.pipeline.watch import Watch
from onetrainer_web.protocol.run_folder import RunFolder


@dataclass(frozen=True)
class Run:
    """One start of a run."""

    folder: RunFolder
    config: TrainConfig
    paths: RunPaths
    reporter: Reporter
    control: Control
    ranks: Ranks = field(default_factory=Ranks)
    """Who carries it out together."""

    @classmethod
    def of(cls, folder: RunFolder, config: TrainConfig, reporter: Reporter, control: Control) -> "Run":
        """The run in a folder, with the paths that its configuration names."""
        return cls(folder, config, run_paths(folder, config), reporter, control)

    def watch(self) -> Watch:
        """For long work: its progress is reported, and a stop ends it."""
        return Watch(self.reporter.advance, self.control.is_stopping)
