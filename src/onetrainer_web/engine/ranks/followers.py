"""What ranks behind the first one have in place of the pen and of the ear: they write nothing and are told nothing."""

from onetrainer_web.engine.ranks.seat import Meeting
from onetrainer_web.engine.runtime.control import Control
from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol.events import Event, SampleDrawn, Warned
from onetrainer_web.protocol.run_folder import RunFolder


class Notes:
    """A pen whose lines wait for the first rank, as far as it does not find them out itself."""

    is_holding = False

    def __init__(self) -> None:
        self._told: list[Event] = []

    def write(self, event: Event) -> None:
        """Remember what only this rank knows."""
        if isinstance(event, SampleDrawn | Warned):
            self._told.append(event)

    def take(self) -> list[Event]:
        """All since the last time."""
        taken, self._told = self._told, []
        return taken


class Following(Control):
    """Knows of a stop when the first rank has heard of it; to be asked only where all ranks agree on it behind."""

    def __init__(self, folder: RunFolder, meeting: Meeting) -> None:
        super().__init__(folder, 0, lambda _event: None)
        self._meeting = meeting

    @property
    def stop(self) -> asked.Stop | None:
        """As `Control.stop`; how to stop the first rank knows."""
        return asked.Stop() if self._meeting.stop.exists() else None
