"""How long work on the data reports its progress and is told to stop."""

from collections.abc import Callable
from dataclasses import dataclass

from onetrainer_web.config.recurring import Doing


class StopRequested(Exception):
    """The work was told to stop; what was finished before is kept."""


def _say_nothing(_doing: Doing, _current: int, _total: int) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Watch:
    """Where progress goes and where the wish to stop comes from; both are called between small pieces of work."""

    on_progress: Callable[[Doing, int, int], None] = _say_nothing
    """Gets what is going on, how many are done, and of how many."""
    should_stop: Callable[[], bool] = _never

    def check(self, doing: Doing, current: int, total: int) -> None:
        """Report, unless it is time to stop.

        Raises:
            StopRequested: `should_stop` says so.
        """
        if self.should_stop():
            raise StopRequested
        self.on_progress(doing, current, total)
