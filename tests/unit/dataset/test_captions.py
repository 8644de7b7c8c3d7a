"""Reading captions."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onetrainer_web
from onetrainer_web.config.concepts import ConceptTextConfig
from onetrainer_web.dataset.captions import PromptFileNotFoundError, caption_reader, decode_caption, read_captions
from onetrainer_web.dataset.scan import Picture


def picture(path: Path, caption: Path | None = None) -> Picture:
    return Picture(path, path.name, caption, None, None)


def test_each_line_is_a_caption_stripped_and_blank_ones_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"  a red circle \r\n\r\n\ta blue square\n   \n")
    assert read_captions(path).prompts == ("a red circle", "a blue square")


@pytest.mark.parametrize("inside", ["\u2028", "\u2029", "\x85", "\f", "\v", "\x1c", "\x1d", "\x1e"])
def test_a_line_ends_at_lf_and_cr_and_nowhere_else(tmp_path: Path, inside: str) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(f"one{inside}half\rtwo\r\nthree\nfour".encode())
    assert read_captions(path).prompts == (f"one{inside}half", "two", "three", "four")


@pytest.mark.parametrize("part", ["config", "dataset", "pipeline"])
def test_no_text_of_people_is_split_at_other_characters(part: str) -> None:
    files = (Path(onetrainer_web.__file__).parent / part).rglob("*.py")
    assert [file.name for file in files if "splitlines(" in file.read_text("utf-8")] == []


def test_an_empty_file_is_one_empty_caption(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"\n \n")
    captions = read_captions(path)
    assert captions.prompts == ("",)
    assert captions.note is None


@pytest.mark.parametrize(
    ("encoding", "is_noted"),
    [("utf-8", False), ("utf-8-sig", False), ("utf-16", True), ("utf-32", True), ("cp1252", True), ("utf-16-le", True)],
)
def test_other_encodings_are_understood_and_noted(tmp_path: Path, encoding: str, is_noted: bool) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("ein schöner Müller".encode(encoding))
    captions = read_captions(path)
    assert captions.prompts == ("ein schöner Müller",)
    assert (captions.note is not None) == is_noted


def test_japanese_that_is_all_ascii_bytes_is_understood_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("赤い猫、帽子".encode("iso2022-jp"))
    captions = read_captions(path)
    assert captions.prompts == ("赤い猫、帽子",)
    assert captions.note == "a.txt is not UTF-8; it was read as iso2022_jp."


def test_control_characters_are_noted_as_what_they_come_from(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for text, is_noted in ((b"a\x1bb", True), (b"a\0b", True), ("a\fb\u2028c\td".encode(), False)):
        path.write_bytes(text)
        note = "a.txt holds control characters, as texts in other encodings do."
        assert read_captions(path).note == (note if is_noted else None)


@given(st.binary(max_size=64))
def test_any_bytes_can_be_decoded(data: bytes) -> None:
    text, encoding = decode_caption(data)
    assert isinstance(text, str)
    assert encoding


def test_the_file_name_can_be_the_caption(tmp_path: Path) -> None:
    text = ConceptTextConfig.model_validate({"prompt_source": "filename"})
    read = caption_reader(text, lambda path: tmp_path / path)
    assert read(picture(tmp_path / "a red circle.v2.png")).prompts == ("a red circle.v2",)


def test_one_file_can_serve_a_whole_concept(tmp_path: Path) -> None:
    (tmp_path / "prompts.txt").write_text("one\ntwo\n")
    text = ConceptTextConfig.model_validate({"prompt_source": "concept", "prompt_path": "prompts.txt"})
    read = caption_reader(text, lambda path: tmp_path / path)
    assert read(picture(tmp_path / "a.png")).prompts == ("one", "two")


def test_a_missing_prompt_file_of_a_concept_is_an_error(tmp_path: Path) -> None:
    text = ConceptTextConfig.model_validate({"prompt_source": "concept", "prompt_path": "prompts.txt"})
    with pytest.raises(PromptFileNotFoundError, match=r"prompts\.txt"):
        caption_reader(text, lambda path: tmp_path / path)


def test_a_caption_beside_the_picture_is_the_usual_source(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a red circle")
    read = caption_reader(ConceptTextConfig(), lambda path: tmp_path / path)
    assert read(picture(tmp_path / "a.png", tmp_path / "a.txt")).prompts == ("a red circle",)
    assert read(picture(tmp_path / "b.png")).prompts == ("",)


def test_a_caption_that_vanished_leaves_a_note(tmp_path: Path) -> None:
    read = caption_reader(ConceptTextConfig(), lambda path: tmp_path / path)
    captions = read(picture(tmp_path / "a.png", tmp_path / "a.txt"))
    assert captions.prompts == ("",)
    assert captions.note is not None
    assert "a.txt cannot be read" in captions.note
