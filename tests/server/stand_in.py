"""A tiny program that speaks the run protocol, for fast tests of supervision; and a server that starts it.

    python stand_in.py RUN_FOLDER           behave as a trainer; how, the run's name says: "steps=20 pause=0.01 deaf=1"
    python stand_in.py --serve WORKSPACE    serve the workspace, with this program as the trainer, until killed

The words of a name: steps (of the run), pause (seconds a step), deaf (1: obeys no command, 2: nor SIGINT, 3: nor
SIGTERM), crash (step to break down at, without an end event), fail (step to fail at), encode (seconds for the first of
ten pictures; the others are there).
"""

import os
import signal
import sys
import time
from pathlib import Path

from onetrainer_web.config.recurring import Doing
from onetrainer_web.files.json_files import write_json_atomically
from onetrainer_web.protocol import commands as asked
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.commands import Command, last_resume_id, read_commands
from onetrainer_web.protocol.events import EventWriter, Progress, read_events
from onetrainer_web.protocol.lock import HeldLock
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.tasks import RunKind


class StandIn:
    def __init__(self, folder: RunFolder) -> None:
        self.lock = HeldLock(folder.lock)
        self.folder = folder
        self.record = folder.read_record()
        words = dict(word.split("=") for word in self.record.name.split() if "=" in word)
        self.options = {name: float(value) for name, value in words.items()}
        history = list(read_events(folder.events))
        self.taken = {event.command_id for event in history if isinstance(event, happened.CommandTaken)}
        self.resume_id = last_resume_id(read_commands(folder.commands))
        backups = [event for event in history if isinstance(event, happened.BackedUp)]
        self.backup = backups[-1] if backups and self.resume_id else None
        self.step = self.backup.progress.global_step if self.backup else 0
        self.writer = EventWriter(folder.events)

    @property
    def progress(self) -> Progress:
        return Progress(epoch=0, epoch_step=self.step, epoch_sample=self.step, global_step=self.step)

    def option(self, name: str, default: float) -> float:
        return self.options.get(name, default)

    def run(self) -> None:
        deaf = self.option("deaf", 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # who is started in the background may ignore it
        for level, number in ((2, signal.SIGINT), (3, signal.SIGTERM)):
            if deaf >= level:
                signal.signal(number, signal.SIG_IGN)
        self.writer.write(happened.Started(pid=os.getpid(), resume_id=self.resume_id))
        steps = int(self.option("steps", 1_000_000))
        if "encode" in self.options:
            self.writer.write(happened.Estimated(max_step=steps, max_epoch=1, progress=self.progress))
            self.writer.write(happened.Activity(doing=Doing.ENCODING_PICTURES, current=0, total=10))
            time.sleep(self.options["encode"])
            self.writer.write(happened.Activity(doing=Doing.ENCODING_PICTURES, current=1, total=10))
        resumed_from = self.backup.path if self.backup else None
        self.writer.write(
            happened.Planned(max_step=steps, max_epoch=1, resumed_from=resumed_from, progress=self.progress)
        )
        try:
            self.loop(steps, obeys=not deaf)
        except KeyboardInterrupt:
            self.writer.write(happened.Stopped())

    def loop(self, steps: int, *, obeys: bool) -> None:
        while self.step < steps:
            if obeys and self.obey():
                return
            time.sleep(self.option("pause", 0.01))
            if self.record.task.kind is RunKind.SAMPLE:
                continue
            self.step += 1
            self.writer.write(
                happened.Step(progress=self.progress, metrics={"loss/train_step": 1 / self.step, "lr/unet": 1e-4})
            )
            if self.step == self.option("crash", 0):
                raise RuntimeError("the stand-in breaks down")
            if self.step == self.option("fail", 0):
                self.writer.write(happened.Failed(error="The stand-in fails as it was told to."))
                return
        self.save(final=True)
        self.writer.write(happened.Completed())

    def obey(self) -> bool:
        """Obey new commands; True ends the run."""
        for command in read_commands(self.folder.commands):
            if command.id <= self.resume_id or command.id in self.taken:
                continue
            if isinstance(command, asked.Untaken):
                continue
            self.taken.add(command.id)
            self.writer.write(happened.CommandTaken(command_id=command.id, command=command.type))
            if self.obey_one(command):
                return True
        return False

    def obey_one(self, command: Command) -> bool:
        match command:
            case asked.Stop():
                if command.save:
                    self.back_up()
                    self.save(final=False)
                self.writer.write(happened.Stopped())
                return True
            case asked.Sample():
                self.draw(command)
            case asked.Backup():
                self.back_up()
            case asked.Save():
                self.save(final=False)
            case _:
                pass
        return False

    def draw(self, command: asked.Sample) -> None:
        kind = "default" if command.samples is None else "custom"
        wanted = command.samples or [{"prompt": "as configured"}]
        for index, settings in enumerate(wanted):
            path = self.folder.samples / f"{self.step}-{index}-{time.time_ns()}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"a picture")
            self.writer.write(
                happened.SampleDrawn(
                    kind=kind,
                    path=self.folder.inside(path),
                    index=index,
                    progress=self.progress,
                    settings=settings,
                )
            )
            self.writer.write(happened.SampleProgress(kind=kind, current=index + 1, total=len(wanted)))
        self.writer.write(happened.SamplesDone(kind=kind, sample_count=len(wanted)))

    def back_up(self) -> None:
        path = self.folder.backups / f"step-{self.step}"
        path.mkdir(parents=True, exist_ok=True)
        write_json_atomically(path / "meta.json", {"train_progress": self.progress.model_dump()})
        self.writer.write(happened.BackedUp(path=self.folder.inside(path), progress=self.progress))

    def save(self, *, final: bool) -> None:
        path = self.folder.saves / f"step-{self.step}.safetensors"
        path.parent.mkdir(exist_ok=True)
        path.write_text("a model")
        self.writer.write(happened.Saved(path=self.folder.inside(path), progress=self.progress, final=final))


def serve(workspace: Path) -> None:
    from onetrainer_web.protocol.workspace import Workspace  # a trainer starts faster without the server's imports
    from onetrainer_web.runs.launcher import Launcher
    from onetrainer_web.runs.service import RunService

    launcher = Launcher((sys.executable, str(Path(__file__).resolve())))
    service = RunService(Workspace(workspace), launcher, "http://the-first-server")
    service.start()
    signal.pause()


def main() -> None:
    if sys.argv[1] == "--serve":
        serve(Path(sys.argv[2]))
    else:
        StandIn(RunFolder(Path(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
