"""What is wanted of a run: the lines of commands.jsonl, appended by whoever wants it.

Two kinds of line stand in it. `resume`, `launch` and `killed` are the history of asking, starting and ending: a run
waits in the queue as long as its creation or its last `resume` has no later `launch`. All others are for the trainer:
it obeys those that stand behind the last `resume`, each once.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from onetrainer_web.config.devices import kind_of
from onetrainer_web.protocol.journal import LineReader, LineWriter


class _Command(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: int = Field(default=0, ge=0, description="Position in the file, from 1; given when it is appended.")
    time: datetime = Field(default_factory=lambda: datetime.now(UTC), description="When it was asked for, UTC.")


class Stop(_Command):
    """End the run after the step in progress."""

    type: Literal["stop"] = "stop"
    save: bool = Field(default=True, description="Back up and save the model first.")
    timeout_s: float = Field(
        default=60.0, gt=0, description="Seconds the trainer has to answer before it is made to end."
    )


class Sample(_Command):
    """Draw samples between two steps."""

    type: Literal["sample"] = "sample"
    samples: list[dict[str, Any]] | None = Field(
        default=None, description="Sample settings as in the configuration; null draws the configuration's own list."
    )


class Backup(_Command):
    """Write the complete state, for resuming."""

    type: Literal["backup"] = "backup"


class Save(_Command):
    """Write the model, for using."""

    type: Literal["save"] = "save"


class Rename(_Command):
    """Give the run another readable name."""

    type: Literal["rename"] = "rename"
    name: str = Field(min_length=1, max_length=200, description="The new name.")


class Describe(_Command):
    """What people say of the run, in the place of what they said before."""

    type: Literal["describe"] = "describe"
    tags: list[str] = Field(description="Short words to find it by.")
    note: str = Field(description="What there is to remember of it.")


class Resume(_Command):
    """Queue the run again, to go on from a backup."""

    type: Literal["resume"] = "resume"
    backup: str | None = Field(default=None, description="Name of a folder in backup/; null means the newest one.")
    epochs: int | None = Field(
        default=None, ge=1, description="Epochs of the whole run from here on; null leaves their number as it is."
    )


class Launch(_Command):
    """A trainer process is about to be started."""

    type: Literal["launch"] = "launch"
    devices: list[str] = Field(
        default=[], description="What it has for itself, such as cuda:1; empty where nobody has chosen for it."
    )


class Killed(_Command):
    """The trainer process was ended by a signal, as who started it has seen."""

    type: Literal["killed"] = "killed"
    signal: str = Field(description="Name of the signal, such as SIGKILL.")


Untaken = Rename | Describe | Resume | Launch | Killed
"""What a trainer passes over: it is for whoever looks at the run from outside."""

Command = Annotated[Stop | Sample | Backup | Save | Untaken, Field(discriminator="type")]
_ADAPTER: TypeAdapter[Command] = TypeAdapter(Command)


def parse_commands(lines: Iterable[bytes]) -> Iterator[Command]:
    """The commands among `lines`; torn lines and those of a newer version are passed over."""
    for line in lines:
        try:
            yield _ADAPTER.validate_json(line)
        except ValidationError:
            continue


def read_commands(path: Path) -> list[Command]:
    """All commands of a run so far."""
    return list(parse_commands(LineReader(path).read()))


def append_command(path: Path, command: Command) -> Command:
    """Append `command` under the next free id and return it as written.

    A server and a command line may both append, hence the lock beside the file.
    """
    with FileLock(path.with_suffix(".lock")):
        writer = LineWriter(path)  # first: it ends a torn last line, which may hold a whole command
        try:
            last = max((known.id for known in read_commands(path)), default=0)
            numbered = command.model_copy(update={"id": last + 1})
            writer.write(numbered.model_dump_json())
            writer.sync()
        finally:
            writer.close()
    return numbered


def last_resume_id(commands: Iterable[Command]) -> int:
    """Id of the last `resume`, 0 when the run was never resumed: the boundary between old commands and live ones."""
    return max((command.id for command in commands if isinstance(command, Resume)), default=0)


def devices_of_launch(commands: Iterable[Command]) -> list[str]:
    """The devices that the last start was given; none where nobody has chosen."""
    launches = [command for command in commands if isinstance(command, Launch)]
    return launches[-1].devices if launches else []


def config_of_today(config: dict[str, Any], commands: Iterable[Command]) -> dict[str, Any]:
    """The configuration that a trainer follows: what is asked for, on the device that was chosen at its start.

    The choice counts where the configuration leaves it, as "cuda" does, and for a run on several GPUs.
    """
    commands = list(commands)
    config = config_asked_for(config, commands)
    devices = devices_of_launch(commands)
    if devices and config.get("multi_gpu") is True and kind_of(str(config.get("train_device", ""))) == "cuda":
        numbers = [device.partition(":")[2] for device in devices if kind_of(device) == "cuda"]
        config = config | {"device_indexes": ",".join(numbers)}
    match devices:
        case [device] if device.partition(":")[0] == config.get("train_device"):
            return config | {"train_device": device}
        case _:
            return config


def config_asked_for(config: dict[str, Any], commands: Iterable[Command]) -> dict[str, Any]:
    """The configuration of run.json with the epochs that a `resume` has asked for since."""
    asked_for = [command.epochs for command in commands if isinstance(command, Resume) and command.epochs is not None]
    return config | {"epochs": asked_for[-1]} if asked_for else config
