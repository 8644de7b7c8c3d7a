"""What `doctor` finds, for as many as ask at once: looking starts a process of its own, so it is done once for all."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from onetrainer_web.app.finding import Finding

KEEP_S = 10.0
"""Who asks again within this time hears the same."""

Findings = Sequence[Finding]


class Examination:
    """Looks at the machine in a thread of its own; used from the event loop alone."""

    def __init__(self, examine: Callable[[], Findings]) -> None:
        self._examine = examine
        self._found: Future[Findings] | None = None
        self._ended = 0.0

    def ask(self) -> Future[Findings]:
        """What is being found, or was just found; else somebody goes to look."""
        is_old = self._found is not None and self._found.done() and time.monotonic() - self._ended > KEEP_S
        if self._found is None or is_old:
            self._found = Future()
            threading.Thread(target=self._look, args=(self._found,), name="doctor", daemon=True).start()
        return self._found

    def _look(self, found: Future[Findings]) -> None:
        try:
            result = self._examine()
        except Exception as error:  # the edge of the thread: who asked is told
            self._ended = time.monotonic()
            found.set_exception(error)
        else:
            self._ended = time.monotonic()
            found.set_result(result)
