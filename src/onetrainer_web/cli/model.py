"""`onetrainer-web model info`: says what a model file is."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from onetrainer_web.model_files.views import ModelInfo, PartInfo

app = typer.Typer(help="Look into model files.", no_args_is_help=True)

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@app.callback()
def _group() -> None:
    """Keeps `info` a command of its own, however few there are."""


@app.command()
def info(
    file: Annotated[Path, typer.Argument(help="A model file, or the folder of a model.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a file is: its kind and model, who reads it and where it goes. Exit status 1 when something is wrong."""
    from onetrainer_web.model_files.describe import describe

    found = describe(file, checks_hash=True)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        for label, text in _lines(found):
            if text:
                typer.echo(f"{typer.style(f'{label:14}', bold=True)}{text}")
    raise typer.Exit(1 if found.problems else 0)


def _lines(found: "ModelInfo") -> Iterator[tuple[str, str]]:
    """Labels and texts; an empty text is left out."""
    yield "file", f"{found.name}, {_size(found.size)}"
    yield "what", found.title
    yield "model", f"{', '.join(found.model_types)}{' (as its metadata says)' if found.is_told else ''}"
    yield "format", found.naming
    yield "rank", ", ".join(map(str, found.ranks))
    yield "alpha", ", ".join(f"{alpha:g}" for alpha in found.alphas)
    yield "predicts", found.prediction
    yield "types", ", ".join(f"{dtype} {_size(size)}" for dtype, size in found.data_types.items())
    yield "tensors", str(found.num_tensors or "")
    for part in found.parts:
        yield "holds", _part(part)
    yield "base", found.base_model
    yield "title", found.given_title
    yield "trigger words", found.trigger_words
    yield "tags", ", ".join(found.tags)
    yield "unknown", found.unknown
    for use in found.uses:
        words = f"({use.fault})" if use.fault else f"— {use.prompt}" if use.prompt else ""
        yield use.program, f"{use.place} {words}"
    for problem in found.problems:
        yield "wrong", typer.style(problem, fg="red")


def _part(part: "PartInfo") -> str:
    counts = [f"{number} {group}" for group, number in part.layers.items()]
    counts += [f"{part.vectors} vectors"] if part.vectors else []
    return f"{part.name}: {', '.join(counts)}" if counts else part.name


def _size(num_bytes: int) -> str:
    size, unit = float(num_bytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"
