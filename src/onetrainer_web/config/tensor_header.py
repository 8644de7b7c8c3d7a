"""The header of a safetensors file: the one place that tells what a file holds without reading its weights.

A header is eight bytes with its length, then JSON: type, shape and place of each tensor, texts under `__metadata__`.
"""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from onetrainer_web.errors import InvalidRequestError
from onetrainer_web.files.confined import reading

_LENGTH_BYTES = 8
_LIMIT = 100_000_000  # the safetensors library refuses longer headers
_BITS: Mapping[str, int] = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 64),
}
"""Bits of a number of each type that the safetensors library knows."""
_NUMBERS = {"F64": "<d", "F32": "<f", "F16": "<e"}


class HeaderError(InvalidRequestError):
    """A file has no header that can be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} is no safetensors file: {reason}. Download or copy it again.")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """What a header tells of one tensor."""

    dtype: str
    """As safetensors calls it: F32, BF16, F8_E4M3 …"""
    shape: tuple[int, ...]
    start: int
    """Of its bytes, counted from the end of the header."""
    end: int

    @property
    def num_bytes(self) -> int:
        """Bytes that it takes."""
        return self.end - self.start


@dataclass(frozen=True)
class Header:
    """What the header of a file tells."""

    tensors: Mapping[str, TensorFacts]
    """By name, in the order of the header."""
    metadata: Mapping[str, str]
    data_start: int
    """Where the bytes of the tensors begin in the file."""
    file_size: int

    @property
    def fault(self) -> str | None:
        """Why programs refuse the file, as words behind its name; None when it is whole."""
        if not self.tensors:
            return "holds no tensors"
        end = 0
        for name, facts in sorted(self.tensors.items(), key=lambda item: item[1].start):
            if facts.dtype not in _BITS:
                return f"has a tensor of the unknown type {facts.dtype} ({name})"
            if facts.num_bytes * 8 != math.prod(facts.shape) * _BITS[facts.dtype] or facts.start != end:
                return f"has a tensor whose bytes are not those of its shape ({name})"
            end = facts.end
        expected = self.data_start + end
        if self.file_size < expected:
            return f"is cut off: {expected - self.file_size:,} of {expected:,} bytes are missing"
        return f"has {self.file_size - expected:,} bytes behind its last tensor" if self.file_size > expected else None


def read_header(path: Path) -> Header:
    """The header of a safetensors file, which may be a link.

    Raises:
        HeaderError: It has none that can be read.
        OSError: The file cannot be opened.
    """
    with reading(path, follow=True) as file:
        try:
            return parse_header(file, path.stat().st_size)
        except ValueError as error:
            raise HeaderError(path, str(error)) from error


def parse_header(file: BinaryIO, file_size: int) -> Header:
    """The header at the beginning of an open file.

    Raises:
        ValueError: It cannot be read; the message says why.
    """
    length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
    if length > _LIMIT:
        raise ValueError("what stands in the place of its header is longer than any header")
    try:
        found = json.loads(file.read(length))
        metadata: dict[Any, Any] = found.pop("__metadata__", None) or {}
        tensors = {str(name): _facts(entry) for name, entry in found.items()}
        texts = {str(key): str(value) for key, value in metadata.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError("its header is damaged") from error
    return Header(tensors, texts, _LENGTH_BYTES + length, file_size)


def read_numbers(path: Path, header: Header, names: list[str]) -> list[float]:
    """The values of tensors of one number each; those of other types or sizes, or behind the file's end, are left out.

    Raises:
        OSError: The file cannot be opened.
    """
    found: list[float] = []
    with reading(path, follow=True) as file:
        for name in names:
            facts = header.tensors[name]
            file.seek(header.data_start + facts.start)
            raw = file.read(min(facts.num_bytes, _LENGTH_BYTES))
            if facts.dtype == "BF16":  # the upper half of a float32
                raw = bytes(2) + raw
            form = _NUMBERS.get("F32" if facts.dtype == "BF16" else facts.dtype)
            if form and len(raw) == struct.calcsize(form):
                found.append(struct.unpack(form, raw)[0])
    return found


def _facts(entry: Any) -> TensorFacts:
    start, end = map(int, entry["data_offsets"])
    return TensorFacts(str(entry["dtype"]), tuple(map(int, entry["shape"])), start, end)
