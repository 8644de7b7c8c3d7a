"""Prints how much memory the presets hold, as docs/memory.md shows it: `python scripts/memory_table.py [NAME ...]`.

NAME is a preset or a file of a configuration; without any, all presets are estimated, which takes a minute each.
"""

import sys
from pathlib import Path

from onetrainer_web.app.estimates import ask_estimator, report_of
from onetrainer_web.cli.config import read
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.presets import preset_names
from onetrainer_web.errors import OneTrainerWebError
from onetrainer_web.protocol.estimates import Estimate, EstimateQuestion

GIB = 2**30
CARDS_GB = (8, 12, 16, 24, 32, 48, 80)
PHASES = ("encoding pictures", "encoding prompts", "training", "sampling")


def row(name: str, estimate: Estimate) -> str:
    """A line of the table."""
    found = {phase.phase: f"{phase.bytes / GIB:.1f}" for phase in estimate.phases}
    card = next((str(size) for size in CARDS_GB if estimate.total_bytes <= size * GIB), "none")
    cells = [name, *(found.get(phase, "") for phase in PHASES), f"{estimate.total_bytes / GIB:.1f}", card]
    return f"| {' | '.join(cells)} |"


def main(names: list[str]) -> None:
    """Estimate one after the other; what cannot be estimated says why."""
    print(f"| preset | {' | '.join(PHASES)} | with what is assumed | smallest card |", flush=True)
    print("|---" * (len(PHASES) + 3) + "|")
    for name in names or sorted(preset_names()):
        config = config_to_dict(read(Path(name)).config)
        try:
            report = report_of(ask_estimator(EstimateQuestion(config=config, workspace=str(Path.cwd()))))
        except OneTrainerWebError as error:
            print(f"| {name} | {error} |||||| ", flush=True)
        else:
            print(row(Path(name).stem, report.estimate), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
