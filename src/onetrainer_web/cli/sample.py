"""`onetrainer-web sample`: one picture from a configuration's model, without training."""

from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from onetrainer_web.app.config_store import ConfigStore
from onetrainer_web.app.judging import judge
from onetrainer_web.cli.config import split_assignment
from onetrainer_web.cli.follow import live_events
from onetrainer_web.cli.train import find_config
from onetrainer_web.config.families import sample_defaults
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.commands import Sample, Stop, append_command
from onetrainer_web.protocol.run_folder import RunFolder, RunRequest
from onetrainer_web.protocol.state import read_state
from onetrainer_web.protocol.tasks import SampleTask
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.runs.launcher import Launcher


def draw_sample(workspace_folder: Path, config_text: str, prompt: str, changes: list[str]) -> int:
    """Start a sampler, draw one picture, end the sampler, and print the picture's path.

    Returns:
        The exit status: 0 when the picture was drawn.

    Raises:
        OneTrainerWebError: There is no such configuration, or the trainer is not installed.
    """
    console = Console(stderr=True)
    workspace = Workspace(workspace_folder)
    workspace.create()
    store, launcher = ConfigStore(workspace), Launcher()
    read = find_config(store, config_text, console)
    config, engine = read.config, judge(read, store, launcher, SampleTask)
    settings = {**sample_defaults(config.model_type), **_settings(changes), "prompt": prompt}
    folder = launcher.launch_new(workspace, RunRequest(SampleTask.of(config), f"sample: {prompt[:80]}", engine))
    append_command(folder.commands, Sample(samples=[settings]))
    with console.status("loading the model"):
        path = _wait_for_picture(folder)
    if path is None:
        console.print(f"[red]No picture was drawn.[/] {read_state(folder).error or ''} Log: {folder.log}")
        return 1
    typer.echo(path)
    return 0


def _settings(changes: list[str]) -> dict[str, Any]:
    from onetrainer_web.config.sampling import SampleConfig

    given = dict(split_assignment(item) for item in changes)
    if unknown := given.keys() - SampleConfig.model_fields.keys():
        raise InvalidConfigError(f"A sample has no setting {', '.join(sorted(unknown))}.")
    return SampleConfig.model_validate(given).model_dump(mode="json", include=set(given))


def _wait_for_picture(folder: RunFolder) -> Path | None:
    path = None
    for event in live_events(folder):
        if isinstance(event, happened.SampleDrawn):
            path = folder.path / event.path
        elif isinstance(event, happened.SamplesDone):
            append_command(folder.commands, Stop(save=False))
    return path
