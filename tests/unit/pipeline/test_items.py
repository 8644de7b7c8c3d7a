"""What can train, and what cannot."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ConceptType
from onetrainer_web.config.recurring import Doing
from onetrainer_web.dataset.scan import ConceptFolderNotFoundError, readable
from onetrainer_web.pipeline.items import NoPicturesError, collect_data, require_pictures
from onetrainer_web.pipeline.watch import StopRequested, Watch
from onetrainer_web.protocol.events import SkippedPicture

MakeConcept = Callable[..., ConceptConfig]
WriteFolder = Callable[..., Path]


def test_only_enabled_concepts_of_the_type_are_read(write_folder: WriteFolder, make_concept: MakeConcept) -> None:
    folder = write_folder([(8, 8), (16, 8)])
    concepts = [
        make_concept(folder, name="train"),
        make_concept(folder, name="off", enabled=False),
        make_concept(folder, name="check", type="VALIDATION"),
        make_concept(folder, name="prior", type="PRIOR_PREDICTION"),
    ]
    train = collect_data(concepts, [ConceptType.STANDARD], Path)
    assert [concept.label for concept in train.concepts] == ["train"]
    assert [picture.size for picture in train.concepts[0].pictures] == [(8, 8), (16, 8)]
    assert train.concepts[0].pictures[0].captions == ("picture 0", "colour 0")
    assert [concept.label for concept in collect_data(concepts, [ConceptType.VALIDATION], Path).concepts] == ["check"]


def test_relative_paths_are_resolved(write_folder: WriteFolder, make_concept: MakeConcept, tmp_path: Path) -> None:
    write_folder([(8, 8)], "cats")
    data = collect_data([make_concept(Path("cats"))], [ConceptType.STANDARD], lambda path: tmp_path / path)
    assert data.num_pictures == 1


def test_broken_pictures_and_videos_are_named_with_their_reason(
    write_folder: WriteFolder, make_concept: MakeConcept
) -> None:
    folder = write_folder([(8, 8), (8, 8)])
    (folder / "empty.png").touch()
    (folder / "film.mp4").touch()
    (folder / "001.txt").write_bytes("schön".encode("cp1252"))
    data = collect_data([make_concept(folder)], [ConceptType.STANDARD], Path)
    assert data.num_pictures == 2
    assert data.skipped == (
        SkippedPicture(path=str(folder / "film.mp4"), reason="is a video; this model trains on pictures"),
        SkippedPicture(path=str(folder / "empty.png"), reason="is empty (0 bytes)"),
    )
    assert data.notes == ("pictures: 001.txt is not UTF-8; it was read as cp1252.",)


@pytest.mark.skipif(sys.platform != "linux", reason="the other systems' file names are Unicode")
@pytest.mark.parametrize("source", ["sample", "filename"])
def test_what_is_said_of_names_in_another_encoding_can_be_written(
    write_folder: WriteFolder, make_concept: MakeConcept, source: str
) -> None:
    folder = write_folder([(8, 8)])
    odd, empty = (Path(os.fsdecode(os.fsencode(folder) + name)) for name in (b"/gr\xfcn.png", b"/\xff.png"))
    (folder / "000.png").rename(odd)
    odd.with_suffix(".txt").write_bytes("grün".encode("cp1252"))
    empty.touch()
    data = collect_data([make_concept(folder, text={"prompt_source": source})], [ConceptType.STANDARD], Path)
    (picture,) = data.concepts[0].pictures
    said = [picture.file.name, *picture.captions, *data.notes, *(one.model_dump_json() for one in data.skipped)]
    assert [text.encode().decode() for text in said] == said
    assert picture.file.name == r"gr\udcfcn.png"
    assert data.without([SkippedPicture(path=readable(odd), reason="is cut off")]).num_pictures == 0


def test_a_missing_folder_of_an_enabled_concept_is_an_error(make_concept: MakeConcept, tmp_path: Path) -> None:
    with pytest.raises(ConceptFolderNotFoundError):
        collect_data([make_concept(tmp_path / "gone")], [ConceptType.STANDARD], Path)
    assert collect_data([make_concept(tmp_path / "gone", enabled=False)], [ConceptType.STANDARD], Path).concepts == ()


def test_no_usable_picture_is_an_error_that_counts_the_broken_ones(
    write_folder: WriteFolder, make_concept: MakeConcept
) -> None:
    folder = write_folder([])
    (folder / "empty.png").touch()
    data = collect_data([make_concept(folder)], [ConceptType.STANDARD], Path)
    assert data.notes == ("The concept 'pictures' holds no usable picture.",)
    with pytest.raises(NoPicturesError, match=r"1 cannot be read"):
        require_pictures(data)


def test_reading_can_be_watched_and_stopped(write_folder: WriteFolder, make_concept: MakeConcept) -> None:
    concept = make_concept(write_folder([(8, 8)] * 5))
    seen: list[tuple[Doing, int, int]] = []
    watch = Watch(lambda *report: seen.append(report), lambda: len(seen) == 3)
    with pytest.raises(StopRequested):
        collect_data([concept], [ConceptType.STANDARD], Path, watch)
    assert seen == [(Doing.READING_PICTURES, number, 5) for number in range(3)]
