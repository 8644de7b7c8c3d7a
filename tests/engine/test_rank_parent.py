"""Real processes that meet, exchange gradients and lose each other, without a model."""

import os
import sys
from pathlib import Path

import pytest

from onetrainer_web.engine.ranks.parent import Parent
from onetrainer_web.protocol.events import Completed, Event, Failed, read_events
from onetrainer_web.protocol.run_folder import RunFolder, create_run
from onetrainer_web.protocol.tasks import TrainTask

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> "Runs":
    """Lets two processes do a program."""
    caplog.set_level("INFO")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return Runs(tmp_path, caplog, capfd)


class Runs:
    """Runs of two processes."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._caplog = caplog
        self._capfd = capfd
        self.said = ""

    def do(self, program: str) -> tuple[int, Event]:
        """Exit code and last event of a program."""
        folder: RunFolder = create_run(self._folder / "runs", TrainTask(config={}), "test")
        command = (sys.executable, "-W", "ignore", "-m", "tests.engine.rank_programs", program)
        code = Parent(folder, ["cpu", "cpu"], None, has_started=False, command=command, hang_s=0.5).run()
        self.said = self._caplog.text + "".join(self._capfd.readouterr())
        return code, list(read_events(folder.events))[-1]


def test_two_processes_tell_each_other_everything_and_add_up_gradients_as_one_does(run: Runs) -> None:
    code, end = run.do("work")
    assert isinstance(end, Completed), run.said
    assert code == 0
    assert "The 2 processes met" in run.said


def test_processes_that_wait_for_each_other_for_ever_are_ended_with_all_their_stacks(run: Runs) -> None:
    code, end = run.do("hang")
    assert isinstance(end, Failed), run.said
    assert code == 1
    assert "wait for each other for ever, at 'here'" in end.error
    assert "'there'" in end.error
    assert run.said.count("in hang") == 2


def test_processes_that_meet_at_different_places_by_chance_notice(run: Runs) -> None:
    code, end = run.do("part")
    assert code == 1
    assert isinstance(end, Failed), run.said
