"""What a header tells without the weights, and what is said of files that have none."""

import json
from pathlib import Path
from typing import Any

import pytest

from onetrainer_web.config.tensor_header import HeaderError, read_header, read_numbers

WEIGHT = {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
ALPHA = {"dtype": "BF16", "shape": [], "data_offsets": [24, 26]}
DATA = bytes(24) + b"\x80\x3f"


def write(folder: Path, header: Any, data: bytes = DATA) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "some.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def test_names_shapes_types_places_and_texts_are_told(tmp_path: Path) -> None:
    path = write(tmp_path, {"__metadata__": {"title": "Cat"}, "weight": WEIGHT, "alpha": ALPHA})
    header = read_header(path)
    assert header.fault is None
    assert header.metadata == {"title": "Cat"}
    assert {name: (found.dtype, found.shape, found.num_bytes) for name, found in header.tensors.items()} == {
        "weight": ("F32", (2, 3), 24),
        "alpha": ("BF16", (), 2),
    }
    assert read_numbers(path, header, ["alpha", "weight"]) == [1.0]


@pytest.mark.parametrize(
    ("entries", "data", "fault"),
    [
        ({"weight": WEIGHT}, DATA[:20], "is cut off: 4 of 102 bytes are missing"),
        ({"weight": WEIGHT}, DATA, "has 2 bytes behind its last tensor"),
        ({"weight": {**WEIGHT, "dtype": "F3"}}, DATA[:24], "has a tensor of the unknown type F3 (weight)"),
        ({"alpha": ALPHA}, DATA, "has a tensor whose bytes are not those of its shape (alpha)"),
        ({}, b"", "holds no tensors"),
    ],
)
def test_what_programs_refuse_is_told(tmp_path: Path, entries: Any, data: bytes, fault: str) -> None:
    assert read_header(write(tmp_path, entries, data)).fault == fault


@pytest.mark.parametrize("header", [b"{", b"[1]", b'{"a": {}}', b'{"__metadata__": 1}', b"[" * 100_000])
def test_a_damaged_header_is_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(HeaderError, match="some.safetensors is no safetensors file: its header is damaged"):
        read_header(write(tmp_path, header))


def test_a_pickle_has_no_header(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    path.write_bytes(b"PK\x03\x04\x14\x00\x00\x08" + bytes(100))
    with pytest.raises(HeaderError, match="longer than any header"):
        read_header(path)
