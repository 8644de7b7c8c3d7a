"""Which files are training pictures."""

import os
from pathlib import Path

import pytest

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.dataset.scan import (
    ConceptFolderNotFoundError,
    FolderFiles,
    concept_labels,
    page_of_concept,
    scan_concept,
)
from onetrainer_web.dataset.unused import unused_files


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def concept_at(folder: Path, **settings: object) -> ConceptConfig:
    return ConceptConfig.model_validate({"path": str(folder), **settings})


def names_in(folder: Path, **settings: object) -> list[str]:
    return [picture.name for picture in scan_concept(concept_at(folder, **settings), folder).pictures]


def test_every_known_extension_counts_in_either_case_and_others_do_not(tmp_path: Path) -> None:
    touch(tmp_path, "a.bmp", "b.jpg", "c.jpeg", "d.PNG", "e.tif", "f.TIFF", "g.webp", "h.avif", "i.gif", "j.txt", "k")
    touch(tmp_path, "l.JFIF", "m.jpe")
    assert names_in(tmp_path) == [
        *("a.bmp", "b.jpg", "c.jpeg", "d.PNG", "e.tif", "f.TIFF", "g.webp", "h.avif", "l.JFIF", "m.jpe"),
    ]


def test_masks_and_conditioning_pictures_belong_to_their_picture(tmp_path: Path) -> None:
    touch(tmp_path, "cat.jpg", "cat.txt", "cat-masklabel.png", "cat-condlabel.png", "dog.png")
    cat, dog = scan_concept(concept_at(tmp_path), tmp_path).pictures
    assert (cat.caption_path, cat.mask_path, cat.conditioning_path) == (
        tmp_path / "cat.txt",
        tmp_path / "cat-masklabel.png",
        tmp_path / "cat-condlabel.png",
    )
    assert (dog.caption_path, dog.mask_path, dog.conditioning_path) == (None, None, None)


def test_what_belongs_to_a_picture_counts_in_either_case_like_the_picture(tmp_path: Path) -> None:
    touch(tmp_path, "k.JPG", "K.TXT", "k-masklabel.PNG", "K-CONDLABEL.png", "l.png", "l.Txt", "l.TXT", "m.png")
    touch(tmp_path, "1.png", "1.caption", "2.png", "2.png.txt", "3.png", "3.txt", "3.Caption", "3.png.txt")
    scan = scan_concept(concept_at(tmp_path), tmp_path)
    one, two, three, upper, unclear, bare = scan.pictures
    assert [picture.caption_path and picture.caption_path.name for picture in (one, two, three, upper, unclear)] == [
        *("1.caption", "2.png.txt", "3.txt", "K.TXT", None)
    ]
    assert (upper.mask_path, upper.conditioning_path) == (tmp_path / "k-masklabel.PNG", tmp_path / "K-CONDLABEL.png")
    assert bare.caption_path is None
    assert [path.name for path in scan.others] == ["3.Caption", "3.png.txt", "l.TXT", "l.Txt"]


def test_subfolders_count_only_when_asked_for_and_never_hidden_ones(tmp_path: Path) -> None:
    touch(tmp_path, "b.png", "a/c.png", "a/.hidden/d.png", ".git/e.png", "a/f/g.png")
    assert names_in(tmp_path) == ["b.png"]
    assert names_in(tmp_path, include_subdirectories=True) == ["a/c.png", "a/f/g.png", "b.png"]


def test_videos_are_found_apart(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.mp4", "c.WEBM")
    scan = scan_concept(concept_at(tmp_path), tmp_path)
    assert [video.name for video in scan.videos] == ["b.mp4", "c.WEBM"]
    assert len(scan.pictures) == 1


def test_a_missing_folder_is_named_with_its_concept(tmp_path: Path) -> None:
    missing = tmp_path / "gone"
    with pytest.raises(ConceptFolderNotFoundError, match=r"'gone'.*does not exist"):
        scan_concept(concept_at(missing), missing)


def test_a_concept_without_a_path_does_not_mean_the_workspace(tmp_path: Path) -> None:
    with pytest.raises(ConceptFolderNotFoundError):
        scan_concept(ConceptConfig(path=""), tmp_path)


def test_labels_are_names_or_folders_and_all_different() -> None:
    concepts = [ConceptConfig(path="x/cats"), ConceptConfig(name="cats"), ConceptConfig(), ConceptConfig(path="cats/")]
    assert concept_labels(concepts) == ["cats", "cats (1)", "unnamed concept", "cats (2)"]


def test_a_pipe_among_the_files_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.dat")
    (tmp_path / "picture").write_bytes(b"\x89PNG\r\n\x1a\n and more")
    scan = scan_concept(ConceptConfig(path=str(tmp_path)), tmp_path)
    assert [name for name, _ in unused_files(scan, ConceptConfig().text, trains_videos=True)] == ["picture"]


def test_a_page_has_the_order_of_the_whole_and_makes_nothing_of_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "b.png", "a/z.png", "a-b.png", "clip.mp4", "A.PNG", "a/clip.mp4", "b-masklabel.png", "b.txt")
    (tmp_path / "away.png").symlink_to("/etc/passwd")
    concept = concept_at(tmp_path, include_subdirectories=True)
    scan = scan_concept(concept, tmp_path, may_read=lambda path: path.is_relative_to(tmp_path))
    whole = [*scan.pictures, *scan.videos]
    made: list[str] = []
    picture = FolderFiles.picture
    monkeypatch.setattr(FolderFiles, "picture", lambda files, name: made.append(name) or picture(files, name))

    found, total = page_of_concept(
        concept, tmp_path, slice(2, 5), with_videos=True, may_read=lambda path: path.is_relative_to(tmp_path)
    )

    assert (found, total) == (whole[2:5], len(whole))
    assert len(made) == 3
    assert page_of_concept(concept, tmp_path, slice(0, 9), with_videos=False)[1] == len(scan.pictures) + 1
