"""`onetrainer-web train`: a run in the foreground, in the same folder and form as the server's."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from onetrainer_web.app.config_store import ConfigNameError, ConfigStore
from onetrainer_web.app.judging import judge
from onetrainer_web.cli.config import change
from onetrainer_web.cli.follow import RunDisplay, tell_end
from onetrainer_web.config.files import ReadResult, read_config_file
from onetrainer_web.errors import ConfigNotFoundError
from onetrainer_web.protocol.run_folder import RunRequest
from onetrainer_web.protocol.tasks import TrainTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher


def train_in_foreground(
    workspace_folder: Path,
    config_text: str,
    changes: list[str],
    name: str,
    launcher: Launcher,
) -> int:
    """Start a run and show it until it ends. A server on the same workspace sees it too and can stop it.

    Args:
        workspace_folder: Made when missing.
        config_text: A configuration file, or the name of a listed configuration.
        changes: Settings to change, as KEY=VALUE.
        name: Readable name of the run; empty takes its id.
        launcher: How trainers are started, and which of them when nothing else says.

    Returns:
        The exit status: 0 when the run completed or was stopped, 1 when it failed.

    Raises:
        OneTrainerWebError: There is no such configuration, it cannot train, or the trainer is not installed.
    """
    console = Console(stderr=False)
    workspace = Workspace(workspace_folder)
    workspace.create()
    store = ConfigStore(workspace)
    found = find_config(store, config_text, console)
    read = found.model_copy(update={"config": change(found.config, changes)})
    engine = judge(read, store, launcher)
    folder = launcher.launch_new(workspace, RunRequest(TrainTask.of(read.config), name, engine))
    console.print(f"Run: {escape(str(folder.path))}", soft_wrap=True)
    return tell_end(RunDisplay(folder, launcher, console).follow(), folder, console)


def find_config(store: ConfigStore, text: str, console: Console) -> ReadResult:
    """The configuration in the file `text`, seen from the working folder, else the listed one of this name.

    Raises:
        ConfigNotFoundError: There is neither.
        InvalidConfigError: It cannot be read.
    """
    try:
        read = read_config_file(Path(text)) if Path(text).exists() else store.load(text)
    except ConfigNameError as error:  # a path where nothing is
        raise ConfigNotFoundError(text) from error
    for note in read.notes:
        console.print(f"[cyan]note[/]: {escape(note.path)}: {escape(note.message)}")
    return read
