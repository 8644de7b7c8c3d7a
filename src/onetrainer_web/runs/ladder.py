"""How a trainer that does not answer a stop is made to end: SIGINT, then SIGTERM, then SIGKILL, each with its time.

Deadlines stand in the run folder as times of day, which a suspend, another clock or another time zone moves. They only
say how much patience is left when a deadline is first seen; from then on a clock counts that nobody sets.
"""

from dataclasses import dataclass
from datetime import datetime
from math import inf

from onetrainer_web.runs.executors import Urgency

STEP_S = 5.0
"""What each signal gets at least before the next, harder one."""


@dataclass
class Ladder:
    """The stop of one trainer; all times are those of a monotonic clock."""

    deadline: datetime | None = None
    due: float = 0.0
    """When patience is at an end."""
    urgency: Urgency | None = None
    """The last signal that was sent."""
    tried: float = -inf
    """When a signal was last due, whether or not there was a process to send it to."""
    is_lost: bool = False
    """Whether there was none the last time."""

    def wait_until(self, deadline: datetime, due: float) -> None:
        """Take up a deadline, and when this server finds it to be reached; the last one counts."""
        self.deadline, self.due = deadline, due

    def next_rung(self, now: float) -> Urgency | None:
        """The signal to send now, if one is due; it is `climbed` when it could be sent."""
        if now < self.due or now - self.tried < STEP_S or self.urgency is Urgency.KILL:
            return None
        self.tried = now
        return Urgency.INTERRUPT if self.urgency is None else Urgency(self.urgency + 1)

    def climbed(self, urgency: Urgency) -> None:
        """A signal was sent."""
        self.urgency, self.is_lost = urgency, False
