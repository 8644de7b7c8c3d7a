"""The trainer process: `python -m onetrainer_web.engine.worker RUN_FOLDER` is all it takes to work on a run.

Its first act is the lock, so that from then on everybody can see that it lives; torch comes last.
"""

import errno
import logging
import os
import sys
from pathlib import Path

from onetrainer_web.engine.runtime.control import Control, end_process
from onetrainer_web.engine.runtime.environment import read_versions, set_up_log
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.tasks import run_of
from onetrainer_web.engine.tasks.work import Work
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.files.shortages import is_out_of_memory, reason_of
from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol.commands import (
    Command,
    Resume,
    append_command,
    config_of_today,
    last_resume_id,
    read_commands,
)
from onetrainer_web.protocol.events import Failed, Started, read_events
from onetrainer_web.protocol.lock import HeldLock
from onetrainer_web.protocol.run_folder import RunFolder, RunRecord
from onetrainer_web.protocol.state import fold_events, is_launched

_OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

log = logging.getLogger("onetrainer_web.engine")


def main(arguments: list[str]) -> int:
    """Work on a run until it ends.

    Returns:
        Exit code: 0 when it ended as it should, 1 on an error, 2 when it could not be taken up.
    """
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m onetrainer_web.engine.worker RUN_FOLDER\n")
        return 2
    folder = RunFolder(Path(arguments[0]))
    try:
        record = folder.read_record()
        lock = HeldLock(folder.lock)
        try:
            return _work(folder, record)
        finally:
            lock.release()
    except (OneTrainerWebError, OSError) as error:  # without a journal the log is all there is
        sys.stderr.write(f"The run cannot be taken up: {error}\n")
        return 2


def _work(folder: RunFolder, record: RunRecord) -> int:
    set_up_log()
    commands, has_started = _take_up(folder)
    reporter = Reporter(folder.events)
    resume_id = last_resume_id(commands)
    versions = read_versions()
    reporter.write(Started(pid=os.getpid(), resume_id=resume_id, versions=versions))
    log.info("Starting: %s", ", ".join(f"{name} {version}" for name, version in versions.items()))
    control = Control(folder, resume_id, reporter.write)
    control.watch()
    try:
        asked = config_of_today(record.task.config, commands)
        work = Work(folder, asked, reporter, control, _resume_of(commands, has_started))
        end = run_of(record.task.kind)(work)
    except OneTrainerWebError as error:
        log.exception("The run failed")
        end = Failed(error=str(error))
    except Exception as error:  # the edge of the process: whatever happened must reach the user
        log.exception("The run failed")
        end = Failed(error=_sentence(error, folder))
    reporter.close()
    reporter.write(end)
    log.info("%s", end.type.capitalize())
    return 1 if isinstance(end, Failed) or reporter.is_holding else 0


def _take_up(folder: RunFolder) -> tuple[list[Command], bool]:
    """The commands of the run, with those added that a start by hand lacks, and whether it had been started before."""
    commands = read_commands(folder.commands)
    fold = fold_events(read_events(folder.events))
    has_started = fold.started is not None
    if fold.resume_id >= last_resume_id(commands) and has_started:
        # The last asking was answered by an earlier start: this one was started by hand to go on.
        append_command(folder.commands, Resume())
        append_command(folder.commands, asked.Launch())
    elif not is_launched(fold, commands):
        append_command(folder.commands, asked.Launch())
    return read_commands(folder.commands), has_started


def _resume_of(commands: list[Command], has_started: bool) -> Resume | None:
    """The asking to go on that this start answers."""
    resumes = [command for command in commands if isinstance(command, Resume)]
    return resumes[-1] if resumes and has_started else None


def _sentence(error: Exception, folder: RunFolder) -> str:
    """One readable sentence for an error that nobody foresaw."""
    if isinstance(error, OSError) and error.errno in _OF_A_DISK:
        where = f"{error.filename} " if error.filename else "A file of the run "
        return f"{where}could not be written: {reason_of(error, folder.path)}. Make room, then resume the run."
    if is_out_of_memory(error):
        return (
            "The memory is not enough for this training. Use a smaller batch size or resolution, switch gradient "
            "checkpointing on, or train fewer parts."
        )
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else "no further word"
    return f"An error stopped the training ({type(error).__name__}: {first_line}). The log holds the trace."


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    end_process(code)
