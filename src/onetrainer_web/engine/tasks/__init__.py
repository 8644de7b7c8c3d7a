"""What a trainer process can do: a module for each kind of task, with one function `run`."""

from collections.abc import Callable
from importlib import import_module

from onetrainer_web.engine.tasks.work import Work
from onetrainer_web.protocol.events import Completed, Stopped
from onetrainer_web.protocol.tasks import RunKind


def run_of(kind: RunKind) -> Callable[[Work], Completed | Stopped]:
    """What does tasks of a kind; called, it imports what that needs."""
    return import_module(f"{__name__}.{kind}").run
