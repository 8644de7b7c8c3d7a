"""Whole lines are the unit of truth."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onetrainer_web.protocol import journal
from onetrainer_web.protocol.journal import LineReader, LineWriter


def test_a_missing_file_has_no_lines(tmp_path: Path) -> None:
    assert list(LineReader(tmp_path / "none").read()) == []


def test_a_reader_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    writer = LineWriter(path)
    reader = LineReader(path)
    writer.write("one")
    assert list(reader.read()) == [b"one"]
    writer.write("two")
    writer.write("three")
    assert list(LineReader(path, reader.offset).read()) == list(reader.read()) == [b"two", b"three"]
    writer.close()


def test_a_line_is_seen_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    reader = LineReader(path)
    path.write_bytes(b"one\ntw")
    assert list(reader.read()) == [b"one"]
    path.write_bytes(b"one\ntwo\n")
    assert list(reader.read()) == [b"two"]


def test_a_writer_ends_a_torn_line_first(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'{"torn')
    writer = LineWriter(path)
    writer.write("fresh")
    writer.close()
    assert list(LineReader(path).read()) == [b'{"torn', b"fresh"]


def test_a_torn_tail_is_looked_through_once_and_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "READ_BYTES", 10)
    monkeypatch.setattr(journal, "MAX_LINE_BYTES", 40)
    path = tmp_path / "lines"
    path.write_bytes(b"one\n" + bytes(100))
    reader = LineReader(path)
    assert list(reader.read()) == [b"one"]
    assert (reader.offset, reader.sought) == (4, 104)
    with path.open("ab") as file:
        file.write(b"\ntwo\nthree\n")
    later = LineReader(path, reader.offset, reader.sought)
    assert list(later.read()) == [b"two", b"three"], "a hole is passed over, and nothing else"
    path.write_bytes(b"one\nnew\n")
    assert list(LineReader(path, 4, sought=104).read()) == [b"new"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(
    content=st.lists(st.binary(max_size=20).filter(lambda line: b"\n" not in line), max_size=20),
    chunk=st.integers(1, 30),
    cut=st.integers(0, 400),
)
def test_lines_are_the_same_however_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: list[bytes], chunk: int, cut: int
) -> None:
    path = tmp_path / "lines"
    whole = b"".join(line + b"\n" for line in content)
    path.write_bytes(whole[:cut])
    monkeypatch.setattr(journal, "READ_BYTES", chunk)
    reader = LineReader(path)
    lines = list(reader.read())
    path.write_bytes(whole)
    lines += reader.read()
    assert lines == [line for line in content if line.strip()]
    assert reader.offset == len(whole)
