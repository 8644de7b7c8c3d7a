"""Data sets of a workspace: what is in them, what may go in, and that nothing else can be reached."""

from pathlib import Path

import pytest
from PIL import Image

from onetrainer_web.dataset import library as library_module
from onetrainer_web.dataset import listings
from onetrainer_web.dataset.caption_desk import CaptionDesk
from onetrainer_web.dataset.library import (
    DatasetFileError,
    DatasetLibrary,
    DatasetNameError,
    DatasetNotFoundError,
)


@pytest.fixture
def library(tmp_path: Path) -> DatasetLibrary:
    (tmp_path / "datasets").mkdir()
    made = DatasetLibrary(tmp_path / "datasets")
    made.create("cats")
    for name in ("1.png", "2.png"):
        with made.writing("cats", name) as file:
            Image.new("RGB", (8, 8), "red").save(file, "PNG")
    CaptionDesk(made, "cats").write({"1.png": "a red cat, sitting, indoors"})
    return made


def test_a_summary_counts_pictures_and_captions(library: DatasetLibrary) -> None:
    (summary,) = library.summaries()
    assert (summary.name, summary.path, summary.num_pictures, summary.num_captioned) == ("cats", "datasets/cats", 2, 1)


@pytest.mark.parametrize("name", ["", "..", "../cats", ".hidden", "a/b", "a\\b", "new\nline"])
def test_a_name_that_is_no_folder_name_is_refused(library: DatasetLibrary, name: str) -> None:
    with pytest.raises(DatasetNameError):
        library.create(name)
    with pytest.raises(DatasetNotFoundError):
        library.pictures(name)


@pytest.mark.parametrize("name", ["x" * 101, "blank ", "dot.", "con", "NUL.txt", "a:b", "what?"])
def test_a_new_name_that_not_every_system_can_hold_is_refused_in_words(library: DatasetLibrary, name: str) -> None:
    with pytest.raises(DatasetNameError, match="Windows|characters are the most"):
        library.create(name)


@pytest.mark.parametrize(
    "name", ["it's, #1 & 50% [x]!", "a@b=c~d", "🐈 cats", "👨\u200d👩\u200d👧", "_x", "con ", "trailing."]
)
def test_a_folder_of_any_name_is_a_data_set(library: DatasetLibrary, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "datasets" / name
    folder.mkdir()
    (folder / "1.png").touch()
    assert name in [summary.name for summary in library.summaries()]
    assert [picture.name for picture in library.pictures(name)[0]] == ["1.png"]


def test_a_name_is_given_once(library: DatasetLibrary) -> None:
    with pytest.raises(DatasetNameError, match="already"):
        library.create("cats")


@pytest.mark.parametrize("name", ["run.sh", "../1.png", ".png", "a/1.png", "a\\1.png", "x" * 252 + ".png", "new\n.png"])
def test_only_plain_names_of_pictures_and_captions_are_stored(library: DatasetLibrary, name: str) -> None:
    with pytest.raises(DatasetFileError), library.writing("cats", name):
        pass


def _break_off() -> bytes:
    raise OSError("the sender is gone")


def test_an_upload_that_breaks_off_leaves_nothing(library: DatasetLibrary, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"), library.writing("cats", "3.png") as file:
        file.write(_break_off())
    assert sorted(path.name for path in (tmp_path / "datasets" / "cats").iterdir()) == ["1.png", "1.txt", "2.png"]


def test_search_looks_at_names_and_captions(library: DatasetLibrary) -> None:
    assert [picture.name for picture in library.pictures("cats", "RED")[0]] == ["1.png"]
    assert [picture.name for picture in library.pictures("cats", "2.p")[0]] == ["2.png"]


def test_deleting_a_picture_takes_along_what_is_its_own(library: DatasetLibrary, tmp_path: Path) -> None:
    for name in ("1-masklabel.png", "1-condlabel.png", "2-masklabel.png", "1.webp"):
        with library.writing("cats", name) as file:
            Image.new("L", (8, 8)).save(file, "PNG")
    library.delete_picture("cats", "1.webp")  # shares its caption with 1.png
    assert [one.has_caption for one in library.pictures("cats")[0]] == [True, False]
    library.delete_picture("cats", "1.png")
    assert {path.name for path in (tmp_path / "datasets" / "cats").iterdir()} == {"2.png", "2-masklabel.png"}


def test_deleting_a_data_set_says_what_it_freed(library: DatasetLibrary) -> None:
    assert library.delete("cats") > 0
    assert library.summaries() == []


def test_a_page_reads_its_own_captions_and_lists_a_folder_once(
    library: DatasetLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "datasets" / "many"
    folder.mkdir()
    for number in range(300):
        (folder / f"{number:03}.png").touch()
        (folder / f"{number:03}.txt").write_text(f"caption {number}")
    (folder / "007.JPG").touch()
    (folder / "a.mp4").touch()
    read: list[Path] = []
    looked: list[Path] = []
    monkeypatch.setattr(library_module, "read_bytes", lambda path: read.append(path) or path.read_bytes())
    look = listings._look
    monkeypatch.setattr(listings, "_look", lambda folder, changed: looked.append(folder) or look(folder, changed))
    monkeypatch.setattr(listings, "_SETTLED_NS", 0)
    page, total = library.pictures("many", offset=100, limit=10)
    assert ([one.caption for one in page], total) == ([f"caption {number}" for number in range(99, 109)], 302)
    assert len(read) == 10
    library.delete_picture("many", "100.png")
    library.delete_picture("many", "007.png")
    (summary,) = (one for one in library.summaries() if one.name == "many")
    assert (summary.num_pictures, summary.num_videos, summary.num_captioned) == (299, 1, 299)
    page, total = library.pictures("many", offset=5, limit=4)
    assert ([one.name for one in page], total) == (["005.png", "006.png", "007.JPG", "008.png"], 300)
    assert (page[2].caption, page[2].shared_with) == ("caption 7", [])
    assert not (folder / "100.txt").exists()
    assert looked.count(folder) == 1
    (folder / "new.png").touch()
    assert library.pictures("many")[1] == 301
