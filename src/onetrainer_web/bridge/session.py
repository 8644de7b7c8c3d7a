"""One start of a run, from its lock to its end."""

import json
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

from onetrainer_web.bridge.checkout import Seam, SeamError, check_trainer, find_seam, read_versions
from onetrainer_web.bridge.config import go_on_from, make_config
from onetrainer_web.bridge.control import Control
from onetrainer_web.bridge.journal import Journal, Lines, LockHeldError, hold_lock, say
from onetrainer_web.bridge.translate import Translator

QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",
}


class RefusedError(Exception):
    """The run cannot be done; the message says why and what to do."""


def work(folder: Path, checkout: Path) -> int:
    """Train the run `folder` with the OneTrainer of `checkout`.

    Returns:
        Exit code: 0 when it ended as it should, 1 on an error, 2 when it could not be taken up.
    """
    try:
        record = json.loads((folder / "run.json").read_bytes())
        config = record.get("task", record)["config"]  # runs of earlier versions have it at the top
        hold_lock(folder / "trainer.lock")
    except (OSError, ValueError, LockHeldError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    journal = Journal(folder / "events.jsonl")
    commands = list(Lines(folder / "commands.jsonl").read())
    resumes = [command for command in commands if command.get("type") == "resume"]
    lengths = [command["epochs"] for command in resumes if command.get("epochs")]
    if lengths:
        config["epochs"] = lengths[-1]
    config.update(chosen_device(config, commands))
    resume_id = int(resumes[-1]["id"]) if resumes else 0
    journal.write("started", pid=os.getpid(), resume_id=resume_id, versions=read_versions(checkout))
    control = Control(folder / "commands.jsonl", resume_id, journal)
    control.watch()
    try:
        session = _Session(folder, config, journal, control)
        end = session.run(checkout, resumes[-1].get("backup") if resumes else None)
    except (SeamError, RefusedError) as error:
        end, values = "failed", {"error": str(error)}
        say(str(error))
    except Exception as error:  # the edge of the process: whatever happened must reach the user
        traceback.print_exc()
        end, values = "failed", {"error": _sentence(error)}
    else:
        values = {}
    journal.write(end, **values)
    return 1 if end == "failed" else 0


def chosen_device(config: dict[str, Any], commands: list[dict[str, Any]]) -> dict[str, str]:
    """The device that was chosen at the start, where the configuration leaves the choice, as "cuda" does."""
    launches = [command.get("devices") for command in commands if command.get("type") == "launch"]
    devices = (launches[-1] if launches else None) or []
    is_left = len(devices) == 1 and devices[0].partition(":")[0] == config.get("train_device")
    return {"train_device": devices[0]} if is_left else {}


class _Session:
    def __init__(self, folder: Path, config: dict[str, Any], journal: Journal, control: Control) -> None:
        self._folder = folder
        self._asked = config
        self._journal = journal
        self._control = control

    def run(self, checkout: Path, backup: str | None) -> str:
        """Train.

        Args:
            checkout: OneTrainer's folder.
            backup: Name of the backup to go on from; None takes the newest that there is.

        Returns:
            The type of the end event.

        Raises:
            SeamError: OneTrainer is not what it should be.
            RefusedError: There is nothing to go on from, or something that must not be overwritten.
        """
        self._journal.write("activity", doing="importing")
        seam = find_seam(checkout)
        config = make_config(seam, self._asked, self._folder, self._journal.warn)
        translator = Translator(self._folder, config, self._journal, self._control)
        self._choose_start(config, translator, backup)
        trainer = self._start(seam, config, translator)
        # OneTrainer looks for a stop between two steps only; the signal that follows an unanswered one breaks it off.
        with suppress(KeyboardInterrupt):
            trainer.train()
        translator.finish()
        return self._end(trainer, config, translator)

    def _choose_start(self, config: Any, translator: Translator, name: str | None) -> None:
        """Go on from a backup that was reported, hence is whole, or with `continue_last_backup` from the farthest."""
        history = self._journal.history
        reported = [self._folder / str(event["path"]) for event in history if event.get("type") == "backup"]
        whole = [path for path in dict.fromkeys(reported) if _position(path)]
        if name is not None:
            whole = [path for path in whole if path.name == name]
            if not whole:
                raise RefusedError(f"The backup {name} is gone or damaged. Resume from another one.")
        elif config.continue_last_backup and not whole:
            found = (meta.parent for meta in Path(config.workspace_dir, "backup").glob("*/meta.json"))
            whole = sorted(filter(_position, found), key=lambda path: _position(path) or ())
        if whole:
            go_on_from(config, whole[-1])
            translator.resumed_from = translator.inside(whole[-1])
        elif config.continue_last_backup or any(event.get("type") == "started" for event in history):
            config.continue_last_backup = False
            self._journal.warn("There is no backup to go on from; the training starts at the beginning.")
        elif config.prevent_overwrites and Path(config.output_model_destination).exists():
            raise RefusedError(
                f"{config.output_model_destination} exists already and prevent_overwrites is on. "
                "Choose another output_model_destination."
            )

    def _start(self, seam: Seam, config: Any, translator: Translator) -> Any:
        commands = seam.commands()
        trainer = seam.create_trainer(config, seam.callbacks(**translator.callbacks()), commands)
        check_trainer(trainer)
        translator.watch_scalars(trainer)
        self._control.attach(
            commands, lambda settings: seam.sample_config.default_values(config.model_type).from_dict(settings)
        )
        trainer.start()
        translator.watch_samples(trainer)
        return trainer

    def _end(self, trainer: Any, config: Any, translator: Translator) -> str:
        """Let OneTrainer back up and save what it has learnt, unless the run was told to drop it."""
        stop = self._control.stop
        self._control.set_deaf(False)
        if stop is not None and not stop.get("save", True):
            translator.close_scalars()
            return "stopped"
        if stop is not None:
            config.backup_before_save = True
        result = Path(config.output_model_destination)
        before = _changed_at(result)
        trainer.end()
        translator.finish()
        if _changed_at(result) != before:
            self._journal.write("save", path=translator.inside(result), progress=translator.position, final=True)
        return "completed" if stop is None else "stopped"


def _position(backup: Path) -> tuple[int, int, int] | None:
    """Where the training of a backup stood; None when its meta.json is torn or gone."""
    meta = backup / "meta.json"
    try:
        progress = json.loads(meta.read_bytes() if meta.is_file() else b"")["train_progress"]  # a pipe would wait
        return progress["epoch"], progress["epoch_step"], progress["global_step"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _changed_at(path: Path) -> int:
    """When a file, or the newest file of a folder, was changed; 0 when there is none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return max((file.stat().st_mtime_ns for file in files if file.is_file()), default=0)


def _sentence(error: Exception) -> str:
    """The first line of an error; it stands in the log as a whole."""
    text = str(error).strip()
    first_line = text.splitlines()[0] if text else "no further word"
    return f"OneTrainer stopped with an error ({type(error).__name__}: {first_line}). The log holds the trace."
