"""Pictures of phones and JPEG XL, where the packages of the extra `pictures` are installed."""

from importlib import import_module
from pathlib import Path

import pytest
from PIL import Image

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.dataset.scan import PLUG_INS, scan_concept
from onetrainer_web.dataset.sizes import Size, UnreadablePictureError, load_picture, read_size

SIDEWAYS = 6
"""Of EXIF: to be turned by a quarter."""


@pytest.fixture(params=[".heic", ".jxl"])
def ending(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(PLUG_INS[request.param])
    if request.param == ".heic":
        import_module("pillow_heif").register_heif_opener()
    return request.param


def _write(
    path: Path, mode: str = "RGB", colour: tuple[int, ...] = (250, 20, 20), exif: Image.Exif | None = None
) -> Path:
    Image.new(mode, (64, 48), colour).save(path, quality=95, exif=(exif or Image.Exif()).tobytes())
    return path


def test_pictures_of_a_plug_in_train(tmp_path: Path, ending: str) -> None:
    path = _write(tmp_path / f"A{ending.upper()}")
    (found,) = scan_concept(ConceptConfig(path=str(tmp_path)), tmp_path).pictures
    assert found.path == path
    assert read_size(path) == Size(64, 48)
    red, green, blue = load_picture(path).crop((30, 20, 31, 21)).tobytes()
    assert red > 230 > 60 > max(green, blue)


def test_pictures_of_a_plug_in_are_upright_and_transparent_parts_white(tmp_path: Path, ending: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = SIDEWAYS
    turned = _write(tmp_path / f"turned{ending}", exif=exif)
    assert read_size(turned) == load_picture(turned).size == (48, 64)
    clear = _write(tmp_path / f"clear{ending}", "RGBA", (0, 0, 0, 0))
    assert min(load_picture(clear).crop((30, 20, 31, 21)).tobytes()) > 245


def test_damaged_pictures_of_a_plug_in_say_so(tmp_path: Path, ending: str) -> None:
    path = _write(tmp_path / f"a{ending}")
    data = path.read_bytes()
    for damaged in (b"", data[: len(data) // 2], data[:40], b"\0" * 100):
        path.write_bytes(damaged)
        with pytest.raises(UnreadablePictureError):
            load_picture(path)
