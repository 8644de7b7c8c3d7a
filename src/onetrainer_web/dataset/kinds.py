"""What kind of file one is, by how it begins, whatever it is called."""

from pathlib import Path

from onetrainer_web.files.confined import reading

PICTURE, VIDEO = "picture", "video"
_BEGINNINGS = {
    b"\x89PNG\r\n": PICTURE,
    b"\xff\xd8\xff": PICTURE,
    b"GIF8": PICTURE,
    b"BM": PICTURE,
    b"II*\x00": PICTURE,
    b"MM\x00*": PICTURE,
    b"8BPS": PICTURE,
    b"\xff\x0a": PICTURE,
    b"\x00\x00\x00\x0cJXL ": PICTURE,
    b"\x00\x00\x00\x0cjP  ": PICTURE,
    b"\x1aE\xdf\xa3": VIDEO,
    b"FLV\x01": VIDEO,
    b"\x00\x00\x01\xba": VIDEO,
}
_IN_RIFF = {b"WEBP": PICTURE, b"AVI ": VIDEO}
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1")
_SOUND_BRANDS = (b"M4A ", b"M4B ")
_FOREIGN = {
    b"GIF8": "a GIF",
    b"8BPS": "a Photoshop file",
    b"\xff\x0a": "JPEG XL",
    b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"\x00\x00\x00\x0cjP  ": "JPEG 2000",
}


def kind_of(path: Path) -> str | None:
    """Whether a file begins like a picture or a video; None for anything else, and for what cannot be read."""
    return kind_of_beginning(_start_of(path))


def kind_of_beginning(start: bytes) -> str | None:
    """The same of the first 16 bytes of a file."""
    if start[:4] == b"RIFF":
        return _IN_RIFF.get(start[8:12])
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        return PICTURE if brand in _PICTURE_BRANDS else None if brand in _SOUND_BRANDS else VIDEO
    return next((kind for beginning, kind in _BEGINNINGS.items() if start.startswith(beginning)), None)


def foreign_format(path: Path) -> str | None:
    """What a file is that has the ending of a picture, but a format that is not decoded; None where that is unknown."""
    start = _start_of(path)
    if start[4:8] == b"ftyp":
        return "HEIC" if start[8:12] in _PICTURE_BRANDS else "a video"
    return next((name for beginning, name in _FOREIGN.items() if start.startswith(beginning)), None)


def _start_of(path: Path) -> bytes:
    try:
        with reading(path, follow=True) as file:
            return file.read(16)
    except OSError:
        return b""
