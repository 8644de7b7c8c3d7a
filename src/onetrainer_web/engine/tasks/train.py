"""Train a model."""

from onetrainer_web.engine.imports import quick_imports
from onetrainer_web.engine.tasks.work import Work
from onetrainer_web.protocol.events import Completed, Stopped


def run(work: Work) -> Completed | Stopped:
    """Train until the end or until a stop."""
    config = work.set_up()
    with quick_imports(config):
        from onetrainer_web.engine.resuming import choose_backup
        from onetrainer_web.engine.trainer import Trainer
    trainer = Trainer(work.folder, config, work.reporter, work.control)
    return trainer.run(choose_backup(work.folder, config, work.resume, work.reporter))
