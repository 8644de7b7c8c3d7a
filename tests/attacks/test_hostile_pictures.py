"""A folder of pictures and videos that somebody made to fill the memory, or to be read as something else."""

import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import av
import httpx
import pytest
from PIL import ExifTags, Image
from tests.attacks.conftest import served

from onetrainer_web.dataset import decoding
from onetrainer_web.dataset.decoding import DecodingRoom
from onetrainer_web.dataset.sizes import UnreadablePictureError, load_picture, read_size
from onetrainer_web.dataset.thumbnails import thumbnail
from onetrainer_web.dataset.videos import load_middle, read_video

RGB, GREY, PALETTE, GREY_ALPHA, RGBA = 2, 0, 3, 4, 6
SAMPLES = {RGB: 3, GREY: 1, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}


def png(width: int, height: int, colour: int, bits: int = 8) -> bytes:
    """A whole PNG of zeros: a thousandth of its size when it is decoded."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(1)
    row = bytes(1 + width * SAMPLES[colour] * bits // 8)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    palette = chunk(b"PLTE", bytes(768)) if colour == PALETTE else b""
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def written(write: Callable[[BytesIO], None]) -> bytes:
    file = BytesIO()
    write(file)
    return file.getvalue()


def tiff_with_a_tile_of(side: int) -> bytes:
    """A TIFF of a few pixels in one tile that would take gigabytes; the tile itself is not there."""
    tags = {256: 16, 257: 16, 258: 8, 259: 5, 262: 1, 277: 1, 322: side, 323: side, 324: 8, 325: 1}
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items()]
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4)


TOKEN = "correct-horse-battery-staple"
SMALL_BUDGET = 8 * 2**20


@pytest.fixture
def small_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget of a hundredth, so that bombs are small, too."""
    monkeypatch.setattr(decoding, "MAX_DECODING_BYTES", SMALL_BUDGET)


@pytest.mark.usefixtures("small_budget")
@pytest.mark.parametrize(
    "bomb",
    [
        png(1600, 1600, RGBA),
        png(1500, 1500, RGB),
        png(1600, 1600, GREY, 16),
        png(1600, 1600, GREY_ALPHA, 16),
        png(1600, 1600, PALETTE),
        png(2_680_000, 1, GREY),
        png(1, 2_680_000, GREY),
        written(lambda file: Image.new("RGB", (900, 900)).save(file, "WEBP", lossless=True)),
        written(lambda file: Image.new("RGB", (800, 800)).save(file, "AVIF", speed=10)),
        tiff_with_a_tile_of(4096),
    ],
    ids=["alpha", "colour", "16 bit", "grey and alpha", "palette", "wide", "high", "webp", "avif", "tile"],
)
def test_what_takes_more_than_the_budget_is_refused_by_its_header(
    tmp_path: Path, bomb: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bomb)
    monkeypatch.setattr(Image.Image, "load", None)  # any decoding would fail in another way
    for open_it in (read_size, load_picture, lambda path: thumbnail(path, tmp_path / "small", 64)):
        with pytest.raises(UnreadablePictureError, match="is too large .* GB of memory"):
            open_it(path)
    assert len(bomb) < SMALL_BUDGET / 10


@pytest.mark.usefixtures("small_budget")
def test_a_jpeg_beyond_the_budget_is_read_at_a_fraction_and_trains(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (1601, 1200), "red").save(path, exif=exif)  # 15 MB with its turn
    assert read_size(path) == load_picture(path).size == (600, 801)
    Image.new("RGB", (1200, 800), "red").save(path, exif=exif)
    assert read_size(path) == load_picture(path).size == (800, 1200)


@pytest.mark.parametrize("kind", ["GIF", "ICO", "PPM", "EPS", "PCX", "TGA", "SGI", "JPEG2000", "DDS"])
def test_formats_beyond_the_list_are_no_pictures_whatever_they_are_called(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(written(lambda file: Image.new("RGB", (16, 16), "red").save(file, kind)))
    with pytest.raises(UnreadablePictureError, match="of a known format|, whatever its ending says; convert it to PNG"):
        read_size(path)


def test_pixels_are_the_same_whether_converted_at_once_or_in_strips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = Image.effect_noise((60, 45), 90)
    for mode in ("RGBA", "LA", "P", "I;16", "L"):
        noise.convert("RGBA" if mode == "P" else "L").convert(mode).save(path := tmp_path / "a.png")
        at_once = load_picture(path)
        monkeypatch.setattr("onetrainer_web.dataset.sizes._STRIP_PIXELS", 50)
        assert load_picture(path).tobytes() == at_once.tobytes()
        monkeypatch.undo()


def test_decodings_share_the_room_and_wait_for_each_other() -> None:
    room, entered, second_is_in = DecodingRoom(100), threading.Event(), threading.Event()

    def take() -> None:
        entered.set()
        with room.taken(60):
            second_is_in.set()

    with room.taken(30), room.taken(30):
        thread = threading.Thread(target=take)
        thread.start()
        assert entered.wait(10)
        assert not second_is_in.is_set()
    assert second_is_in.wait(10)
    thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_a_large_picture_leaves_no_memory_behind(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(6000, 6000, RGBA))
    probe = """
import sys; from pathlib import Path
from onetrainer_web.dataset.thumbnails import thumbnail
def kib(name): return int(next(l for l in open("/proc/self/status") if l.startswith(name)).split()[1])
folder = Path(sys.argv[1]); before = kib("VmRSS")
thumbnail(folder / "a.png", folder, 64)
print((kib("VmHWM") - before) // 1024, (kib("VmRSS") - before) // 1024)
"""
    output = subprocess.check_output([sys.executable, "-c", probe, str(tmp_path)], text=True)
    peak_mib, left_mib = map(int, output.split())
    assert peak_mib < 1.2 * 36e6 * 8 / 2**20
    assert left_mib < 30


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc")
def test_bombs_in_a_data_set_take_no_gigabyte_of_a_server(tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "bombs"
    folder.mkdir(parents=True)
    bombs = {"wide.png": png(268_000_000, 1, GREY), "deep.png": png(15_000, 15_000, GREY, 16)}
    for name, bomb in bombs.items():
        assert len(bomb) < 2**21
        (folder / name).write_bytes(bomb)
    with (
        served(tmp_path, TOKEN=TOKEN) as (_, address, pid),
        httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client,
        ThreadPoolExecutor() as views,
    ):
        answers = views.map(
            lambda name: client.get(f"{address}/api/datasets/bombs/files/{name}?thumbnail=64"), 2 * list(bombs)
        )
        assert {answer.status_code for answer in answers} == {400}
        status = Path(f"/proc/{pid}/status").read_text("utf-8")
    peak_kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    assert peak_kib < 1e9 / 2**10, peak_kib


@pytest.fixture
def video_bomb(tmp_path: Path) -> Path:
    """Frames of 36 megapixels, of one colour."""
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = 6000, 6000, "gray"
        container.mux(stream.encode(av.VideoFrame(6000, 6000, "gray")))
        container.mux(stream.encode())
    return path


def test_a_video_of_larger_frames_is_refused_before_it_is_decoded(tmp_path: Path, video_bomb: Path) -> None:
    for open_it in (load_middle, lambda path: read_video(path, 1), lambda path: thumbnail(path, tmp_path, 64)):
        with pytest.raises(UnreadablePictureError, match="more than 33 megapixels"):
            open_it(video_bomb)


@pytest.mark.parametrize(
    "text",
    ["ffconcat version 1.0\nfile a.avi\n", "#EXTM3U\n#EXTINF:1,\na.avi\n#EXT-X-ENDLIST\n", "[playlist]\nFile1=a.avi\n"],
)
def test_a_list_of_other_files_is_no_video(tmp_path: Path, text: str) -> None:
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        container.mux(stream.encode(av.VideoFrame.from_image(Image.new("RGB", (16, 16)))))
        container.mux(stream.encode())
    (tmp_path / "b.mp4").write_text(text)
    assert load_middle(tmp_path / "a.avi").size == (16, 16)
    with pytest.raises(UnreadablePictureError, match="cannot be decoded"):
        load_middle(tmp_path / "b.mp4")
