"""Files that people brought, where they lie beside the checkout: each is read, and told what holds for it."""

import base64
import io
import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from onetrainer_web.config.concepts import ConceptConfig, ConceptTextConfig
from onetrainer_web.config.files import ReadResult, parse_config, read_config_file, write_settings_files
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.config.validation import ValidationReport
from onetrainer_web.dataset.caption_desk import CaptionDesk
from onetrainer_web.dataset.caption_edits import CaptionEdit, apply
from onetrainer_web.dataset.captions import read_captions
from onetrainer_web.dataset.library import DatasetLibrary
from onetrainer_web.dataset.preview import preview_concept
from onetrainer_web.dataset.scan import scan_concept
from onetrainer_web.dataset.tags import read_special_tags, vary_caption
from onetrainer_web.dataset.validation import validate_with_pictures
from onetrainer_web.dataset.videos import read_video
from onetrainer_web.errors import InvalidRequestError
from onetrainer_web.pipeline.fingerprints import Fingerprints

_CASES = Path(__file__).parents[3] / "shared" / "cases"
_USERS, _OTHERS = _CASES / "onetrainer-users", _CASES / "other-trainers"
_BUCKETS = _USERS / "10-buckets-that-never-fill"

pytestmark = pytest.mark.skipif(not _CASES.is_dir(), reason="the cases (../shared/cases) are not beside this checkout")


def _checked(file: Path, pictures: Path, workspace: Path) -> tuple[ReadResult, ValidationReport]:
    """A case whose folder of pictures is put in the place of its SCRATCH."""
    data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for concept in data.get("concepts") or []:
        concept["path"] = str(pictures)
    read = parse_config(data)
    return read, validate_with_pictures(read.config, workspace, notes=read.notes, deep=True)


def _message(report: ValidationReport, code: str) -> str:
    (message,) = [issue.message for issue in report.issues if issue.code == code]
    return message


def test_files_with_retired_values_can_be_started(tmp_path: Path) -> None:
    for file in sorted((_USERS / "01-retired-attention").glob("*.json")):
        read, report = _checked(file, _BUCKETS, tmp_path)
        assert (report.errors, [note.code for note in read.notes]) == ([], ["retired_value"]), file.name


def test_common_settings_reach_the_parts() -> None:
    folder = _USERS / "02-global-settings-without-parts"
    for name in ("v10-flux", "unversioned-flux"):
        part = read_config_file(folder / f"{name}.json").config.transformer
        assert (part.offload_fraction, part.activation_offloading) == (0.7, True)
    assert read_config_file(folder / "v9-dtype.json").config.unet.weight_dtype == "BFLOAT_16"
    assert not read_config_file(folder / "v3-checkpointing-off.json").config.unet.gradient_checkpointing


def test_concepts_and_samples_are_written_into_files_of_their_own(tmp_path: Path) -> None:
    packed = read_config_file(_USERS / "03-convert-settings-loses-concepts" / "packed.json").config
    written = write_settings_files(tmp_path / "out.json", packed)
    assert len(written) == 3
    again = read_config_file(tmp_path / "out.json").config
    assert (again.concepts, again.samples) == (packed.concepts, packed.samples)


def test_what_is_transparent_in_a_mask_is_not_there() -> None:
    folder = _USERS / "04-mask-with-alpha"
    config = TrainConfig.model_validate({"masked_training": True, "resolution": "64"})
    preview = preview_concept(config, ConceptConfig(path=str(folder)), folder, page=slice(1), num_variations=1)
    address = preview.pictures[0].variations[0].mask
    assert address
    mask = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).convert("L")
    assert mask.getextrema() == (0, 255)
    assert mask.getpixel((1, 1)) == 0


def test_captions_are_lines_and_nothing_else_parts_them() -> None:
    for file in sorted((_USERS / "05-caption-line-separators").glob("*.txt")):
        assert len(read_captions(file).prompts) == 1, file.name
    text = (_USERS / "06-bulk-caption-edit-multiline" / "a.txt").read_text(encoding="utf-8")
    edit = CaptionEdit(prefix="ohwx, ", suffix=", photo", remove_tags=["hat"])
    edited = apply(edit, text).splitlines()
    assert edited[0] == "ohwx, tall man, photo"
    assert edited[1].startswith("ohwx, A man who wears a hat.")
    assert edited[1].endswith("photo")


def test_tags_and_capitals_are_those_of_the_reference() -> None:
    tags = {
        "tag_dropout_enable": True,
        "tag_dropout_mode": "FULL",
        "tag_dropout_probability": 1.0,
        "tag_dropout_special_tags_mode": "WHITELIST",
        "tag_dropout_special_tags": str(_USERS / "07-special-tags-csv" / "special.csv"),
        "keep_tags_count": 1,
    }
    for delimiter in (",", ";"):
        text = ConceptTextConfig.model_validate({**tags, "tag_delimiter": delimiter})
        caption = delimiter.join(("glim", " red hair", " hat", " coat"))
        kept = vary_caption(caption, text, read_special_tags(text, Path), random.Random(1))
        assert [tag.strip() for tag in kept.split(delimiter)] == ["glim", "hat", "coat"]
    capitals = {"caps_randomize_enable": True, "caps_randomize_mode": "title", "caps_randomize_probability": 1.0}
    text = ConceptTextConfig.model_validate(capitals)
    (caption,) = read_captions(_USERS / "08-title-case-apostrophe" / "a.txt").prompts
    assert vary_caption(caption, text, read_special_tags(text, Path), random.Random(1)) == "The Man's Hat, Don't Stop"


def test_files_that_do_not_train_are_named(tmp_path: Path) -> None:
    for folder in ("mixed", "only"):
        pictures = _USERS / "09-unknown-picture-kinds" / folder
        told = _message(_checked(_BUCKETS / "config.json", pictures, tmp_path)[1], "files_unused")
        trained = {one.path for one in scan_concept(ConceptConfig(path=str(pictures)), pictures).pictures}
        assert all(file.name in told for file in pictures.iterdir() if file not in trained)
        assert trained


def test_videos_without_a_stated_length_are_counted() -> None:
    folder = _USERS / "11-video-without-length"
    for name, expected in {"h_stream.webm": 48, "h2_stream.mkv": 48, "j.mpeg": 46}.items():
        assert read_video(folder / name, 24)[1] == expected, name


def test_side_files_count_in_either_case(tmp_path: Path) -> None:
    folder = _USERS / "12-upper-case-side-files"
    scan = scan_concept(ConceptConfig(path=str(folder)), folder)
    (picture,) = scan.pictures
    assert picture.caption_path == folder / "k.TXT"
    assert picture.mask_path == folder / "k-masklabel.PNG"
    told = _message(_checked(_BUCKETS / "config.json", folder, tmp_path)[1], "files_unused")
    assert "k-masklabel.jpg is not read as a mask" in told


def test_embeddings_do_not_overwrite_each_other(tmp_path: Path) -> None:
    folder = _USERS / "16-embeddings-overwrite-each-other"
    _, report = _checked(folder / "s46_dup_uuid.json", _BUCKETS, tmp_path)
    assert "has the uuid of another one" in _message(report, "uuid_taken")


def test_pictures_that_never_train_are_counted(tmp_path: Path) -> None:
    for case in (_BUCKETS, _USERS / "17-steps-ignore-buckets"):
        _, report = _checked(case / "config.json", _BUCKETS, tmp_path)
        assert _message(report, "pictures_never_trained").startswith("4 pictures never train"), case.name


def test_what_a_concept_or_part_names_is_told(tmp_path: Path) -> None:
    for file in sorted((_USERS / "13-missing-prompt-file").glob("*.json")):
        _, report = _checked(file, _BUCKETS, tmp_path)
        codes = {issue.code for issue in report.issues}
        expected = {"prompt_file_missing", "capitalisation_unknown", "tags_file_missing", "tags_taken_literally"}
        assert codes & {*expected, "part_model_broken", "part_model_missing"}, (file.name, codes)


def test_a_resolution_with_blanks_is_read(tmp_path: Path) -> None:
    _, report = _checked(_OTHERS / "16-resolution-with-spaces" / "config.json", _BUCKETS, tmp_path)
    assert "resolution_unreadable" not in {issue.code for issue in report.issues}


def test_swapped_files_have_hashes_of_their_own(tmp_path: Path) -> None:
    first, second = tmp_path / "a.bmp", tmp_path / "b.bmp"
    for path, colour in ((first, "red"), (second, "blue")):
        Image.new("RGB", (64, 64), colour).save(path)
        os.utime(path, (10**9, 10**9))
    known = Fingerprints(tmp_path / "fingerprints.json")
    before = [known.sha256(path) for path in (first, second)]
    known.save()
    shutil.move(first, tmp_path / "c")
    shutil.move(second, first)
    shutil.move(tmp_path / "c", second)
    again = Fingerprints(tmp_path / "fingerprints.json")
    assert [again.sha256(path) for path in (first, second)] == before[::-1]


def test_data_sets_of_any_name_are_listed_and_shared_captions_are_not_written_twice(tmp_path: Path) -> None:
    library = DatasetLibrary(tmp_path)
    names = ["10_ohwx man's dog", "Holiday #1 & more, 100%", "[artist] set"]
    for name in names:
        (tmp_path / name).mkdir()
        for ending in ("jpg", "png"):
            Image.new("RGB", (8, 8)).save(tmp_path / name / f"photo.{ending}")
    assert [summary.name for summary in library.summaries()] == names
    desk = CaptionDesk(library, names[0])
    with pytest.raises(InvalidRequestError, match="share"):
        desk.write({"photo.jpg": "jpg caption", "photo.png": "png caption"})


def test_captions_of_other_names_sub_folders_and_extreme_pictures_are_told(tmp_path: Path) -> None:
    def told(folder: str) -> dict[str, str]:
        _, report = _checked(_BUCKETS / "config.json", _OTHERS / folder, tmp_path)
        return {issue.code: issue.message for issue in report.issues}

    assert not {"captions_missing", "files_unused"} & told("13-captions-under-other-names").keys()
    assert "10_ohwx (1)" in told("14-pictures-in-a-sub-folder/img")["concept_folder_empty"]
    extreme = told("15-tiny-and-panorama-pictures")
    assert "small.png (40x30, 1.9 times)" in extreme["pictures_enlarged"]
    assert "pano.png (2000x100, 80%)" in extreme["pictures_cropped"]


def test_patterns_that_fit_no_layer_are_told_before_the_model_is_loaded(tmp_path: Path) -> None:
    for name, severity in (("s19_filter_none", "error"), ("s21_filter_partial", "warning")):
        read, report = _checked(_USERS / "15-layer-filter-typo" / f"{name}.json", _BUCKETS, tmp_path)
        wrong = read.config.layer_filter.split(",")[-1]
        assert f"'{wrong}' fits no layer of the model" in _message(report, "layer_unknown"), name
        assert [issue.severity for issue in report.issues if issue.code == "layer_unknown"] == [severity], name


def test_a_lora_that_is_trained_further_may_start_and_loses_nothing(tmp_path: Path) -> None:
    folder = _USERS / "14-lora-continued-loses-parts"
    (tmp_path / "pictures").symlink_to(_BUCKETS)
    for file in sorted(folder.glob("*.json")):
        data = json.loads(file.read_text(encoding="utf-8"))
        data |= {"lora_model_name": str(folder / "lora-unet-and-text-encoder.safetensors")}
        data |= {"concepts": [{"path": "pictures", "seed": 1}], "batch_size": 1}
        report = validate_with_pictures(parse_config(data).config, tmp_path, deep=True)
        assert not [issue for issue in report.issues if issue.path == "lora_model_name"], file.name
        assert report.valid


def test_what_happens_only_once_and_what_is_cut_off_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    shutil.copytree(_BUCKETS, folder, ignore=shutil.ignore_patterns("*.json", "README"))
    for caption in folder.glob("*.txt"):
        caption.write_text(", ".join(["glim", *map(str, range(100))]))
    random_changes = {"image": {"enable_random_flip": True}, "text": {"enable_tag_shuffling": True}}
    data: dict[str, Any] = {"base_model_name": "tiny", "training_method": "LORA", "resolution": "64,128", "epochs": 20}
    data |= {"concepts": [{"path": "pictures", "seed": 1, **random_changes}], "text_encoder": {"train": False}}
    report = validate_with_pictures(parse_config(data).config, tmp_path, deep=True)
    told = [issue.message for issue in report.issues if issue.code == "drawn_once"]
    for words in ("random flip", "several resolutions. Set image_variations to 10", "tag shuffling. Set"):
        assert any(words in message for message in told), (words, told)
    assert "captions are longer than the 30 tokens" in _message(report, "captions_too_long")
