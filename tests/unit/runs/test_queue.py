"""The order of waiting runs."""

from pathlib import Path

import pytest

from onetrainer_web.runs.queue import Queue


def test_runs_wait_in_the_order_of_their_creation(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.json")
    assert queue.sort({"c", "a", "b"}) == ["a", "b", "c"]
    assert not queue.paused


def test_an_order_by_hand_survives_a_restart(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.json")
    queue.set_order(["c", "a"])
    queue.set_paused(True)
    again = Queue(tmp_path / "queue.json")
    assert again.sort(["a", "b", "c", "d"]) == ["c", "a", "b", "d"]
    assert again.paused


def test_what_somebody_waits_for_comes_first_and_passes_a_pause_once(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "queue.json")
    queue.set_order(["b"])
    queue.set_paused(True)
    queue.add_immediate("c")
    assert queue.sort(["a", "b", "c"]) == ["c", "b", "a"]
    assert [queue.may_start(run_id) for run_id in "abc"] == [False, False, True]
    queue.discard("c")
    queue.discard("unknown")
    assert not queue.may_start("c")
    assert queue.sort(["a", "b", "c"]) == ["b", "a", "c"]


@pytest.mark.parametrize("content", ["{", '{"paused": "perhaps"}', "\0" * 40])
def test_a_broken_file_costs_only_the_order_and_starts_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    path = tmp_path / "queue.json"
    path.write_text(content)
    queue = Queue(path)
    assert queue.sort(["b", "a"]) == ["a", "b"]
    assert queue.paused
    assert "cannot be read, so the queue is paused" in caplog.text
    queue.set_paused(False)
    assert not Queue(path).paused
