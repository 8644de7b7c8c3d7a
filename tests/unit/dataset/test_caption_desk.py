"""Editing captions: each line is one, nothing is overwritten unseen, and what was done to many can be taken back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrainer_web.dataset.caption_desk import (
    CaptionDesk,
    CaptionEncodingError,
    CaptionsChangedError,
    SharedCaptionError,
)
from onetrainer_web.dataset.caption_edits import CaptionEdit, EditOfLinesError, EmptyEditError, apply
from onetrainer_web.dataset.caption_files import NothingToUndoError
from onetrainer_web.dataset.library import DatasetFileNotFoundError, DatasetLibrary

CAPTION = "a red cat, sitting, indoors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "datasets" / "cats"
    made.mkdir(parents=True)
    for name in ("1.png", "2.png", "3.png"):
        (made / name).touch()
    (made / "1.txt").write_text(CAPTION)
    return made


@pytest.fixture
def library(folder: Path) -> DatasetLibrary:
    return DatasetLibrary(folder.parent)


@pytest.fixture
def desk(library: DatasetLibrary) -> CaptionDesk:
    return CaptionDesk(library, "cats")


def test_captions_are_written_all_or_none(desk: CaptionDesk, folder: Path) -> None:
    with pytest.raises(DatasetFileNotFoundError):
        desk.write({"1.png": "changed", "9.png": "nothing"})
    assert (folder / "1.txt").read_text() == CAPTION


def test_an_empty_caption_removes_its_file(desk: CaptionDesk, folder: Path) -> None:
    desk.write({"1.png": " "})
    assert not (folder / "1.txt").exists()


@pytest.mark.parametrize("before", [b"one\r\ntwo\r\n", b"\xef\xbb\xbfone\rtwo", "one\ntwo\n".encode("utf-16")])
def test_a_typed_caption_keeps_the_ways_of_its_file(desk: CaptionDesk, folder: Path, before: bytes) -> None:
    (folder / "1.txt").write_bytes(before)
    desk.write({"1.png": "one\ntwo"})
    assert (folder / "1.txt").read_bytes() == before


def test_only_what_was_seen_is_overwritten(desk: CaptionDesk, library: DatasetLibrary, folder: Path) -> None:
    seen = {picture.name: picture.revision for picture in library.pictures("cats")[0]}
    assert desk.write({"1.png": "mine"}, [seen["1.png"]])["1.png"] == library.pictures("cats")[0][0].revision
    with pytest.raises(CaptionsChangedError) as caught:
        desk.write({"1.png": "theirs", "2.png": "new"}, list(seen.values()))
    assert caught.value.details["captions"]["1.png"]["caption"] == "mine"
    assert (folder / "1.txt").read_text() == "mine"
    assert not (folder / "2.txt").exists()


def test_a_caption_is_written_where_it_was_read(desk: CaptionDesk, folder: Path) -> None:
    (folder / "2.CAPTION").write_text("old")
    desk.write({"2.png": "new"})
    assert (folder / "2.CAPTION").read_text() == "new"
    assert not (folder / "2.txt").exists()


def test_pictures_with_one_caption_file_are_told_and_get_one_text(
    desk: CaptionDesk, library: DatasetLibrary, folder: Path
) -> None:
    (folder / "1.jpg").touch()
    assert [one.shared_with for one in library.pictures("cats")[0]] == [["1.png"], ["1.jpg"], [], []]
    with pytest.raises(SharedCaptionError, match=r"1\.jpg and 1\.png share the caption file 1\.txt"):
        desk.write({"1.jpg": "one", "1.png": "other"})
    desk.write({"1.jpg": "same", "1.png": "same"})
    assert [change.after for change in desk.edit(CaptionEdit(find="same", replace="both"))] == ["both"]


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        (CaptionEdit(find="CAT", replace="dog"), "a red dog, sitting, indoors"),
        (CaptionEdit(find="(", replace=")", prefix="photo of "), "photo of a red cat, sitting, indoors"),
        (CaptionEdit(remove_tags=["Sitting"]), "a red cat, indoors"),
        (CaptionEdit(suffix=", 4k"), "a red cat, sitting, indoors, 4k"),
    ],
)
def test_an_edit_of_many_captions_is_shown_before_it_is_written(
    desk: CaptionDesk, folder: Path, edit: CaptionEdit, after: str
) -> None:
    changes = {change.name: change.after for change in desk.preview(edit)}
    assert changes["1.png"] == after
    assert (folder / "1.txt").read_text() == CAPTION
    assert {change.name: change.after for change in desk.edit(edit)} == changes
    assert (folder / "1.txt").read_text() == after
    assert desk.edit(edit) == []


def test_each_line_is_edited_and_the_file_keeps_its_ways(desk: CaptionDesk, folder: Path) -> None:
    (folder / "1.txt").write_bytes("\ufefftall man, hat\r\n\r\n  A man, in a hat\u2028here.\r".encode())
    desk.edit(CaptionEdit(prefix="ohwx, ", suffix=", photo", remove_tags=["hat"]))
    assert (folder / "1.txt").read_bytes().decode() == (
        "\ufeffohwx, tall man, photo\r\n\r\nohwx, A man, in a hat\u2028here., photo\r"
    )
    assert [(folder / f"{number}.txt").read_text() for number in (2, 3)] == ["ohwx, photo"] * 2


def test_a_change_that_respects_case_passes_others_over(desk: CaptionDesk) -> None:
    assert desk.preview(CaptionEdit(find="CAT", match_case=True)) == []


def test_an_edit_that_says_nothing_or_joins_captions_is_refused(desk: CaptionDesk) -> None:
    with pytest.raises(EmptyEditError):
        desk.preview(CaptionEdit())
    with pytest.raises(EditOfLinesError):
        desk.edit(CaptionEdit(prefix="one\ntwo"))


_ENDS = st.text("ab, ", max_size=4)


@given(
    st.builds(
        CaptionEdit,
        find=st.sampled_from(("", "c")),
        replace=st.sampled_from(("", "d", "a c", "C c")),
        prefix=_ENDS,
        suffix=_ENDS,
        remove_tags=st.lists(st.sampled_from("ab"), max_size=1),
    ),
    st.text("abc, \n", max_size=6),
)
def test_an_edit_applied_twice_does_nothing_twice(edit: CaptionEdit, text: str) -> None:
    once = apply(edit, text)
    assert apply(edit, once) == once


def test_the_last_edit_is_taken_back_but_for_what_was_changed_since(
    desk: CaptionDesk, library: DatasetLibrary, folder: Path
) -> None:
    (folder / "2.txt").write_bytes(b"two\r\n")
    desk.edit(CaptionEdit(prefix="ohwx, "))
    desk.write({"2.png": "by hand"})
    undone = desk.undo()
    assert (undone.restored, undone.kept) == (2, ["2.txt"])
    assert (folder / "1.txt").read_text() == CAPTION
    assert (folder / "2.txt").read_bytes() == b"by hand\r\n"
    assert not (folder / "3.txt").exists()
    with pytest.raises(NothingToUndoError):
        desk.undo()
    desk.write({"1.png": "x", "3.png": "y"})
    assert [path.name for path in library.files("cats")[1] if path.suffix != ".png"] == ["1.txt", "2.txt", "3.txt"]
    assert desk.undo().restored == 2


def test_a_memory_from_elsewhere_reaches_no_other_file(desk: CaptionDesk, folder: Path) -> None:
    desk.edit(CaptionEdit(prefix="x"))
    (memory,) = folder.glob(".*.json")
    memory.write_text(memory.read_text().replace('"1.txt"', '"../1.txt"'))
    (folder.parent / "1.txt").write_text(f"x{CAPTION}")
    desk.undo()
    assert (folder.parent / "1.txt").read_text() == f"x{CAPTION}"


def test_captions_in_another_encoding_are_shown_in_those_they_may_have_and_converted(
    desk: CaptionDesk, folder: Path
) -> None:
    texts = {"1": "红色的圆", "2": "一只猫, 坐着"}
    for stem, text in texts.items():
        (folder / f"{stem}.txt").write_bytes(text.encode("gbk"))
    (folder / "3.txt").write_bytes("grün".encode("utf-16"))
    found = desk.encodings()
    assert found.files == ["1.txt", "2.txt", "3.txt"]
    (chinese,) = [one for one in found.encodings if one.encoding == "gb18030"]
    assert [example.text for example in chinese.examples] == list(texts.values())
    with pytest.raises(CaptionEncodingError, match=r"1\.txt, 2\.txt: what they say is a guess"):
        desk.edit(CaptionEdit(prefix="x, "))
    assert desk.convert("gb18030") == 3
    assert [(folder / f"{stem}.txt").read_text("utf-8") for stem in "123"] == [*texts.values(), "grün"]
    assert desk.encodings().files == []
    assert desk.undo().restored == 3
    with pytest.raises(CaptionEncodingError, match="cannot be read as"):
        desk.convert("utf-16-le" if len("红".encode("gbk")) % 2 else "cp949")


def test_a_file_of_prompts_beside_no_picture_is_converted_too(desk: CaptionDesk, folder: Path) -> None:
    prompts = [f"Nr. {number}: schöner Kater" for number in range(9)]
    (folder / "prompts.txt").write_bytes("\r\n".join(prompts).encode("cp1252"))
    found = desk.encodings()
    assert found.files == ["prompts.txt"]
    assert found.encodings[0].encoding == "cp1252"
    assert found.encodings[0].examples[0].text.splitlines() == prompts[:5]
    assert desk.convert("cp1252") == 1
    assert (folder / "prompts.txt").read_bytes() == "\r\n".join(prompts).encode()
    assert desk.undo().restored == 1


@pytest.mark.parametrize("encoding", ["cp932", "cp1252", "cp1251", "utf-16-le", "utf-16-be"])
def test_other_encodings_are_among_those_offered(desk: CaptionDesk, folder: Path, encoding: str) -> None:
    text = {"cp932": "赤い猫", "cp1251": "кот"}.get(encoding, "ein schöner Kater")
    (folder / "1.txt").write_bytes(text.encode(encoding))
    offered = {one.encoding: one.examples[0].text for one in desk.encodings().encodings}
    assert offered[encoding] == text


def test_what_is_no_text_is_shown_as_none_and_keeps_no_other_caption_from_being_converted(
    desk: CaptionDesk, library: DatasetLibrary, folder: Path
) -> None:
    picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))
    (folder / "2.txt").write_bytes(picture)
    (folder / "3.txt").write_bytes("红色的猫".encode("gbk"))
    assert [one.caption for one in library.pictures("cats")[0]] == [CAPTION, "", "ºìÉ«µÄÃ¨"]
    assert desk.encodings().files == ["3.txt"]
    assert "gb18030" in [one.encoding for one in desk.encodings().encodings]
    assert desk.convert("gb18030") == 1
    with pytest.raises(CaptionEncodingError, match=r"2\.txt cannot be edited: it is a picture\. Replace or remove it"):
        desk.edit(CaptionEdit(prefix="ohwx, "))
    assert (folder / "2.txt").read_bytes() == picture
    desk.write({"2.png": "a blue cat"})
    assert (folder / "2.txt").read_bytes() == b"a blue cat"
