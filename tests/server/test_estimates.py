"""What a training will hold is asked of a process of its own, once for the same question."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from onetrainer_web.app.estimates import (
    NUM_WAITING,
    AnotherAskedError,
    EstimateFailedError,
    Estimates,
    ManyWaitError,
    ask_estimator,
    report_of,
)
from onetrainer_web.cli.main import app
from onetrainer_web.config.files import config_to_dict
from onetrainer_web.config.presets import read_preset
from onetrainer_web.protocol.estimates import EstimateQuestion

PATIENCE_S = 120


def question_of(workspace: Path, **changes: Any) -> EstimateQuestion:
    """About a training of the model that comes along."""
    config = config_to_dict(read_preset("demo_lora").config)
    return EstimateQuestion(config={**config, **changes}, workspace=str(workspace))


def test_who_asks_anew_ends_what_is_being_made(tmp_path: Path) -> None:
    estimates, outcomes = Estimates(), list[Exception]()
    has_begun = threading.Event()
    begin = estimates._begin

    def noting(process: Any, digest: str) -> None:
        begin(process, digest)
        has_begun.set()

    estimates._begin = noting

    def ask_first() -> None:
        with pytest.raises(AnotherAskedError) as caught:
            estimates.ask(question_of(tmp_path, batch_size=2))
        outcomes.append(caught.value)

    first = threading.Thread(target=ask_first)
    first.start()
    assert has_begun.wait(PATIENCE_S)
    report = estimates.ask(question_of(tmp_path))
    first.join()
    assert len(outcomes) == 1
    phases = {phase.phase for phase in report.estimate.phases}
    assert phases >= {"loading", "encoding pictures", "training", "sampling"}
    assert report.estimate.peak_bytes == max(phase.bytes for phase in report.estimate.phases)
    assert estimates.ask(question_of(tmp_path)) is report  # no second process


def test_no_more_than_a_few_wait_at_once(tmp_path: Path) -> None:
    estimates = Estimates()
    with ThreadPoolExecutor(NUM_WAITING) as threads:
        with estimates._turn:  # as if a long estimate were being made
            waiting = [threads.submit(estimates.ask, question_of(tmp_path)) for _ in range(NUM_WAITING)]
            while estimates._seats._value:  # pyright: ignore[reportAttributeAccessIssue]
                time.sleep(0.01)
            with pytest.raises(ManyWaitError, match="Ask again"):
                estimates.ask(question_of(tmp_path, batch_size=2))
        assert len({id(answer.result(PATIENCE_S)) for answer in waiting}) == 1


def test_what_cannot_be_estimated_says_why(tmp_path: Path) -> None:
    with pytest.raises(EstimateFailedError, match="train"):
        report_of(ask_estimator(question_of(tmp_path, unet={"train": False}, text_encoder={"train": False})))


def test_the_command_names_the_card(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["estimate", "demo_lora", "--workspace", str(tmp_path)])
    assert result.exit_code == 0
    assert "a card of 8 GB" in result.output
    assert "training" in result.output
