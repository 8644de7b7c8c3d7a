"""Small views of pictures."""

import os
from pathlib import Path

import pytest
from PIL import Image

from onetrainer_web.dataset import thumbnails
from onetrainer_web.dataset.sizes import UnreadablePictureError
from onetrainer_web.dataset.thumbnails import thumbnail
from onetrainer_web.dataset.videos import write_video


def test_it_fits_the_square_and_keeps_its_shape(tmp_path: Path) -> None:
    Image.new("RGB", (800, 400), "red").save(tmp_path / "a.jpg")
    with Image.open(thumbnail(tmp_path / "a.jpg", tmp_path / "small", 100)) as small:
        assert small.size == (100, 50)
        assert small.format == "WEBP"


def test_a_small_picture_is_not_enlarged(tmp_path: Path) -> None:
    Image.new("RGB", (8, 4), "red").save(tmp_path / "a.png")
    with Image.open(thumbnail(tmp_path / "a.png", tmp_path / "small", 100)) as small:
        assert small.size == (8, 4)


def test_it_is_made_once_and_again_when_the_picture_changes(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (8, 4), "red").save(picture)
    first = thumbnail(picture, tmp_path / "small", 100)
    made_at = first.stat().st_mtime_ns
    assert thumbnail(picture, tmp_path / "small", 100) == first
    assert first.stat().st_mtime_ns == made_at
    os.utime(picture, ns=(1, 1))
    assert thumbnail(picture, tmp_path / "small", 100) != first


def test_the_oldest_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thumbnails, "MAX_PER_FOLDER", 4)
    picture = tmp_path / "a.png"
    Image.new("RGB", (8, 4), "red").save(picture)
    small = thumbnail(picture, tmp_path / "small", 100)
    for number in range(4):
        old = small.with_name(f"{number}.webp")
        old.touch()
        os.utime(old, ns=(number, number))
    small.unlink()
    assert thumbnail(picture, tmp_path / "small", 100) == small
    assert {path.name for path in small.parent.iterdir()} == {"2.webp", "3.webp", small.name}


def test_a_broken_picture_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(UnreadablePictureError):
        thumbnail(tmp_path / "a.png", tmp_path / "small", 100)
    assert not (tmp_path / "small").exists()


def test_the_small_view_of_a_video_is_a_frame_of_it_whatever_lies_beside(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (64, 32), (0, 0, 0) if index < 4 else (0, 0, 255)) for index in range(32)]
    write_video(frames, tmp_path / "a.mp4", 8)
    Image.new("RGB", (30, 30), "red").save(tmp_path / "a.jpg")
    with Image.open(thumbnail(tmp_path / "a.mp4", tmp_path / "small", 16)) as small:
        assert small.size == (16, 8)
        red, _, blue = small.crop((8, 4, 9, 5)).tobytes()
    assert red < 50 < 200 < blue


def test_a_video_that_is_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(UnreadablePictureError, match=r"a\.mp4 cannot be decoded"):
        thumbnail(tmp_path / "a.mp4", tmp_path / "small", 100)
