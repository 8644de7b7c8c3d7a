"""Train a model."""

from onetrainer_web.engine.runtime.environment import importing
from onetrainer_web.engine.tasks.work import Work
from onetrainer_web.protocol.events import Completed, Stopped


def run(work: Work) -> Completed | Stopped:
    """Train until the end or until a stop."""
    run = work.set_up()
    with importing():
        from onetrainer_web.engine.loop.resuming import choose_backup
        from onetrainer_web.engine.loop.trainer import train
    run = work.meet(run)
    return train(run, run.ranks.of_first("backup", lambda: choose_backup(run, work.resume)))
