"""`onetrainer-web config`: check, convert, compare and show configuration files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onetrainer_web.errors import InvalidRequestError

if TYPE_CHECKING:
    from onetrainer_web.config.files import Note, ReadResult
    from onetrainer_web.config.training import TrainConfig

app = typer.Typer(help="Check, convert, compare and show configurations.", no_args_is_help=True)

FileArgument = Annotated[
    Path, typer.Argument(help="A configuration file of any version of OneTrainer, or the name of a preset.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be given many times.")
]


@app.command()
def validate(
    file: FileArgument,
    changes: SetOption = None,
    deep: Annotated[bool, typer.Option(help="Open folders, pictures and model files too, as a start does.")] = False,
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Where relative paths of the configuration start.")
    ] = Path("workspace"),
    as_json: JsonOption = False,
) -> None:
    """Say everything that is wrong or doubtful. Exit status 1 when there are errors."""
    from onetrainer_web.dataset.validation import validate_with_pictures

    result = read(file, changes)
    report = validate_with_pictures(result.config, workspace.resolve(), notes=result.notes, deep=deep)
    if as_json:
        _print_json(report.model_dump(mode="json"))
    else:
        for severity, color, sentences in (("error", "red", report.errors), ("warning", "yellow", report.warnings)):
            for sentence in sentences:
                typer.echo(f"{typer.style(severity, fg=color)}: {sentence}")
        typer.echo("Valid." if report.valid else "Not valid.")
    raise typer.Exit(0 if report.valid else 1)


@app.command()
def convert(
    file: FileArgument,
    output: Annotated[Path, typer.Argument(help="File to write.")],
    changes: SetOption = None,
    form: Annotated[
        str, typer.Option(help="packed (concepts and samples inside) or settings (in their own files beside it).")
    ] = ("packed"),
    as_json: JsonOption = False,
) -> None:
    """Write a file of any version in today's form, which OneTrainer opens. What was not understood is told."""
    from onetrainer_web.config.files import write_config_file, write_settings_files

    if form not in ("packed", "settings"):
        raise typer.BadParameter("packed or settings", param_hint="--form")
    result = read(file, changes)
    written = [output]
    try:
        if form == "settings":
            written = write_settings_files(output, result.config)
        else:
            write_config_file(output, result.config)
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror or error}. Name a file in another folder."
        raise InvalidRequestError(message) from error
    if as_json:
        _print_json({"output": str(output), "files": [str(path) for path in written], **_reading(result)})
        return
    _print_notes(result.notes)
    typer.echo(f"Wrote {', '.join(map(str, written))}.")


@app.command()
def diff(
    left: FileArgument,
    right: Annotated[Path | None, typer.Argument(help="Another one; the defaults if left out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show every setting in which two configurations differ."""
    from onetrainer_web.config.defaults import default_config
    from onetrainer_web.config.diff import diff as compare

    results = [read(file) for file in (left, right) if file]
    configs = [result.config for result in results] + [default_config()]
    for result in results:
        _print_notes(result.notes)
    differences = compare(configs[0], configs[1])
    if as_json:
        _print_json([difference.model_dump(mode="json") for difference in differences])
        return
    for difference in differences:
        shown = f"{json.dumps(difference.left)} → {json.dumps(difference.right)}"
        typer.echo(f"{typer.style(difference.path, bold=True)}: {shown}")
    if not differences:
        typer.echo("No difference.")


@app.command()
def show(
    file: FileArgument,
    changes: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was not understood in the JSON too.")] = False,
) -> None:
    """Print the complete configuration a file stands for, as JSON."""
    from onetrainer_web.config.files import config_to_dict

    result = read(file, changes)
    config = config_to_dict(result.config)
    if as_json:
        _print_json({"config": config, **_reading(result)})
        return
    _print_notes(result.notes)
    _print_json(config)


def read(file: Path, changes: list[str] | None = None) -> "ReadResult":
    """The configuration of a file or preset with some settings changed, and what of the file was not understood.

    Raises:
        ConfigNotFoundError: There is no such file.
        InvalidConfigError: It cannot be read, or a change does not fit.
    """
    from onetrainer_web.config.files import read_config_file
    from onetrainer_web.config.presets import preset_names, read_preset

    is_preset = str(file) in preset_names() and not file.exists()
    result = read_preset(str(file)) if is_preset else read_config_file(file)
    return result.model_copy(update={"config": change(result.config, changes)})


def change(config: "TrainConfig", changes: list[str] | None) -> "TrainConfig":
    """The configuration with `KEY=VALUE` settings changed.

    Raises:
        InvalidConfigError: A change does not fit.
    """
    from onetrainer_web.config.diff import set_path

    for item in changes or []:
        key, value = split_assignment(item)
        config = set_path(config, key, value)
    return config


def split_assignment(text: str) -> tuple[str, str]:
    """Key and value of `KEY=VALUE`."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--set")
    return key.strip(), value


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _reading(result: "ReadResult") -> dict[str, Any]:
    """What reading a file amounted to, as `POST /api/config/import` says it."""
    return {"notes": [note.model_dump() for note in result.notes], "migrated_from": result.migrated_from}


def _print_notes(notes: "list[Note]") -> None:
    for note in notes:
        typer.echo(f"{typer.style('note', fg='cyan')}: {note.path}: {note.message}", err=True)
