"""Remembered hashes of files."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from onetrainer_web.pipeline.fingerprints import Fingerprints

LONG_AGO_NS = 10**18


def write(path: Path, data: bytes, changed_ns: int = LONG_AGO_NS) -> str:
    path.write_bytes(data)
    os.utime(path, ns=(changed_ns, changed_ns))
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every file had been there for long."""
    now = time.time() + 60
    monkeypatch.setattr("onetrainer_web.pipeline.fingerprints.time.time", lambda: now)


@pytest.mark.usefixtures("settled")
def test_a_hash_is_remembered_across_objects_until_the_file_changes(tmp_path: Path) -> None:
    memory, picture = tmp_path / "cache" / "fingerprints.json", tmp_path / "a.png"
    expected = write(picture, b"one")
    first = Fingerprints(memory)
    assert first.sha256(picture) == expected
    first.save()
    memory.write_text(memory.read_text().replace(expected, "as remembered"))
    assert Fingerprints(memory).sha256(picture) == "as remembered"
    changed = write(picture, b"two", LONG_AGO_NS + 1)
    assert Fingerprints(memory).sha256(picture) == changed


@pytest.mark.usefixtures("settled")
def test_files_of_one_length_and_time_that_change_places_are_noticed(tmp_path: Path) -> None:
    one, two = tmp_path / "a.bmp", tmp_path / "b.bmp"
    hashes = {path: write(path, data) for path, data in ((one, b"red"), (two, b"sky"))}
    fingerprints = Fingerprints(None)
    assert [fingerprints.sha256(path) for path in (one, two)] == list(hashes.values())
    one.rename(tmp_path / "c.bmp")
    two.rename(one)
    (tmp_path / "c.bmp").rename(two)
    assert [fingerprints.sha256(path) for path in (two, one)] == list(hashes.values())


def test_a_file_that_changed_just_now_is_hashed_every_time(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(b"one")
    fingerprints = Fingerprints(tmp_path / "fingerprints.json")
    fingerprints.sha256(picture)
    fingerprints.save()
    assert not (tmp_path / "fingerprints.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '{"a": ["x", 1, "y"]}'])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, content: str) -> None:
    memory, picture = tmp_path / "fingerprints.json", tmp_path / "a.png"
    memory.write_text(content)
    expected = write(picture, b"one")
    assert Fingerprints(memory).sha256(picture) == expected
