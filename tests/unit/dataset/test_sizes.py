"""Opening pictures of every kind, real files written by Pillow."""

import os
import struct
import zlib
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from onetrainer_web.dataset.sizes import (
    Size,
    UnreadablePictureError,
    load_conditioning,
    load_mask,
    load_picture,
    read_size,
)

Pixel = tuple[int, ...]


def half_red_half_blue(width: int = 12, height: int = 8) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), "blue")
    image.paste("red", (0, 0, width // 2, height))
    return image


def pixel(image: Image.Image, x: int, y: int) -> Pixel:
    found = image.getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def assert_near(found: Pixel, expected: Pixel, tolerance: int = 2) -> None:
    assert len(found) == len(expected)
    assert all(abs(a - b) <= tolerance for a, b in zip(found, expected, strict=True)), found


@pytest.mark.parametrize("extension", ["png", "jpg", "bmp", "tif", "webp", "avif"])
def test_every_format_is_read_with_its_size(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    half_red_half_blue(48, 32).save(path, quality=95)
    assert read_size(path) == Size(48, 32)
    loaded = load_picture(path)
    assert (loaded.mode, loaded.size) == ("RGB", (48, 32))
    assert_near(pixel(loaded, 8, 16), (255, 0, 0), 12)


# Where the red half is after the turn that each EXIF orientation asks for.
@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, Size(12, 8), (1, 4)),
        (2, Size(12, 8), (10, 4)),
        (3, Size(12, 8), (10, 4)),
        (4, Size(12, 8), (1, 4)),
        (5, Size(8, 12), (4, 1)),
        (6, Size(8, 12), (4, 1)),
        (7, Size(8, 12), (4, 10)),
        (8, Size(8, 12), (4, 10)),
    ],
)
@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif", "avif"])
def test_exif_rotation_is_obeyed(
    tmp_path: Path, extension: str, orientation: int, size: Size, red_at: tuple[int, int]
) -> None:
    path = tmp_path / f"a.{extension}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    half_red_half_blue().save(path, exif=exif, quality=100, subsampling="4:4:4")
    assert read_size(path) == size
    loaded = load_picture(path)
    assert loaded.size == size
    assert_near(pixel(loaded, *red_at), (255, 0, 0), 16)


def test_a_broken_exif_block_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    half_red_half_blue().save(path, exif=b"Exif\0\0this is no TIFF header")
    assert read_size(path) == Size(12, 8)
    assert load_picture(path).size == (12, 8)


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((0, 0), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 255, 128))
    image.save(path)
    loaded = load_picture(path)
    assert pixel(loaded, 3, 3) == (255, 255, 255)
    assert pixel(loaded, 0, 0) == (255, 0, 0)
    assert_near(pixel(loaded, 1, 0), (127, 127, 255))


@pytest.mark.parametrize("mode", ["LA", "PA"])
def test_grey_and_palette_pictures_with_alpha_are_laid_on_white(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tif" if mode == "PA" else tmp_path / "a.png"
    image = Image.new("LA", (4, 4), (0, 0))
    image.putpixel((0, 0), (40, 255))
    if mode == "PA":
        image = image.convert("RGBA").convert("PA")
    image.save(path)
    loaded = load_picture(path)
    assert pixel(loaded, 3, 3) == (255, 255, 255)
    assert_near(pixel(loaded, 0, 0), (40, 40, 40))


def test_palettes_are_resolved_with_their_transparent_colour(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((0, 0), 0)
    image.save(path, transparency=0)
    loaded = load_picture(path)
    assert pixel(loaded, 0, 0) == (255, 255, 255)
    assert pixel(loaded, 1, 1) == (0, 255, 0)


@pytest.mark.parametrize("extension", ["jpg", "tif"])
def test_cmyk_becomes_rgb(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path, quality=95)
    assert_near(pixel(load_picture(path), 8, 8), (255, 0, 0), 8)


@pytest.mark.parametrize("extension", ["png", "tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    image = Image.new("I;16", (3, 1))
    for x, value in enumerate((0, 32896, 65535)):
        image.putpixel((x, 0), value)
    image.save(path)
    loaded = load_picture(path)
    assert [pixel(loaded, x, 0) for x in range(3)] == [(0, 0, 0), (128, 128, 128), (255, 255, 255)]


def test_16_bit_colour_is_scaled_too(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0" + struct.pack(">HHH", 65535, 32896, 0))
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))
    assert pixel(load_picture(path), 0, 0) == (255, 128, 0)


def test_black_and_white_of_one_bit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("1", (3, 3), 1).save(path)
    assert pixel(load_picture(path), 0, 0) == (255, 255, 255)


def test_one_pixel_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (1, 1), "red").save(path)
    assert read_size(path) == Size(1, 1)
    assert load_picture(path).size == (1, 1)


def test_a_jpeg_for_a_small_view_may_be_decoded_smaller(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    half_red_half_blue(800, 400).save(path)
    small = load_picture(path, at_least_px=50)
    assert small.size == (100, 50)


def reasons(path: Path) -> tuple[str | None, str]:
    """Why the header cannot be read (None: it can), and why the pixels cannot."""
    header = None
    try:
        read_size(path)
    except UnreadablePictureError as error:
        header = error.reason
    with pytest.raises(UnreadablePictureError) as caught:
        load_picture(path)
    return header, caught.value.reason


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.touch()
    assert reasons(path) == ("is empty (0 bytes)", "is empty (0 bytes)")


def test_a_text_file_is_not_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("<html>404</html>")
    assert reasons(path) == ("is not a picture of a known format", "is not a picture of a known format")


@pytest.mark.parametrize(
    ("start", "format"), [(b"GIF89a", "a GIF"), (b"\0\0\0\x18ftypmp42", "a video"), (b"8BPS\0\x01", "a Photoshop file")]
)
def test_a_file_of_another_format_under_the_ending_of_a_picture_says_which(
    tmp_path: Path, start: bytes, format: str
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(start)
    assert reasons(path)[0] == f"is {format}, whatever its ending says; convert it to PNG"


def test_a_vanished_file_says_so(tmp_path: Path) -> None:
    assert reasons(tmp_path / "a.png") == ("does not exist any more", "does not exist any more")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes among its files")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert reasons(tmp_path / "a.png") == ("is no ordinary file", "is no ordinary file")


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "bmp", "tif"])
def test_a_file_that_is_cut_off_is_found_when_it_is_decoded(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"a.{extension}"
    Image.effect_noise((64, 64), 80).convert("RGB").save(path, quality=95)
    path.write_bytes(path.read_bytes()[:-900])
    _, reason = reasons(path)
    assert reason.startswith(("is cut off", "is damaged", "is not a picture"))


def test_a_header_that_claims_too_many_pixels_is_refused_without_decoding(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    Image.new("RGB", (2, 2)).save(path)
    data = bytearray(path.read_bytes())
    data[18:26] = struct.pack("<ii", 20_000, 20_000)
    path.write_bytes(data)
    header, reason = reasons(path)
    assert header == reason
    assert reason.startswith("is too large (20000x20000 pixels, RGB): it takes 1.6 GB of memory")


def test_a_strip_of_20000_pixels_is_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (20_000, 3), "red").save(path)
    assert read_size(path) == Size(20_000, 3)
    assert load_picture(path).size == (20_000, 3)


def test_floating_point_pixels_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.new("F", (2, 2), 0.5).save(path)
    assert reasons(path) == (None, "has floating-point pixels, whose range is unknown")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_in_a_mask_or_map_is_not_there(tmp_path: Path, mode: str) -> None:
    shown = Image.new("LA", (8, 4), (255, 0))
    shown.paste((200, 255), (0, 0, 4, 4))
    path = tmp_path / "a-masklabel.png"
    shown.convert("RGBA").convert(mode).save(path)
    mask, hint = load_mask(tmp_path / "a.png", path), load_conditioning(tmp_path / "a.png", path)
    assert mask.mode == "L"
    assert [mask.getpixel((x, 1)) for x in (1, 6)] == [200, 0]
    assert pixel(hint, 6, 1) == (0, 0, 0)
    half = Image.new("RGBA", (1, 1), (200, 200, 200, 128))
    half.save(path)
    assert load_mask(tmp_path / "a.png", path).getpixel((0, 0)) == 100
