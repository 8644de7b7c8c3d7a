"""The process of one rank of several, started by its parent: `python -m onetrainer_web.engine.member RUN_FOLDER …`."""

import ctypes
import faulthandler
import logging
import os
import shutil
import signal
import sys
import threading
from pathlib import Path

from onetrainer_web.engine.ranks.seat import Seat
from onetrainer_web.engine.runtime.control import end_process
from onetrainer_web.engine.runtime.environment import set_up_log
from onetrainer_web.engine.worker import work
from onetrainer_web.protocol.run_folder import RunFolder

_PR_SET_PDEATHSIG = 1
"""Of Linux' prctl: the signal that a process gets when its parent dies."""


def main(arguments: list[str]) -> int:
    """Take part in a run until it ends; returns the exit code."""
    folder, seat = RunFolder(Path(arguments[0])), Seat.parse(arguments[1:])
    _end_with_parent(seat)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=True)
    if not seat.is_first:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first rank says when to stop
    set_up_log(seat.rank)
    return work(folder, folder.read_record(), has_started=seat.has_started, seat=seat)


def _end_with_parent(seat: Seat) -> None:
    """However the parent ends, this process is not left behind: its standard input ends with it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def wait() -> None:
        while os.read(0, 1024):
            pass
        shutil.rmtree(seat.meeting.folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=wait, name="end with parent", daemon=True).start()


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    end_process(code)
