"""Reading and writing videos with PyAV (FFmpeg), which comes with the trainer: imported only where there are some."""

# PyAV leaves types open.
# pyright: standard

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import av
from av.container.input import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from onetrainer_web.dataset.sizes import Size, UnreadablePictureError

_QUALITY = "18"
"""Of H.264, from 0 (lossless) to 51; at 18 a person sees no loss."""
MAX_FRAME_PIXELS = 2**25
"""Largest frame that is decoded: 8K. FFmpeg holds up to a dozen at once."""
_FORMATS = "asf,avi,flv,matroska,webm,mov,mp4,mpeg,mpegts,mpegvideo"
"""FFmpeg's names of the containers that are read: none that is a list of other files, as HLS and concat are."""
_OPENING = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
_DECODING = {"max_pixels": str(MAX_FRAME_PIXELS)}
_LOOKED_THROUGH = 250
"""Frames decoded at most on the way to the middle one: as many as encoders put between two that stand alone."""
_LOOKED_THROUGH_PIXELS = 2**31
"""The same for large frames: 250 of 4K, 64 of 8K."""
_INDEXED = ("mov,mp4", "avi")
"""Containers whose index says how long each stream is."""
_SLACK_S = 1e-3
"""Times of frames are rounded to milliseconds in some containers."""


def read_video(path: Path, frames_per_second: int) -> tuple[Size, int]:
    """Width and height as a viewer shows a video, and how many frames it has at a speed.

    Raises:
        UnreadablePictureError: It cannot be decoded; says why.
    """
    with _opened(path) as (container, stream):
        first = next(container.decode(stream), None)
        if first is None:
            raise UnreadablePictureError(path, "holds no frame")
        seconds = _indexed_s(container, stream) or _counted_s(container, stream)
        return Size(*_upright(first).size), max(1, int((seconds + _SLACK_S) * frames_per_second))


def load_frames(path: Path, first: int, num_frames: int, frames_per_second: int) -> list[Image.Image]:
    """Some frames of a video at a speed, RGB and upright; where it has fewer of its own, some come twice.

    Args:
        path: The video file.
        first: Which frame to begin with, counted at this speed.
        num_frames: How many.
        frames_per_second: The speed.

    Raises:
        UnreadablePictureError: It cannot be decoded.
    """
    times_s = [(first + index) / frames_per_second for index in range(num_frames)]
    found: list[Image.Image] = []
    shown: VideoFrame | None = None
    with _opened(path) as (container, stream):
        start_s = _start_s(stream)
        container.seek(int((start_s + times_s[0]) * av.time_base))
        for frame in container.decode(stream):
            # At a time, the last frame is shown that began before it.
            while shown and len(found) < num_frames and (frame.time or 0) - start_s > times_s[len(found)] + _SLACK_S:
                found.append(_upright(shown))
            if len(found) == num_frames:
                return found
            shown = frame
    if shown is None:
        raise UnreadablePictureError(path, "holds no frame")
    return found + [_upright(shown)] * (num_frames - len(found))


def load_middle(path: Path) -> Image.Image:
    """A frame from about the middle of a video, RGB and upright: the first one is often black.

    Raises:
        UnreadablePictureError: It cannot be decoded.
    """
    shown: VideoFrame | None = None
    with _opened(path) as (container, stream):
        middle_s = _start_s(stream) + _stated_s(container, stream) / 2
        container.seek(int(middle_s * av.time_base))  # to the nearest frame before it that needs no other
        num_frames = min(_LOOKED_THROUGH, _LOOKED_THROUGH_PIXELS // max(1, stream.width * stream.height))
        for shown in islice(container.decode(stream), max(1, num_frames)):
            if (shown.time or 0) >= middle_s:
                break
    if shown is None:
        raise UnreadablePictureError(path, "holds no frame")
    return _upright(shown)


def write_video(frames: Sequence[Image.Image], path: Path, frames_per_second: int) -> None:
    """Write an MP4 that browsers play."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=frames_per_second, options={"crf": _QUALITY})
        stream.width, stream.height = frames[0].size
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(VideoFrame.from_image(frame)))
        container.mux(stream.encode())


@contextmanager
def _opened(path: Path) -> Generator[tuple[InputContainer, VideoStream]]:
    """A video and its pictures; what FFmpeg raises inside becomes an UnreadablePictureError."""
    try:
        with av.open(f"file:{path}", options=_OPENING | _DECODING) as container:
            if not container.streams.video:
                raise UnreadablePictureError(path, "holds no pictures")
            stream = container.streams.video[0]
            stream.codec_context.options = _DECODING
            if not 0 < stream.width * stream.height <= MAX_FRAME_PIXELS:
                limit = f"frames of more than {MAX_FRAME_PIXELS // 10**6} megapixels are not decoded"
                raise UnreadablePictureError(path, f"has no frame of a known size ({limit})")
            yield container, stream
    except FFmpegError as error:
        is_empty = path.is_file() and path.stat().st_size == 0
        reason = "is empty (0 bytes)" if is_empty else f"cannot be decoded ({error.strerror})"
        raise UnreadablePictureError(path, reason) from error


def _indexed_s(container: InputContainer, stream: VideoStream) -> float | None:
    """The length that a file's index tells.

    None where there is no such index: streams of browsers and recorders tell no length, others a guess, or that of
    their sound.
    """
    if container.format.name.startswith(_INDEXED) and stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return None


def _counted_s(container: InputContainer, stream: VideoStream) -> float:
    """The length by the times of all packets; they are read, but not decoded."""
    container.seek(0)
    frame_s = 1 / stream.average_rate if stream.average_rate else 0
    ends = [
        packet.pts * packet.time_base + (packet.duration * packet.time_base if packet.duration else frame_s)
        for packet in container.demux(stream)
        if packet.pts is not None
    ]
    return float(max(ends, default=0)) - _start_s(stream)


def _stated_s(container: InputContainer, stream: VideoStream) -> float:
    """A quick answer for small views, which may be wrong."""
    return _indexed_s(container, stream) or (container.duration or 0) / av.time_base


def _start_s(stream: VideoStream) -> float:
    return float((stream.start_time or 0) * (stream.time_base or 0))


def _upright(frame: VideoFrame) -> Image.Image:
    """RGB, turned as the file asks for."""
    return frame.to_image().rotate(frame.rotation, expand=True) if frame.rotation else frame.to_image()
