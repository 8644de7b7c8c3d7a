"""What a task is given, and what every task with a training configuration begins with."""

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from onetrainer_web.config.files import parse_config
from onetrainer_web.config.recurring import Doing
from onetrainer_web.engine.runtime.control import Control
from onetrainer_web.engine.runtime.environment import set_up_environment
from onetrainer_web.engine.runtime.failures import sentence_of
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.runtime.run import Run
from onetrainer_web.protocol.commands import Resume
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.workspace import Workspace

if TYPE_CHECKING:
    from onetrainer_web.engine.ranks.seat import Seat


@dataclass(frozen=True)
class Work:
    """A task, where it is done, and who hears of it."""

    folder: RunFolder
    asked: dict[str, Any]
    """The task's configuration as it holds today."""
    reporter: Reporter
    control: Control
    resume: Resume | None
    """The asking to go on that this start answers."""
    seat: "Seat | None" = None
    """The place of this process among several that do it together."""

    def meet(self, run: Run) -> Run:
        """The run with all that carry it out, if they are several; to be called when torch is imported.

        Raises:
            RanksLostError: They do not come.
        """
        if self.seat is None:
            return run
        from onetrainer_web.engine.ranks.group import Group
        from onetrainer_web.engine.seams.precision import choose_device

        device, _ = choose_device(run.config.train_device)
        return replace(run, ranks=Group(self.seat, device, partial(sentence_of, folder=self.folder)))

    def set_up(self) -> Run:
        """Read the configuration and set the process up for it; to be called before torch is imported."""
        read = parse_config(self.asked)
        for note in read.notes:
            self.reporter.warn(f"{note.path}: {note.message}")
        cache = read.config.huggingface_cache_dir
        hub_cache = str(Workspace(self.folder.workspace).resolve(cache)) if cache else None
        set_up_environment(read.config, hub_cache)
        self.reporter.activity(Doing.IMPORTING)
        return Run.of(self.folder, read.config, self.reporter, self.control)
