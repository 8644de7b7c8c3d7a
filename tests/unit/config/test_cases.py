"""Files that people brought, where they lie beside the checkout: each is read, and told what holds for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from onetrainer_web.config.files import ReadResult, parse_config, read_config_file
from onetrainer_web.config.validation import ValidationReport
from onetrainer_web.dataset.validation import validate_with_pictures

_CASES = Path(__file__).parents[4] / "shared" / "cases"
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


def test_pictures_that_never_train_are_counted(tmp_path: Path) -> None:
    _, report = _checked(_BUCKETS / "config.json", _BUCKETS, tmp_path)
    assert any(message.startswith("4 pictures never train") for message in report.warnings)


def test_what_a_concept_or_part_names_is_told(tmp_path: Path) -> None:
    for file in sorted((_USERS / "13-missing-prompt-file").glob("*.json")):
        _, report = _checked(file, _BUCKETS, tmp_path)
        codes = {issue.code for issue in report.issues}
        expected = {"prompt_file_missing", "capitalisation_unknown", "tags_file_missing", "tags_taken_literally"}
        assert codes & {*expected, "part_model_broken", "part_model_missing"}, (file.name, codes)


def test_a_resolution_with_blanks_is_read(tmp_path: Path) -> None:
    _, report = _checked(_OTHERS / "16-resolution-with-spaces" / "config.json", _BUCKETS, tmp_path)
    assert "resolution_unreadable" not in {issue.code for issue in report.issues}
