"""How a trainer that does not answer a stop is made to end: SIGINT, then SIGTERM, then SIGKILL, each with its time.

Deadlines stand in the run folder as times of day, which a suspend, another clock or another time zone moves. They only
say how much patience is left when a deadline is first seen; from then on a clock counts that nobody sets.
"""

from dataclasses import dataclass
from datetime import datetime

from onetrainer_web.runs.process import Urgency

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
    sent: float = 0.0

    def wait_until(self, deadline: datetime, due: float) -> None:
        """Take up a deadline, and when this server finds it to be reached; the last one counts."""
        self.deadline, self.due = deadline, due

    def climb(self, now: float) -> Urgency | None:
        """The signal to send now, if one is due."""
        if now < self.due or self.urgency is Urgency.KILL:
            return None
        if self.urgency is not None and now - self.sent < STEP_S:
            return None
        self.urgency = Urgency.INTERRUPT if self.urgency is None else Urgency(self.urgency + 1)
        self.sent = now
        return self.urgency
