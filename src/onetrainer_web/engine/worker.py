"""The trainer process: `python -m onetrainer_web.engine.worker RUN_FOLDER` is all it takes to work on a run.

Its first act is the lock, so that from then on everybody can see that it lives; torch comes last.
"""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from onetrainer_web.config.devices import devices_among, devices_of, kind_of
from onetrainer_web.config.files import parse_config
from onetrainer_web.engine.runtime.control import Control, end_process
from onetrainer_web.engine.runtime.environment import read_versions, set_up_log
from onetrainer_web.engine.runtime.errors import RanksLostError
from onetrainer_web.engine.runtime.failures import LOST, sentence_of
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.tasks import run_of
from onetrainer_web.engine.tasks.work import Work
from onetrainer_web.errors import OneTrainerWebError
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

if TYPE_CHECKING:
    from onetrainer_web.engine.ranks.seat import Seat

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
            set_up_log()
            has_started = _take_up(folder, record)
            devices = _devices(folder, record)
            if len(devices) == 1:
                return work(folder, record, has_started=has_started)
            from onetrainer_web.engine.ranks.parent import Parent

            return Parent(folder, devices, lock.descriptor, has_started=has_started).run()
        finally:
            lock.release()
    except (OneTrainerWebError, OSError) as error:  # without a journal the log is all there is
        sys.stderr.write(f"The run cannot be taken up: {error}\n")
        return 2


def work(folder: RunFolder, record: RunRecord, *, has_started: bool, seat: "Seat | None" = None) -> int:
    """Do a run's task, as the only process or as one of several.

    Args:
        folder: The run, which was taken up.
        record: What it is.
        has_started: Whether it had been started before.
        seat: The place of this process among several; None for one alone.

    Returns:
        Exit code.
    """
    commands = read_commands(folder.commands)
    resume_id = last_resume_id(commands)
    reporter, versions = _pen(folder, seat), read_versions()
    pid, num_ranks = (seat.parent_pid, seat.size) if seat else (os.getpid(), 1)
    reporter.write(Started(pid=pid, resume_id=resume_id, versions=versions, ranks=num_ranks))
    log.info("Starting: %s", ", ".join(f"{name} {version}" for name, version in versions.items()))
    control = _ear(folder, resume_id, reporter, seat)
    try:
        config = config_of_today(record.task.config, commands) | ({"train_device": seat.device} if seat else {})
        task = Work(folder, config, reporter, control, _resume_of(commands, has_started), seat)
        end = run_of(record.task.kind)(task)
    except RanksLostError as error:  # whoever started the ranks knows why, and says so
        log.info("%s", error)
        _leave_word(seat, str(error))
        return LOST
    except Exception as error:  # the edge of the process: whatever happened must reach the user
        log.exception("The run failed")
        end = Failed(error=sentence_of(error, folder))
        _leave_word(seat, end.error)
    reporter.close()
    reporter.write(end)
    log.info("%s", end.type.capitalize())
    return 1 if isinstance(end, Failed) or reporter.is_holding else 0


def _pen(folder: RunFolder, seat: "Seat | None") -> Reporter:
    if seat is None or seat.is_first:
        return Reporter(folder.events)
    from onetrainer_web.engine.ranks.followers import Notes

    return Reporter(folder.events, Notes())


def _ear(folder: RunFolder, resume_id: int, reporter: Reporter, seat: "Seat | None") -> Control:
    if seat is not None and not seat.is_first:
        from onetrainer_web.engine.ranks.followers import Following

        return Following(folder, seat.meeting)
    control = Control(folder, resume_id, reporter.write, *([seat.meeting.stop.touch] if seat else []))
    control.watch()
    return control


def _leave_word(seat: "Seat | None", sentence: str) -> None:
    """Tell whoever started the ranks why this one ends."""
    if seat is not None:
        seat.meeting.write_failure(seat.rank, sentence)


def _devices(folder: RunFolder, record: RunRecord) -> Sequence[str]:
    """On which a run trains, one for each process."""
    if not record.task.is_spread:
        return [""]
    try:
        return devices_of(parse_config(config_of_today(record.task.config, read_commands(folder.commands))).config)
    except OneTrainerWebError:  # the task says so
        return [""]


def _by_hand(record: RunRecord) -> asked.Launch:
    """A start that nobody has chosen devices for: several GPUs are those that it finds, others it takes by itself."""
    config = record.task.config
    if not record.task.is_spread or kind_of(str(config.get("train_device", ""))) != "cuda":
        return asked.Launch()
    from onetrainer_web.system.gpus import visible_gpus

    return asked.Launch(devices=list(devices_among(visible_gpus(), str(config.get("device_indexes", "")))))


def _take_up(folder: RunFolder, record: RunRecord) -> bool:
    """Add the commands that a start by hand lacks; gives whether the run had been started before."""
    commands = read_commands(folder.commands)
    fold = fold_events(read_events(folder.events))
    has_started = fold.started is not None
    if fold.resume_id >= last_resume_id(commands) and has_started:
        # The last asking was answered by an earlier start: this one was started by hand to go on.
        append_command(folder.commands, Resume())
        append_command(folder.commands, _by_hand(record))
    elif not is_launched(fold, commands):
        append_command(folder.commands, _by_hand(record))
    return has_started


def _resume_of(commands: list[Command], has_started: bool) -> Resume | None:
    """The asking to go on that this start answers."""
    resumes = [command for command in commands if isinstance(command, Resume)]
    return resumes[-1] if resumes and has_started else None


if __name__ == "__main__":
    code = main(sys.argv[1:])
    logging.shutdown()
    end_process(code)
