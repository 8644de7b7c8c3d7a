"""Videos written by this program and read again, frame by frame."""

from io import BytesIO
from pathlib import Path
from typing import Any

import av
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from onetrainer_web.dataset.sizes import Size, UnreadablePictureError
from onetrainer_web.dataset.videos import load_frames, read_video, write_video


def grey(level: int) -> Image.Image:
    return Image.new("RGB", (32, 16), (level, level, level))


def levels(frames: list[Image.Image]) -> list[int]:
    """How bright each frame is, to the nearest ten, which compression does not move."""
    return [round(frame.convert("L").resize((1, 1)).tobytes()[0] / 10) * 10 for frame in frames]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds at 10 frames a second, a little brighter each."""
    path = tmp_path / "clip.mp4"
    write_video([grey(10 * index + 20) for index in range(20)], path, 10)
    return path


def test_a_video_tells_its_size_and_length(video: Path) -> None:
    assert read_video(video, 10) == (Size(32, 16), 20)
    assert read_video(video, 5) == (Size(32, 16), 10)


class _Pipe(BytesIO):
    """What cannot be sought, as a recorder writes to: the header is never completed."""

    def seekable(self) -> bool:
        return False

    seek = None  # type: ignore[assignment]


@pytest.mark.parametrize(("container", "codec"), [("webm", "libvpx"), ("matroska", "mpeg4"), ("mpeg", "mpeg1video")])
def test_a_video_that_does_not_state_its_length_is_counted(tmp_path: Path, container: str, codec: str) -> None:
    path, pipe = tmp_path / "clip.mkv", _Pipe()
    with av.open(pipe, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "yuv420p"
        for index in range(48):
            file.mux(stream.encode(VideoFrame.from_image(grey(5 * index))))
        file.mux(stream.encode())
    path.write_bytes(pipe.getvalue())
    assert read_video(path, 25) == (Size(32, 16), 48)
    assert read_video(path, 24)[1] == 46


def test_frames_come_at_the_speed_that_is_asked_for(video: Path) -> None:
    assert levels(load_frames(video, 3, 4, 10)) == [50, 60, 70, 80]
    assert levels(load_frames(video, 1, 4, 5)) == [40, 60, 80, 100]
    assert levels(load_frames(video, 0, 4, 20)) == [20, 20, 30, 30]


def test_the_last_frame_stands_where_a_video_ends_before(video: Path) -> None:
    assert levels(load_frames(video, 18, 4, 10)) == [200, 210, 210, 210]


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty"), (b"no video at all", "cannot be decoded"), (b"\x00" * 4096, "cannot be decoded")],
)
def test_what_is_no_video_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(UnreadablePictureError, match=rf"broken\.mp4 {reason}"):
        read_video(path, 24)
