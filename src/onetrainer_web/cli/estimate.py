"""`onetrainer-web estimate`: prints how much memory a training will hold, before anything is loaded."""

import json
from pathlib import Path

import typer

from onetrainer_web.app.estimates import MemoryReport, ask_estimator, report_of
from onetrainer_web.cli.config import read
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.protocol.estimates import EstimateQuestion

_GIB = 2**30
_CARDS_GB = (8, 12, 16, 24, 32, 48, 80)
"""Sizes that cards come in."""


def print_estimate(
    config: Path, changes: list[str] | None, workspace: Path, *, with_switches: bool, as_json: bool
) -> None:
    """Print the estimate of a configuration file or preset.

    Raises:
        OneTrainerWebError: There is no such configuration, or it cannot be estimated.
    """
    found = config_to_dict(read(config, changes).config)
    question = EstimateQuestion(config=found, workspace=str(workspace.resolve()), with_switches=with_switches)
    report = report_of(ask_estimator(question))
    if as_json:
        typer.echo(json.dumps(report.model_dump(mode="json"), indent=2))
    else:
        _print(report)


def _print(report: MemoryReport) -> None:
    estimate = report.estimate
    for phase in estimate.phases:
        held = ", ".join(f"{held.what} {_gb(held.bytes)}" for held in phase.held if held.bytes >= _GIB // 100)
        typer.echo(f"{phase.phase:18} {_gb(phase.bytes):>9}  {held}")
    card = next((f"a card of {size} GB" for size in _CARDS_GB if estimate.total_bytes <= size * _GIB), "no usual card")
    assumed = f"{_gb(estimate.context_bytes)} for the driver and {_gb(estimate.slack_bytes)} between tensors, assumed"
    typer.echo(f"Together {typer.style(_gb(estimate.total_bytes), bold=True)} on the card, with {assumed}: {card}.")
    typer.echo(f"Main memory: {_gb(estimate.main_memory_bytes)} in tensors. {estimate.sizes}")
    for note in estimate.notes:
        typer.echo(f"{typer.style('note', fg='yellow')}: {note}")
    for switch in report.switches:
        change = ", ".join(f"{path} = {value}" for path, value in switch.changes.items())
        typer.echo(f"{change}: {_gb(switch.total_bytes)}. {switch.price}")


def _gb(size: int) -> str:
    return f"{size / _GIB:.2f} GB"
