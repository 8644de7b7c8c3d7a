"""Keep a model warm and draw samples from it."""

from onetrainer_web.engine.runtime.environment import importing
from onetrainer_web.engine.tasks.work import Work
from onetrainer_web.protocol.events import Completed, Stopped


def run(work: Work) -> Completed | Stopped:
    """Draw what is asked for until a stop."""
    run = work.set_up()
    with importing():
        from onetrainer_web.engine.loop.warm_sampler import keep_warm
    return keep_warm(run)
