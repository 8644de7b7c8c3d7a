"""Keep a model warm and draw samples from it."""

from onetrainer_web.engine.imports import quick_imports
from onetrainer_web.engine.tasks.work import Work
from onetrainer_web.protocol.events import Completed, Stopped


def run(work: Work) -> Completed | Stopped:
    """Draw what is asked for until a stop."""
    config = work.set_up()
    with quick_imports(config):
        from onetrainer_web.engine.warm_sampler import WarmSampler
    return WarmSampler(work.folder, config, work.reporter, work.control).run()
