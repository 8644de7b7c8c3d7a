"""A configuration is checked together with the pictures that it names."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from onetrainer_web.config.checks import machine
from onetrainer_web.config.families import MODEL_TYPES
from onetrainer_web.config.files import config_to_dict, parse_config, parse_request
from onetrainer_web.config.validation import ValidationReport
from onetrainer_web.dataset import validation
from onetrainer_web.dataset.validation import validate_with_pictures
from onetrainer_web.dataset.videos import write_video
from onetrainer_web.tiny.paths import tiny_model_folder


def _write_pictures(folder: Path, count: int, size: tuple[int, int] = (64, 64), *, captioned: bool = True) -> None:
    folder.mkdir(exist_ok=True)
    for index in range(count):
        path = folder / f"{size[0]}x{size[1]}_{index}.png"
        Image.new("RGB", size).save(path)
        if captioned:
            path.with_suffix(".txt").write_text("a picture")


def _report(workspace: Path, *, deep: bool = True, **changes: Any) -> ValidationReport:
    base: dict[str, Any] = {
        "base_model_name": "tiny",
        "resolution": "64",
        "learning_rate": 1e-4,
        "learning_rate_warmup_steps": 0,
        "concepts": [{"path": "pictures", "seed": 1}],
    }
    read = parse_request(base | changes)
    return validate_with_pictures(read.config, workspace, notes=read.notes, deep=deep)


def _codes(report: ValidationReport) -> list[str]:
    return [issue.code for issue in report.issues]


def test_pictures_that_fill_batches_have_no_issues(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 4)
    assert _codes(_report(tmp_path, batch_size=2)) == []


def test_the_defaults_of_every_model_and_method_say_nothing_but_what_cannot_be_trained_yet(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 3, (1024, 1024))
    _add_references(tmp_path / "pictures")
    problems: dict[str, list[str]] = {}
    for model_type, facts in MODEL_TYPES.items():
        for method in facts.methods:
            own = {"model_type": model_type, "training_method": method, "concepts": [{"path": "pictures", "seed": 1}]}
            read = parse_request({**own, "base_model_name": "owner/name"})
            report = validate_with_pictures(read.config, tmp_path, notes=read.notes, deep=True)
            again = parse_config(config_to_dict(read.config))
            codes = [issue.code for issue in report.issues if issue.code != "not_trained_yet"]
            if codes or read.notes or again.notes or again.config != read.config:
                problems[f"{model_type} {method}"] = codes
    assert problems == {}


def _add_references(folder: Path) -> None:
    for picture in sorted(folder.glob("*.png")):
        shutil.copy(picture, picture.with_name(f"{picture.stem}-condlabel.png"))


def test_pictures_without_references_are_named_where_these_are_learned_from(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 3)
    learning: list[dict[str, Any]] = [
        {"model_type": "FLUX_KONTEXT_DEV_1"},
        {"model_type": "FLUX_2", "custom_conditioning_image": True},
    ]
    for settings in learning:
        report = _report(tmp_path, **settings)
        assert "references_missing" in [issue.code for issue in report.issues if issue.severity == "error"]
    assert "references_missing" not in _codes(_report(tmp_path, model_type="FLUX_2"))
    _add_references(tmp_path / "pictures")
    next((tmp_path / "pictures").glob("*-condlabel.png")).unlink()
    assert "One picture has no reference" in _warning(_report(tmp_path, **learning[1]), "references_missing")


def test_a_missing_folder_warns_and_stops_a_start(tmp_path: Path) -> None:
    plain, deep = _report(tmp_path, deep=False), _report(tmp_path)
    assert _codes(plain) == _codes(deep) == ["concept_folder_missing"]
    assert (plain.valid, deep.valid) == (True, False)


def test_an_empty_folder_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    assert _codes(_report(tmp_path)) == ["concept_folder_empty"]


def test_masked_training_without_a_mask_is_told(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    masks = [tmp_path / "pictures" / f"64x64_0-masklabel.{extension}" for extension in ("jpg", "png")]
    Image.new("L", (64, 64)).save(masks[0])  # which is no mask: only PNG is
    assert _codes(_report(tmp_path, masked_training=True)) == ["files_unused", "masks_missing"]
    masks[0].unlink()
    Image.new("L", (64, 64)).save(masks[1])
    assert _codes(_report(tmp_path, masked_training=True)) == []


def test_pictures_without_captions_are_named(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 7, captioned=False)
    report = _report(tmp_path)
    assert _codes(report) == ["captions_missing"]
    assert "and 2 more" in report.warnings[0]


def _warning(report: ValidationReport, code: str) -> str:
    (message,) = [issue.message for issue in report.issues if issue.code == code]
    return message


def test_files_that_look_like_pictures_and_do_not_train_are_named_with_the_reason(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    _write_pictures(folder, 1)
    for name in ("a.gif", "b.JP2", "c.mpg", "d-masklabel.png", "64x64_0-condlabel.jpg", "64x64_0.json"):
        (folder / name).touch()
    (folder / "e.jpg_large").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / "f.npz").write_bytes(b"\xff\xd8\xff\xe0")
    (folder / "g.bin").write_bytes(b"\x00\x00\x00\x1cftypisom")
    (folder / "h.webm").touch()
    for number in range(8):
        (folder / f"i{number}.gif").touch()
    told = _warning(_report(tmp_path, deep=False), "files_unused")
    assert told.startswith(
        "17 files do not train: 64x64_0-condlabel.jpg is not read as a conditioning picture: that has to be a PNG; "
    )
    assert "a.gif is a GIF" in told
    assert "(likewise i0.gif, i1.gif, i2.gif, i3.gif, i4.gif and 3 more); " in told
    assert "d-masklabel.png is a mask of no picture; " in told
    assert "g.bin looks like a video; " in told
    assert told.endswith("h.webm is a video; this model trains on pictures.")


def test_pictures_in_sub_folders_that_do_not_count_are_told(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 1)
    _write_pictures(tmp_path / "pictures" / "more", 3)
    assert "do not train: more (3). Switch on" in _warning(_report(tmp_path), "pictures_below")
    below = {"path": "pictures", "seed": 1, "include_subdirectories": True}
    assert _codes(_report(tmp_path, concepts=[below])) == []


def test_texts_that_belong_to_no_picture_are_named_unless_the_concept_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    _write_pictures(folder, 1)
    for name in ("prompts.txt", "README.txt", "metadata.jsonl", "tags.csv"):
        (folder / name).write_text("a cat")
    told = _warning(_report(tmp_path), "files_unused")
    assert told.startswith(
        "One file does not train: prompts.txt belongs to no picture; give it the name of one, or make"
    )
    (folder / "64x64_0.txt").unlink()
    told = _warning(_report(tmp_path), "files_unused")
    assert "metadata.jsonl is not read: each picture has a caption file of its own, cat.txt beside cat.jpg" in told
    shared = {"prompt_source": "concept", "prompt_path": "pictures/prompts.txt"}
    assert _codes(_report(tmp_path, concepts=[{"path": "pictures", "seed": 1, "text": shared}])) == []
    (folder / "prompts.txt").write_bytes("红色".encode("gbk"))
    report = _report(tmp_path, concepts=[{"path": "pictures", "seed": 1, "text": shared}])
    told = "prompts.txt is not UTF-8; it was read as cp1252. Save it as UTF-8."
    assert _warning(report, "captions_not_utf8") == told


def test_broken_masks_are_named_before_the_start(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    (tmp_path / "pictures" / "64x64_0-masklabel.png").touch()
    assert _codes(_report(tmp_path)) == []
    report = _report(tmp_path, masked_training=True)
    assert "64x64_0.png has a mask that is empty (0 bytes)" in _warning(report, "pictures_broken")


def test_captions_that_are_not_read_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    _write_pictures(folder, 1)
    (folder / "64x64_0.caption").touch()
    Image.new("RGB", (64, 64)).save(folder / "b.png")
    for ending in ("Txt", "TXT", "tags"):
        (folder / f"b.{ending}").touch()
    told = _warning(_report(tmp_path), "files_unused").partition(": ")[2].split("; ")
    assert told[0] == "64x64_0.caption is not read as a caption: its picture has another one"
    assert told[1].startswith("b.TXT is not read as a caption: there are several whose names differ in case")
    assert told[1].endswith("(likewise b.Txt)")
    assert told[2].startswith("b.tags is not read as a caption: that has to be a .txt")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("kinds", "holds no pictures that train: {}/kinds. a.gif is a GIF"),
        ("below", "holds no pictures itself: {}/below. Its sub-folders do: 10_ohwx (2). Switch on include_subdir"),
        ("'below'", "is written as 'below'. Take off the quotation marks"),
        ("videos", "holds no pictures that train: {}/videos. a.mp4 is a video; this model trains on pictures."),
        ("kinds/a.gif", "is a file: {}/kinds/a.gif. Give the folder"),
        ("nowhere", "does not exist: {}/nowhere."),
    ],
)
def test_a_folder_without_pictures_says_why(tmp_path: Path, path: str, told: str) -> None:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "a.gif").touch()
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    (tmp_path / "below").mkdir()
    _write_pictures(tmp_path / "below" / "10_ohwx", 2)
    (issue,) = _report(tmp_path, concepts=[{"path": path, "seed": 1}]).issues
    assert told.format(tmp_path) in issue.message


def test_captions_that_are_shared_or_not_utf8_are_named_before_the_start(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    _write_pictures(folder, 2)
    Image.new("RGB", (64, 64)).save(folder / "64x64_1.jpg")
    (folder / "64x64_0.txt").write_bytes("红色".encode("gbk"))
    report = _report(tmp_path)
    assert "64x64_1.jpg and 64x64_1.png share 64x64_1.txt." in _warning(report, "captions_shared")
    assert "64x64_0.txt is not UTF-8; it was read as cp1252." in _warning(report, "captions_not_utf8")


def test_pictures_that_are_much_enlarged_or_cropped_are_named_with_numbers(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 1, (40, 30))
    _write_pictures(tmp_path / "pictures", 1, (2000, 100))
    report = _report(tmp_path, resolution="32,256")
    assert "40x30_0.png (40x30, 7.7 times)" in _warning(report, "pictures_enlarged")
    assert "2000x100_0.png (2000x100, 80%)" in _warning(report, "pictures_cropped")
    assert _codes(_report(tmp_path, resolution="32")) == ["pictures_cropped", "drawn_once"]
    _write_pictures(tmp_path / "large", 2)
    concepts = [{"path": "large", "seed": 1}, {"path": "pictures", "seed": 1, "type": "VALIDATION"}]
    assert _codes(_report(tmp_path, concepts=concepts, validation=True)) == []


def test_captions_from_file_names_need_no_files(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2, captioned=False)
    concept = {"path": "pictures", "seed": 1, "text": {"prompt_source": "filename"}}
    assert _codes(_report(tmp_path, concepts=[concept])) == []


def test_broken_pictures_are_named_when_a_run_is_about_to_start(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    (tmp_path / "pictures" / "broken.png").write_bytes(b"no picture")
    (tmp_path / "pictures" / "broken.txt").write_text("a picture")
    assert _codes(_report(tmp_path, deep=False)) == []
    report = _report(tmp_path)
    assert _codes(report) == ["pictures_broken"]
    assert "broken.png" in report.warnings[0]


def test_a_folder_of_only_broken_pictures_stops_a_start(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "broken.png").write_bytes(b"")
    (tmp_path / "pictures" / "broken.txt").write_text("a picture")
    assert not _report(tmp_path).valid


def test_a_batch_larger_than_an_epoch_means_no_step(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 3)
    report = _report(tmp_path, batch_size=4)
    assert _codes(report) == ["no_full_batch"]
    assert not report.valid
    repeated = {"path": "pictures", "seed": 1, "balancing": 2}
    assert _report(tmp_path, batch_size=4, concepts=[repeated]).valid


def test_a_batch_larger_than_every_group_of_one_shape_means_no_step(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    _write_pictures(tmp_path / "pictures", 2, (128, 32))
    report = _report(tmp_path, batch_size=3)
    assert _codes(report) == ["no_full_batch"]
    assert _codes(_report(tmp_path, batch_size=3, aspect_ratio_bucketing=False))[-1] == "pictures_left_over"


def test_pictures_that_fill_no_batch_are_counted(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 5)
    report = _report(tmp_path, batch_size=2)
    assert _codes(report) == ["pictures_left_over"]
    assert report.warnings[0].startswith("One picture of each epoch fills no batch of 2 (others in the next epoch)")
    assert "since there is one epoch" in _report(tmp_path, batch_size=2, epochs=1).warnings[0]


def test_pictures_that_never_fill_a_batch_are_named(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    for size in ((64, 80), (80, 64), (64, 128), (128, 64)):
        _write_pictures(tmp_path / "pictures", 1, size)
    report = _report(tmp_path, batch_size=2)
    assert _codes(report) == ["drawn_once", "pictures_never_trained"]
    told = _warning(report, "pictures_never_trained")
    assert told.startswith("4 pictures never train: a batch needs 2 of one size")
    assert "128x64_0.png" in told
    # With half of them an epoch, the two of one shape never meet.
    halves = [{"path": "pictures", "seed": 1, "balancing": 0.5}]
    assert _codes(_report(tmp_path, batch_size=2, concepts=halves, epochs=2)) == ["no_full_batch"]


def test_a_picture_that_a_later_variation_leaves_alone_trains_all_the_same(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2, (128, 128))
    # Both draw one of two sizes in each epoch: in the first they share it and train, in the second they do not.
    concepts = [{"path": "pictures", "seed": 3, "image_variations": 8}]
    report = _report(tmp_path, concepts=concepts, resolution="64,128", batch_size=2, epochs=2)
    assert _codes(report) == []


def test_steps_are_those_of_the_planner(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    for size in ((64, 80), (80, 64), (64, 128), (128, 64)):
        _write_pictures(tmp_path / "pictures", 1, size)
    changes: dict[str, Any] = {"batch_size": 2, "epochs": 3, "learning_rate_warmup_steps": 3}
    (warmup,) = [issue for issue in _report(tmp_path, **changes).issues if issue.code == "warmup_too_long"]
    assert "the run has only 3" in warmup.message
    concepts = [{"path": "pictures", "seed": 1, "balancing": 1e15, "balancing_strategy": "SAMPLES"}]
    assert _report(tmp_path, concepts=concepts, epochs=2**40).valid  # absurd, but told at once


@pytest.mark.parametrize("balancing", [0, 0.2])
def test_an_epoch_without_a_picture_means_no_step(tmp_path: Path, balancing: float) -> None:
    _write_pictures(tmp_path / "pictures", 3)
    concepts = [{"path": "pictures", "seed": 1, "balancing": balancing}]
    assert _codes(_report(tmp_path, concepts=concepts)) == ["concept_without_effect", "no_pictures"]
    assert _report(tmp_path, concepts=concepts, deep=False).valid
    assert not _report(tmp_path, concepts=concepts).valid


def test_steps_that_the_run_does_not_have_are_noticed(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 4)
    in_time: dict[str, Any] = {"epochs": 2, "backup_after": 8, "backup_after_unit": "STEP"}
    assert _codes(_report(tmp_path, **in_time)) == []
    assert _codes(_report(tmp_path, **{**in_time, "backup_after": 9})) == ["interval_never"]
    late = {"sample_after": 1, "sample_after_unit": "STEP", "sample_skip_first": 8}
    assert [issue.path for issue in _report(tmp_path, **in_time, **late).issues] == ["sample_skip_first"]


def test_backups_are_counted_with_the_steps_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write_pictures(tmp_path / "pictures", 4)
    (tmp_path / "big").mkdir()
    (tmp_path / "big" / "model_index.json").write_text("{}")
    (tmp_path / "big" / "unet.safetensors").write_bytes(bytes(1000))
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 10_000}))
    changes: dict[str, Any] = {
        "training_method": "FINE_TUNE",
        "learning_rate": 1e-5,
        "base_model_name": "./big",
        "epochs": 10,
        "backup_after": 5,
        "backup_after_unit": "STEP",
    }
    assert _codes(_report(tmp_path, **changes)) == ["disk_too_small"]
    assert _codes(_report(tmp_path, **{**changes, "backup_after": 30})) == []


def test_validation_pictures_are_no_training_pictures(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    _write_pictures(tmp_path / "held_out", 9)
    concepts = [{"path": "pictures", "seed": 1}, {"path": "held_out", "seed": 1, "type": "VALIDATION"}]
    report = _report(tmp_path, concepts=concepts, batch_size=4)
    assert _codes(report) == ["validation_off", "no_full_batch"]
    assert _codes(_report(tmp_path, concepts=concepts[1:])) == ["no_concept", "validation_off"]
    assert "Every enabled concept only validates" in _report(tmp_path, concepts=concepts[1:]).errors[0]


def test_settings_that_do_not_fit_the_length_are_noticed(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    assert _codes(_report(tmp_path, epochs=3, learning_rate_warmup_steps=200)) == ["warmup_too_long"]
    assert _codes(_report(tmp_path, epochs=3, gradient_accumulation_steps=100)) == []
    assert _codes(_report(tmp_path, epochs=3, ema="CPU")) == ["ema_too_slow"]


@pytest.mark.parametrize("path", ["a\x00b", "x" * 5000, "~nobody/x"])
def test_folders_that_cannot_exist_are_told_as_missing(tmp_path: Path, path: str) -> None:
    assert _codes(_report(tmp_path, concepts=[{"path": path, "seed": 1}])) == ["concept_folder_missing"]


def test_a_folder_of_videos_is_enough_for_a_video_model(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("a", "b"):
        write_video([Image.new("RGB", (64, 64))] * 30, folder / f"{name}.mp4", 16)
        (folder / f"{name}.txt").write_text("a video")
    changes = {"model_type": "WAN_21", "batch_size": 2}
    assert _codes(_report(tmp_path, **changes)) == []
    short = _report(tmp_path, frames="33", **changes)
    assert "a.mp4 has 30 frames" in short.errors[0]
    assert _codes(_report(tmp_path, frames="many", **changes)) == ["frames_unreadable"]
    assert "concept_folder_empty" in _codes(_report(tmp_path, batch_size=2))


def test_a_huge_folder_is_left_to_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "MAX_FILES", 5)
    _write_pictures(tmp_path / "pictures", 4)
    plain = _report(tmp_path, deep=False, batch_size=2)
    assert plain.valid
    assert _codes(plain) == ["concept_folder_large"]
    assert _codes(_report(tmp_path, batch_size=2)) == []


def test_what_a_concept_names_is_looked_at_before_the_model_is_loaded(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    (tmp_path / "empty.txt").write_text(" \n")
    special: dict[str, Any] = {"tag_dropout_enable": True, "tag_dropout_probability": 0.5, "keep_tags_count": 0}
    special["tag_dropout_special_tags_mode"] = "WHITELIST"
    caps = {"caps_randomize_enable": True}
    cases: list[tuple[dict[str, Any], str, str, bool]] = [
        ({"prompt_source": "concept", "prompt_path": "nowhere.txt"}, "prompt_file_missing", "does not exist", False),
        ({"prompt_source": "concept", "prompt_path": "pictures"}, "prompt_file_missing", "is a folder", False),
        ({"prompt_source": "concept", "prompt_path": ""}, "prompt_file_missing", "is not named", False),
        ({"prompt_source": "concept", "prompt_path": "empty.txt"}, "prompt_file_empty", "no picture has", True),
        (
            {"caps_randomize_enable": True, "caps_randomize_mode": "title, upper"},
            "capitalisation_unknown",
            "upper",
            False,
        ),
        ({**caps, "caps_randomize_mode": " "}, "capitalisation_unknown", "Write some of", False),
        ({**special, "tag_dropout_special_tags": "/nope.txt"}, "tags_file_missing", "/nope.txt", False),
        (
            {**special, "tag_dropout_special_tags": ":), a+", "tag_dropout_special_tags_regex": True},
            "tags_taken_literally",
            ":)",
            True,
        ),
        ({**special, "tag_dropout_special_tags": ""}, "tags_missing", "names no special tags", True),
        ({**special, "tag_dropout_special_tags": "tags.tsv"}, "tags_file_missing", "has to end in .txt", False),
        ({**special, "tag_dropout_special_tags": "gbk.txt"}, "captions_not_utf8", "gbk.txt is not UTF-8", True),
    ]
    (tmp_path / "tags.tsv").write_text("hat")
    (tmp_path / "gbk.txt").write_bytes("红色".encode("gbk"))
    for text, code, words, is_valid in cases:
        report = _report(tmp_path, concepts=[{"path": "pictures", "seed": 1, "text": text, "text_variations": 3}])
        assert (_codes(report), report.valid) == ([code], is_valid), text
        assert words in report.issues[0].message


def test_random_changes_that_the_cache_keeps_are_told_with_a_number_that_helps(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    (tmp_path / "pictures" / "64x64_0.txt").write_text("a cat\na small cat")

    def told(concept: dict[str, Any], **changes: Any) -> dict[str, str]:
        report = _report(tmp_path, concepts=[{"path": "pictures", "seed": 1, **concept}], **changes)
        return {issue.path: issue.message for issue in report.issues if issue.code == "drawn_once"}

    flip = {"image": {"enable_random_flip": True}}
    assert "Set image_variations to 4" in told(flip, epochs=4)["concepts.0.image_variations"]
    assert "Set image_variations to 10" in told(flip, epochs=40)["concepts.0.image_variations"]
    assert "several resolutions" in told({}, resolution="64,128")["concepts.0.image_variations"]
    assert told(flip, latent_caching=False) == told(flip, epochs=1) == told({**flip, "image_variations": 2}) == {}
    assert told({"text": {"enable_tag_shuffling": True}}) == {}  # the text encoder learns, so prompts are not kept
    captions = told({"text": {"enable_tag_shuffling": True}}, text_encoder={"train": False})
    assert "tag shuffling, the choice among several captions" in captions["concepts.0.text_variations"]
    assert told({}) == {}, "nothing is cropped"
    _write_pictures(tmp_path / "pictures", 1, (64, 77))
    assert "all epochs: crop jitter. Set" in told({})["concepts.0.image_variations"]
    assert told({"image": {"enable_crop_jitter": False}}) == {}


def test_captions_that_the_text_encoder_cuts_off_are_named(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 2)
    (tmp_path / "pictures" / "64x64_0.txt").write_text(", ".join(["glim"] * 40))
    told = _warning(_report(tmp_path), "captions_too_long")
    assert told.startswith("One caption is longer than the 30 tokens")
    assert "64x64_0.png (199)" in told
    assert "about 79" in _warning(_report(tmp_path, base_model_name="owner/name"), "captions_too_long")

    # CLIP's tokenizers in the two files of older models.
    known = json.loads((tiny_model_folder() / "tokenizer" / "tokenizer.json").read_text())["model"]
    folder = tmp_path / "model" / "tokenizer"
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps(known["vocab"]))
    merges = [one if isinstance(one, str) else " ".join(one) for one in known["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]))
    assert "(199)" in _warning(_report(tmp_path, base_model_name="model"), "captions_too_long")
    (folder / "vocab.json").write_text("{")
    assert "about 79" in _warning(_report(tmp_path, base_model_name="model"), "captions_too_long")


def test_how_much_of_a_caption_is_read_depends_on_the_text_encoders_in_use(tmp_path: Path) -> None:
    _write_pictures(tmp_path / "pictures", 1)
    (tmp_path / "pictures" / "64x64_0.txt").write_text("cat " * 600)

    def read_of(**settings: Any) -> str:
        report = _report(tmp_path, base_model_name="owner/name", **settings)
        return "".join(issue.message for issue in report.issues if issue.code == "captions_too_long")

    assert "the 255 tokens" in read_of(model_type="STABLE_DIFFUSION_3")
    assert "the 75 tokens" in read_of(model_type="STABLE_DIFFUSION_3", text_encoder_3={"include": False})
    flux = read_of(model_type="FLUX_DEV_1", text_encoder_2_sequence_length=77)
    assert "the 76 tokens" in flux
    assert "Raise the sequence length" in flux
    assert "the 511 tokens" in read_of(model_type="FLUX_DEV_1", text_encoder_2_sequence_length=None)
    assert "the 119 tokens" in read_of(model_type="PIXART_ALPHA")
    assert "the 509 tokens" in read_of(model_type="FLUX_2"), "its template takes three"
    assert "the 225 tokens" in read_of(model_type="LUMINA_2")
    stable_diffusion_3 = {f"text_encoder{number}": {"include": False} for number in ("", "_2", "_3")}
    assert read_of(model_type="STABLE_DIFFUSION_3", **stable_diffusion_3) == "", "nobody reads it"
    cached = tmp_path / "hub" / "models--owner--name" / "snapshots" / "0123"
    shutil.copytree(tiny_model_folder() / "tokenizer", cached / "tokenizer")
    assert "(600)" in read_of(huggingface_cache_dir="hub"), "counted by what was downloaded"
