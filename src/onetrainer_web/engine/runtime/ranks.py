"""The processes that carry out one run together, as the loop sees them; almost always there is one.

Each of several is a *rank*: it trains its own batches with its own copy of the model. What they do together has a name,
its *place*, which all of them reach in the same order, because it follows from the plan of the run and from what the
first rank says alone.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


class Pending(Protocol):
    """Something that goes on in the background."""

    def wait(self) -> object:
        """Return when it is done."""
        ...


class _Done:
    def wait(self) -> None:
        pass


class Ranks:
    """One process, which asks nobody. Processes that ask each other override all of it."""

    rank = 0
    """Which of them this is, from 0: the first one decides and writes."""
    size = 1
    """How many there are."""

    @property
    def is_first(self) -> bool:
        """Whether this is the one that decides and writes."""
        return self.rank == 0

    def share(self, work: Sequence[T]) -> Sequence[T]:
        """What this one does of a list of work."""
        return work[self.rank :: self.size]

    def of_first(self, place: str, work: Callable[[], T]) -> T:
        """What the first one finds out or does, for all.

        Raises:
            FailedElsewhereError: It failed there.
        """
        del place
        return work()

    def of_each(self, place: str, work: Callable[[], T]) -> list[T]:
        """What each finds out or does, in their order, for all.

        Raises:
            StopRequested: One of them was told to stop.
            FailedElsewhereError: It failed for another one.
        """
        del place
        return [work()]

    def add_up(self, place: str, values: "Tensor") -> Pending:
        """Begin to put the sum over all of them in place of `values`, which nobody touches before it is there."""
        del place, values
        return _Done()

    def send(self, place: str, tensors: "Sequence[Tensor]") -> None:
        """Put the first one's values into everybody's tensors."""
