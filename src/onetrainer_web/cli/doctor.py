"""`onetrainer-web doctor`: prints what this machine has, and what is missing for training."""

import json
from pathlib import Path

import typer

from onetrainer_web.app.doctor import examine
from onetrainer_web.protocol.workspace import Workspace
from onetrainer_web.system.onetrainer import OneTrainer


def report(workspace_folder: Path, onetrainer: Path | None = None, python: Path | None = None, *, as_json: bool) -> int:
    """Print what was found.

    Returns:
        The exit status: 0 when all is fine.
    """
    findings = examine(Workspace(workspace_folder), OneTrainer(onetrainer, python) if onetrainer else None)
    if as_json:
        typer.echo(json.dumps([finding.model_dump() for finding in findings], indent=2))
    else:
        for finding in findings:
            mark = typer.style("ok  ", fg="green") if finding.is_fine else typer.style("look", fg="red")
            typer.echo(f"{mark} {finding.subject}: {finding.text}")
    return 0 if all(finding.is_fine for finding in findings) else 1
