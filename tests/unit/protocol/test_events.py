"""Events are numbered, survive torn lines, and hold numbers that JSON does not know."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from tests.conftest import leave

from onetrainer_web.bridge.journal import Journal
from onetrainer_web.config.recurring import Doing
from onetrainer_web.protocol import events as happened
from onetrainer_web.protocol.events import (
    Activity,
    Event,
    EventWriter,
    Metrics,
    Planned,
    Progress,
    Step,
    Warned,
    parse_events,
    read_events,
)


def test_numbers_grow_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for _ in range(2):
        writer = EventWriter(path)
        writer.write(happened.Started(pid=1))
        writer.write(happened.Completed())
        writer.close()
    assert [(event.seq, event.type) for event in read_events(path)] == [
        (1, "started"),
        (2, "completed"),
        (3, "started"),
        (4, "completed"),
    ]


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_torn_end_never_makes_two_events_of_one_number(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    for _ in range(3):
        writer.write(happened.Completed())
    writer.close()
    path.write_bytes(path.read_bytes()[:-cut])
    writer = EventWriter(path)
    written = writer.write(happened.Stopped())
    writer.close()
    seqs = [event.seq for event in read_events(path)]
    assert seqs == list(range(1, len(seqs) + 1))
    assert seqs[-1] == written.seq


def _our_pen(path: Path) -> Callable[[str], object]:
    writer = EventWriter(path)
    return lambda message: writer.write(Warned(message=message))


def _onetrainers_pen(path: Path) -> Callable[[str], object]:
    journal = Journal(path)
    return lambda message: journal.write("warning", message=message)


@pytest.mark.parametrize("pen", [_our_pen, _onetrainers_pen])
def test_what_a_full_disk_does_not_take_follows_in_order_when_there_is_room(
    small_disk: Path, pen: Callable[[Path], Callable[[str], object]]
) -> None:
    path = small_disk / "events.jsonl"
    write = pen(path)
    write("before")
    ballast = leave(small_disk, 0)
    for number in range(100):
        write(f"{number:0100}")
    assert 1 < len(list(read_events(path))) < 100, "some fit into the last page of the file"
    ballast.unlink()
    write("after")
    assert [event.seq for event in read_events(path)] == list(range(1, 103))


def test_events_of_a_newer_version_and_broken_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"seq":1,"type":"from_the_future"}\nnot json\n[]\n{"seq":2,"type":"completed"}\n')
    assert [event.seq for event in read_events(path)] == [2]


def test_what_a_trainer_did_is_read_from_the_words_of_older_journals() -> None:
    time = '"time": "2026-01-01T00:00:00Z"'
    sampling = '{"activity": "drawing samples", "every": 1, "unit": "EPOCH"}'
    lines = [
        f'{{"seq": 1, {time}, "type": "activity", "text": "encoding pictures", "current": 1, "total": 9}}'.encode(),
        f'{{"seq": 2, {time}, "type": "activity", "text": "drawing {{something}}"}}'.encode(),
        f'{{"seq": 3, {time}, "type": "planned", "progress": {{}}, "max_step": 1, "max_epoch": 1, '
        f'"recurring": [{sampling}]}}'.encode(),
    ]
    encoding, other, planned = parse_events(lines)
    assert isinstance(encoding, Activity)
    assert isinstance(other, Activity)
    assert isinstance(planned, Planned)
    assert (encoding.doing, encoding.text, encoding.message) == (Doing.ENCODING_PICTURES, "", "encoding pictures 1/9")
    assert (other.doing, other.message) == (Doing.OTHER, "drawing {something}")
    assert planned.recurring[0].doing is Doing.SAMPLING


def test_only_events_of_the_wanted_types_are_given(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.write(Step(progress=Progress(), metrics={"loss": 0.5}))
    writer.write(Warned(message='says "type":"step"'))
    writer.close()
    with path.open("a") as file:
        file.write('{"type" : "step", "seq": 3, "progress": {}}\n')
    lines = path.read_bytes().splitlines()
    assert [event.seq for event in parse_events(lines, {"step"})] == [1, 3]
    assert [event.seq for event in parse_events(lines, ("warning", "completed"))] == [2]
    assert [event.seq for event in parse_events(lines)] == [1, 2, 3]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_null_on_paper(tmp_path: Path, value: float) -> None:
    path = tmp_path / "events.jsonl"
    writer = EventWriter(path)
    writer.write(Step(progress=Progress(), metrics={"loss": value, "lr": 0.5}))
    writer.write(Metrics(global_step=1, values={"loss": value}))
    writer.close()
    assert json.loads(path.read_text().splitlines()[0])["metrics"] == {"loss": None, "lr": 0.5}
    step, metrics = read_events(path)
    assert isinstance(step, Step)
    assert isinstance(metrics, Metrics)
    assert math.isnan(step.metrics["loss"])
    assert math.isnan(metrics.values["loss"])


def test_every_kind_of_event_has_its_own_name() -> None:
    schema = TypeAdapter(Event).json_schema()
    assert len(schema["discriminator"]["mapping"]) == len(schema["oneOf"]) == 18
