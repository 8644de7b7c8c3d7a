"""The command `onetrainer-web`. Each sub-command imports what it needs when it runs, so that all start fast."""

import gc
import sys
from pathlib import Path
from typing import Annotated

import typer

from onetrainer_web.cli import config, model
from onetrainer_web.errors import OneTrainerWebError

app = typer.Typer(
    help="Train diffusion models from a browser, a script or a shell.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(config.app, name="config")
app.add_typer(model.app, name="model")

WorkspaceOption = Annotated[
    Path,
    typer.Option("--workspace", "-w", envvar="ONETRAINER_WEB_WORKSPACE", help="Folder of runs and configurations."),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be given many times.")
]
OneTrainerOption = Annotated[
    Path | None,
    typer.Option(
        "--onetrainer",
        envvar="ONETRAINER_WEB_ONETRAINER_DIR",
        metavar="DIR",
        help="Folder of a OneTrainer installation, to train with it as a second engine.",
    ),
]
OneTrainerPythonOption = Annotated[
    Path | None,
    typer.Option(
        "--onetrainer-python",
        envvar="ONETRAINER_WEB_ONETRAINER_PYTHON",
        help="Its Python, where it is not in its venv, conda_env or .venv.",
    ),
]


def _known_engine(name: str | None) -> str | None:
    if name not in (None, "native", "onetrainer"):
        raise typer.BadParameter("native or onetrainer")
    return name


EngineOption = Annotated[
    str | None, typer.Option(callback=_known_engine, help="native or onetrainer: who trains when nothing else says.")
]
DEFAULT_WORKSPACE = Path("workspace")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; any but loopback asks for a token.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = None,
    workspace: Annotated[
        Path | None, typer.Option("--workspace", "-w", help="Folder of runs and configurations.")
    ] = None,
    onetrainer: OneTrainerOption = None,
    onetrainer_python: OneTrainerPythonOption = None,
    engine: EngineOption = None,
) -> None:
    """Serve the API and the web page. What is left out comes from ONETRAINER_WEB_* variables."""
    # What is loaded now stays for good; looking through it for garbage takes a tenth of the start.
    gc.disable()
    from onetrainer_web.cli.serve import run_server
    from onetrainer_web.settings import read_settings

    given = {
        "host": host,
        "port": port,
        "workspace": workspace,
        "onetrainer_dir": onetrainer,
        "onetrainer_python": onetrainer_python,
        "engine": engine,
    }
    run_server(read_settings(given))


@app.command()
def train(
    config: Annotated[str, typer.Argument(help="A configuration file, or the name of a listed configuration.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    changes: SetOption = None,
    name: Annotated[str, typer.Option(help="Readable name of the run.")] = "",
    onetrainer: OneTrainerOption = None,
    engine: EngineOption = None,
) -> None:
    """Train, with a progress bar. Ctrl-C stops with a backup and a save; a second Ctrl-C stops at once."""
    from onetrainer_web.cli.train import train_in_foreground
    from onetrainer_web.runs.launcher import Launcher
    from onetrainer_web.settings import read_settings

    settings = read_settings({"onetrainer_dir": onetrainer, "engine": engine})
    launcher = Launcher(onetrainer=settings.onetrainer, default_engine=settings.engine)
    raise typer.Exit(train_in_foreground(workspace, config, changes or [], name, launcher))


@app.command()
def sample(
    prompt: Annotated[str, typer.Argument(help="What to draw.")],
    config: Annotated[str, typer.Option(help="Configuration whose model draws: a file or a listed name.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A sample setting: seed, width, height, diffusion_steps, ..."),
    ] = None,
) -> None:
    """Draw one picture and print where it lies."""
    from onetrainer_web.cli.sample import draw_sample

    raise typer.Exit(draw_sample(workspace, config, prompt, changes or []))


@app.command()
def estimate(
    config: Annotated[Path, typer.Argument(help="A configuration file, or the name of a preset.")],
    changes: SetOption = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    switches: Annotated[bool, typer.Option(help="Say what would need less too; takes several times as long.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how much memory a training will hold on a card, before anything is loaded."""
    from onetrainer_web.cli.estimate import print_estimate

    print_estimate(config, changes, workspace, with_switches=switches, as_json=as_json)


@app.command()
def doctor(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    onetrainer: OneTrainerOption = None,
    onetrainer_python: OneTrainerPythonOption = None,
) -> None:
    """Say what this machine has and what is missing. Exit status 1 when something needs attention."""
    from onetrainer_web.cli.doctor import report

    raise typer.Exit(report(workspace, onetrainer, onetrainer_python, as_json=as_json))


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; printed if left out.")] = None,
) -> None:
    """Give the OpenAPI document of the API."""
    from onetrainer_web.cli.openapi import document_text

    if output:
        output.write_text(document_text(), encoding="utf-8", newline="\n")
    else:
        typer.echo(document_text(), nl=False)


def main() -> None:
    """Run the command line; expected failures are one sentence and exit status 1."""
    try:
        app()
    except OneTrainerWebError as error:
        typer.secho(str(error), fg="red", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
