"""A program of the user's that hears of each training that has ended: for a message to a phone, or to switch off.

It is started without a shell and finds what happened in its environment: RUN_ID, RUN_NAME, RUN_STATUS, RUN_ERROR (empty
where nothing went wrong) and RUN_FOLDER.
"""

import logging
import subprocess
import threading
from pathlib import Path

from onetrainer_web.runs.tracked_run import TrackedRun
from onetrainer_web.system.environment import environment_of_children

LOGGER = logging.getLogger(__name__)


class OnEnd:
    """Starts the program; without one nothing is done."""

    def __init__(self, program: Path | None = None) -> None:
        self._program = program

    def tell(self, run: TrackedRun) -> None:
        """Tell of a run that has ended, and wait for nothing."""
        if self._program and run.header.task.is_training:
            facts = {
                "RUN_ID": run.id,
                "RUN_NAME": run.state.name,
                "RUN_STATUS": run.state.status.value,
                "RUN_ERROR": run.state.error or "",
                "RUN_FOLDER": str(run.folder.path),
            }
            threading.Thread(target=_start, args=(self._program, facts), name="on-end", daemon=True).start()


def _start(program: Path, facts: dict[str, str]) -> None:
    environment = environment_of_children() | {name: text.replace("\0", "") for name, text in facts.items()}
    try:
        code = subprocess.run([program], env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    except (OSError, ValueError) as error:
        LOGGER.warning("The program for ended runs cannot be started: %s", error)
        return
    if code:
        LOGGER.warning("The program for ended runs, %s, ended with code %d", program, code)
