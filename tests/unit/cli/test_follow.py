"""What a shell shows of a run."""

import io
from pathlib import Path

from rich.console import Console

from onetrainer_web.cli.follow import RunDisplay
from onetrainer_web.protocol.events import Completed, EventWriter, Planned, Skipped, SkippedPicture
from onetrainer_web.protocol.run_folder import create_run
from onetrainer_web.protocol.tasks import TrainTask
from onetrainer_web.runs.launcher import Launcher


def test_each_picture_that_is_passed_over_is_told_once_with_its_reason(tmp_path: Path) -> None:
    folder, shown = create_run(tmp_path / "runs", TrainTask(config={}), "test"), io.StringIO()
    pictures = [SkippedPicture(path=f"{number % 7}.png", reason="fills no batch") for number in range(14)]
    writer = EventWriter(folder.events)
    for event in (Planned(max_step=1, max_epoch=1), Skipped(pictures=pictures), Completed()):
        writer.write(event)
    writer.close()
    RunDisplay(folder, Launcher(), Console(file=shown)).follow()
    told = [f"Passed over: {number}.png: fills no batch" for number in range(5)]
    assert shown.getvalue().splitlines()[:7] == ["1 step in 1 epoch.", *told, "Passed over: and 2 more"]
