"""Gives real trainers a bad day: `python scripts/bad_days.py`, on Linux, as root for all of it.

Each cell of the table is a run of the embedded model under a real supervisor, on a disk of its own. When the journal
says that the run is in a phase, its trainer is held, the cause takes effect, and the trainer is let go. Told is what
the run then says of itself, which of its backups are whole, and whether it comes to the losses of a run that nothing
happened to, if need be by going on once the cause is gone. `--cells "disk full/backup" …` chooses; `--json` prints a
cell a line, for programs, with the seconds until the run's state was true again. `--processes 2` lets as many train
each run, of which the last one is the victim, and has causes of its own. All of it happens in a namespace of its own,
so that no mount is left behind.
"""

import argparse
import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import groupby, product
from pathlib import Path

import psutil

from onetrainer_web.config.recurring import Doing
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.protocol.backups import read_backups
from onetrainer_web.protocol.commands import Stop, append_command
from onetrainer_web.protocol.events import Activity, Event, Started, Step, Warned, parse_events, read_events
from onetrainer_web.protocol.journal import LineReader
from onetrainer_web.protocol.run_folder import RunFolder, RunRequest
from onetrainer_web.protocol.state import RunStatus
from onetrainer_web.protocol.tasks import TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.service import RunService
from onetrainer_web.tiny.pictures import draw_demo_picture

GROUPS = Path("/sys/fs/cgroup")
MEMORY = GROUPS / "memory" if (GROUPS / "memory").is_dir() else GROUPS
"""Where control groups of memory are made, of the first version or the second."""

NUM_PICTURES = 32
PATIENCE_S = 180.0
LOOK_S = 0.0005
"""Between two looks at the journal; every phase takes longer."""

SETTINGS = {
    "model_type": "STABLE_DIFFUSION_15",
    "training_method": "LORA",
    "base_model_name": "tiny",
    "concepts": [{"path": "datasets/glims", "seed": 1}],
    "resolution": "64",
    "epochs": 2,
    "batch_size": 4,
    "train_device": "cpu",
    "train_dtype": "FLOAT_32",
    "lora_rank": 16,
    "samples": [{"prompt": "a red glim", "width": 64, "height": 64, "seed": 1, "diffusion_steps": 8}],
    "sample_after": 8,
    "sample_skip_first": 1,
    "sample_after_unit": "STEP",
    "backup_after": 3,
    "backup_after_unit": "STEP",
    "rolling_backup": True,
    "rolling_backup_count": 2,
    "backup_before_save": False,
    "save_every": 5,
    "save_every_unit": "STEP",
}
NUM_STEPS = 16

PHASES: dict[str, tuple[Doing, int]] = {
    "loading": (Doing.LOADING, 0),
    "encoding": (Doing.ENCODING_PICTURES, 0),
    "training": (Doing.TRAINING, 7),
    "sampling": (Doing.SAMPLING, 8),
    "backup": (Doing.BACKING_UP, 6),
    "save": (Doing.SAVING, 5),
    "last save": (Doing.SAVING, NUM_STEPS),
}
"""What the journal says is done, and behind which step at the earliest; from step 3 on there is a backup."""


@dataclass(frozen=True)
class Cell:
    """What became of one run."""

    cause: str
    phase: str
    status: str
    told: list[str]
    """Its error, or else what it warned of."""
    backups: list[int]
    """Steps of its whole backups, while the cause lasted."""
    damaged: list[str]
    left: list[str]
    """Half-written files, behind the end."""
    is_equal: bool
    """Whether it came to the losses of the undisturbed run, bit for bit."""
    seconds: float
    """From the cause until its state was true."""


# What happens


class Disk:
    """A tmpfs, seen through a second mount so that what is in it outlives an unmount."""

    def __init__(self, folder: Path) -> None:
        self.whole, self.place = folder / "whole", folder / "place"
        self.whole.mkdir()
        self.place.mkdir()
        do("mount", "-t", "tmpfs", "-o", "size=48m,nr_inodes=1500", "tmpfs", self.whole)
        self.mount()

    def mount(self) -> None:
        """Show it."""
        do("mount", "--bind", self.whole, self.place)

    def unmount(self) -> None:
        """Take it away; what is open stays open."""
        do("umount", "--lazy", self.place)

    def fill(self) -> None:
        """Leave no byte."""
        with (self.whole / "ballast").open("wb", buffering=0) as ballast:
            for size in (2**20, 2**12, 1):
                with suppress(OSError):
                    while ballast.write(bytes(size)):
                        pass

    def use_up_inodes(self) -> None:
        """Leave no room for another file."""
        with suppress(OSError):
            for number in range(10**6):
                (self.whole / f"ballast-{number}").touch()

    def empty(self) -> None:
        """Give the room back."""
        for ballast in self.whole.glob("ballast*"):
            ballast.unlink()

    def close(self) -> None:
        """Give it up."""
        self.unmount()
        do("umount", "--lazy", self.whole)


class FaultyDisk(Disk):
    """An ext4, which does what it does when it finds an error in itself: be read-only, also for files that are open."""

    def __init__(self, folder: Path) -> None:
        self.whole, self.place = folder / "image", folder / "place"
        self.place.mkdir()
        self.whole.touch()
        os.truncate(self.whole, 48 * 2**20)
        do("mkfs.ext4", "-q", "-F", self.whole)
        self.mount()

    def mount(self) -> None:
        """Show it."""
        do("mount", "-o", "loop", self.whole, self.place)

    def close(self) -> None:
        """Give it up."""
        do("umount", self.place)


def fail(disk: Disk) -> None:
    """Let an ext4 find an error."""
    do("mount", "-o", "remount,abort", disk.place)


def mend(disk: Disk) -> None:
    """Mount it anew."""
    disk.close()
    disk.mount()


def kill_for_memory(trainer: psutil.Process) -> None:
    """Let the system's OOM killer end it, in a control group; without one, end it as that does."""
    group = MEMORY / f"bad-day-{trainer.pid}"
    try:
        group.mkdir()
        limit = "memory.max" if (group / "memory.max").exists() else "memory.limit_in_bytes"
        (group / limit).write_text(str(2**20))
        (group / "cgroup.procs").write_text(str(trainer.pid))
    except OSError:
        trainer.kill()


def remove_groups(_: Disk) -> None:
    """Remove the control groups in which nobody is left."""
    for group in MEMORY.glob("bad-day-*"):
        with suppress(OSError):
            group.rmdir()


def deny_memory(trainer: psutil.Process) -> None:
    """Let it get no more memory than it has."""
    resource.prlimit(trainer.pid, resource.RLIMIT_AS, (trainer.memory_info().vms, resource.RLIM_INFINITY))


@dataclass(frozen=True)
class Cause:
    """What happens to a run, and how it is undone."""

    happen: Callable[[Disk, psutil.Process], None]
    undo: Callable[[Disk], None] = lambda _: None
    disk: type[Disk] = Disk
    is_seen: bool = True
    """Whether a server sees the run while it lasts."""


CAUSES = {
    "disk full": Cause(lambda disk, _: disk.fill(), Disk.empty),
    "no inodes": Cause(lambda disk, _: disk.use_up_inodes(), Disk.empty),
    "read-only": Cause(lambda disk, _: fail(disk), mend, FaultyDisk),
    "unmounted": Cause(lambda disk, _: disk.unmount(), Disk.mount, is_seen=False),
    "out of memory": Cause(lambda _, trainer: kill_for_memory(trainer), remove_groups),
    "no more memory": Cause(lambda _, trainer: deny_memory(trainer)),
}
CAUSES_OF_SEVERAL = {
    "last process killed": Cause(lambda _, process: process.kill()),
    "first process killed": Cause(lambda _, process: siblings(process)[0].kill()),
    "parent killed": Cause(lambda _, process: kill_parent(process)),
    "told to stop": Cause(lambda disk, _: stop(disk)),
}
"""What happens besides to runs of several processes."""


def siblings(process: psutil.Process) -> list[psutil.Process]:
    """All processes that train a run, by their ranks."""
    parent = process.parent()
    return sorted(parent.children() if parent else [], key=lambda child: child.pid)


def kill_parent(process: psutil.Process) -> None:
    """End what holds the lock, and leave those that train to themselves."""
    if parent := process.parent():
        parent.kill()


def stop(disk: Disk) -> None:
    """Ask for an end, with a backup and a save."""
    [folder] = [path for path in Workspace(disk.place).runs.iterdir() if path.is_dir()]
    append_command(RunFolder(folder).commands, Stop())


def do(*command: str | Path) -> None:
    """Run a command that must succeed."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.strip())


# Runs


def live(cause_name: str, phase: str, folder: Path, undisturbed: dict[int, float]) -> Cell:
    """Let one run live through its bad day, and go on once it is over."""
    cause = CAUSES[cause_name]
    disk = cause.disk(folder)
    try:
        with served(disk.place) as service:
            run_folder = begin(service, disk.place)
            processes = hold(run_folder, phase)
            began = time.monotonic()
            cause.happen(disk, processes[-1])
            for process in processes:
                with suppress(psutil.NoSuchProcess):
                    process.resume()
            wait_until(lambda: all(map(has_ended, processes)))
            if cause.is_seen:
                wait_until(lambda: not service.get(run_folder.run_id).status.is_active)
            seconds = time.monotonic() - began
            seen = service.get(run_folder.run_id)
        cause.undo(disk)
        backups = read_backups(run_folder.backups)
        with served(disk.place) as service:
            if not cause.is_seen:
                wait_until(lambda: not service.get(run_folder.run_id).status.is_active)
                seen = service.get(run_folder.run_id)
            warned = [event.message for event in read_events(run_folder.events) if isinstance(event, Warned)]
            told = [seen.error] if seen.error else list(dict.fromkeys(warned))
            if seen.status is not RunStatus.COMPLETED:
                service.resume(run_folder.run_id)
                wait_until(lambda: service.get(run_folder.run_id).status.is_resumable)
            is_whole = service.get(run_folder.run_id).status is RunStatus.COMPLETED
        return Cell(
            cause=cause_name,
            phase=phase,
            status=seen.status.value,
            told=[plain(text, disk.place) for text in told],
            backups=[backup.progress.global_step for backup in backups.whole],
            damaged=[damaged.passed_over for damaged in backups.damaged],
            left=[str(path.relative_to(disk.place)) for path in disk.place.rglob("*.writing*")],
            is_equal=is_whole and losses(run_folder) == undisturbed,
            seconds=round(seconds, 1),
        )
    finally:
        disk.close()


def live_undisturbed(folder: Path) -> dict[int, float]:
    """The losses of a run that nothing happens to."""
    disk = Disk(folder)
    try:
        with served(disk.place) as service:
            run_folder = begin(service, disk.place)
            wait_until(lambda: service.get(run_folder.run_id).status.is_resumable)
            assert service.get(run_folder.run_id).status is RunStatus.COMPLETED, run_folder.log.read_text()
        return losses(run_folder)
    finally:
        disk.close()


@contextmanager
def served(place: Path) -> Iterator[RunService]:
    """A server's part that looks after runs."""
    workspace = Workspace(place)
    workspace.create()
    service = RunService(workspace)
    service.start()
    try:
        yield service
    finally:
        service.close()


def begin(service: RunService, place: Path) -> RunFolder:
    """Draw the pictures and ask for the run."""
    source = random.Random(1)
    folder = place / "datasets" / "glims"
    folder.mkdir()
    for number in range(NUM_PICTURES):
        image, caption = draw_demo_picture("demo_lora", source)
        image.save(folder / f"{number}.png")
        (folder / f"{number}.txt").write_text(caption)
    os.sync()  # pictures have been there for a while when a disk fails
    [run] = service.create([RunRequest(TrainTask.of(TrainConfig.model_validate(SETTINGS)))])
    return Workspace(place).run_folder(run.id)


def hold(folder: RunFolder, phase: str) -> list[psutil.Process]:
    """Halt the trainer of a run in the middle of a phase, and the processes under it, by their ranks."""
    awaited, step = PHASES[phase]
    reader, events = LineReader(folder.events), list[Event]()

    def is_there() -> bool:
        events.extend(parse_events(reader.read()))
        doing = next((event.doing for event in reversed(events) if isinstance(event, Activity)), None)
        done = next((event.progress.global_step for event in reversed(events) if isinstance(event, Step)), 0)
        return doing == awaited and done >= step

    while True:
        wait_until(is_there)
        trainer = psutil.Process(next(event.pid for event in events if isinstance(event, Started)))
        processes = [trainer, *sorted(trainer.children(), key=lambda child: child.pid)]
        for process in processes:
            process.suspend()
            wait_until(lambda process=process: process.status() == psutil.STATUS_STOPPED)
        if is_there():  # or it was faster: the next time comes
            return processes
        for process in processes:
            process.resume()


def has_ended(trainer: psutil.Process) -> bool:
    """Whether a trainer is no more, whoever has yet to take note of it."""
    try:
        return trainer.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look until something is so."""
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("The run does not come to where it should come.")
        time.sleep(LOOK_S)


def losses(folder: RunFolder) -> dict[int, float]:
    """The loss behind each step; of a step that was done twice, the last one."""
    steps = [event for event in read_events(folder.events) if isinstance(event, Step)]
    return {event.progress.global_step: event.metrics["loss/train_step"] for event in steps}


def plain(text: str, place: Path) -> str:
    """What was told, without what differs from one time to the next."""
    text = re.sub(r"\d{8}-\d{6}-[0-9a-f]{4}", "RUN", text.replace(str(place), ""))
    return re.sub(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d", "TIME", text)


# The table


def table(cells: Iterable[Cell]) -> str:
    """Markdown; phases in which the same happens share a row."""
    rows = ["| cause | in | the run | what it tells | whole backups, of step | then |", "|---|---|---|---|---|---|"]
    for (cause, status, told), same in groupby(cells, lambda cell: (cell.cause, cell.status, cell.told)):
        group = list(same)
        phases = ", ".join(cell.phase for cell in group)
        backups = "; ".join(", ".join(map(str, cell.backups)) or "none" for cell in group)
        wrong = [text for cell in group for text in (*cell.damaged, *(f"left: {path}" for path in cell.left))]
        equal = "bit for bit" if all(cell.is_equal for cell in group) else "**differs**"
        how = equal if status == "completed" else f"resumed, {equal}"
        rows.append(f"| {cause} | {phases} | {status} | {'<br>'.join(told)} | {backups} | {'; '.join([how, *wrong])} |")
    return "\n".join(rows)


def main() -> None:
    """Try the chosen cells and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [f"{cause}/{phase}" for cause, phase in product(CAUSES | CAUSES_OF_SEVERAL, PHASES)]
    parser.add_argument("--cells", nargs="+", choices=names, metavar="CAUSE/PHASE")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    if options.processes > 1:
        CAUSES.update(CAUSES_OF_SEVERAL)
        SETTINGS.update(multi_gpu=True, device_indexes=",".join(map(str, range(options.processes))))
    if "BAD_DAYS" not in os.environ:
        user = [] if os.geteuid() == 0 else ["--map-root-user"]
        command = ["unshare", *user, "--mount", sys.executable, *sys.argv]
        os.execvpe("unshare", command, {**os.environ, "BAD_DAYS": "inside"})
    os.environ["OMP_NUM_THREADS"] = "1"
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory() as folder:
        undisturbed = live_undisturbed(new_folder(folder))
        for name in options.cells or [f"{cause}/{phase}" for cause, phase in product(CAUSES, PHASES)]:
            cause, phase = name.split("/")
            cells.append(live(cause, phase, new_folder(folder), undisturbed))
            if options.json:
                sys.stdout.write(json.dumps(asdict(cells[-1])) + "\n")
                sys.stdout.flush()
    if not options.json:
        sys.stdout.write(table(cells) + "\n")


def new_folder(parent: str) -> Path:
    """For one disk."""
    return Path(tempfile.mkdtemp(dir=parent))


if __name__ == "__main__":
    main()
