"""`onetrainer-web config`: its output and exit status."""

import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from onetrainer_web.app.config_store import ConfigStore
from onetrainer_web.cli.main import app
from onetrainer_web.cli.train import find_config
from onetrainer_web.config.files import read_config_file
from onetrainer_web.errors import ConfigNotFoundError, InvalidConfigError, InvalidRequestError
from onetrainer_web.protocol.workspace import Workspace

RUNNER = CliRunner()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.json"
    concepts = [{"__version": 2, "name": "a", "path": "pictures", "seed": 1}]
    path.write_text(json.dumps({"__version": 11, "epochs": 3, "base_model_name": "tiny", "concepts": concepts}))
    return path


def test_show_prints_the_complete_configuration(file: Path) -> None:
    result = RUNNER.invoke(
        app, ["config", "show", str(file), "--set", "learning_rate=1e-5", "--set", "unet.train=false"]
    )
    shown = json.loads(result.stdout)
    assert (shown["epochs"], shown["learning_rate"], shown["unet"]["train"]) == (3, 1e-5, False)


def test_validate_ends_with_status_1_when_there_are_errors(file: Path) -> None:
    fine = RUNNER.invoke(app, ["config", "validate", str(file), "--json"])
    assert (fine.exit_code, json.loads(fine.stdout)["valid"]) == (0, True)
    bad = RUNNER.invoke(app, ["config", "validate", str(file), "--deep"])
    assert bad.exit_code == 1
    assert "error" in bad.stdout
    assert "Not valid." in bad.stdout


def test_a_preset_is_meant_by_its_name(file: Path) -> None:
    shown = json.loads(RUNNER.invoke(app, ["config", "show", "demo_lora"]).stdout)
    assert shown["base_model_name"] == "tiny"
    found = json.loads(RUNNER.invoke(app, ["config", "diff", "demo_lora", str(file), "--json"]).stdout)
    assert "training_method" in {difference["path"] for difference in found}


@pytest.mark.parametrize("text", ["nowhere/mine.json", "./mine.json", "/nowhere/mine.json", "mine"])
def test_training_from_a_path_where_nothing_is_says_so(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigNotFoundError, match=r"no file has this path"):
        find_config(ConfigStore(Workspace(tmp_path)), text, Console())


def test_convert_writes_todays_form(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "converted.json"
    assert RUNNER.invoke(app, ["config", "convert", str(file), str(output), "--form", "settings"]).exit_code == 0
    assert json.loads(output.read_text())["concepts"] is None
    assert RUNNER.invoke(app, ["config", "convert", str(file), str(output), "--form", "other"]).exit_code == 2


def test_convert_writes_concepts_and_samples_beside_the_settings(tmp_path: Path) -> None:
    packed = {"concepts": [{"path": "cats", "seed": 1}], "samples": [{"prompt": "a cat"}], "epochs": 3}
    packed["concept_file_name"] = "F:\\train\\mine.json"
    file, output = tmp_path / "packed.json", tmp_path / "out" / "new.json"
    file.write_text(json.dumps(packed), encoding="utf-8")
    output.parent.mkdir()
    convert = ["config", "convert", str(file), str(output), "--form", "settings"]
    result = RUNNER.invoke(app, convert)
    assert result.exit_code == 0
    names = ("mine.json", "training_samples/samples.json", "new.json")
    assert all(str(output.parent / name) in result.output.replace("\n", "") for name in names)
    read = read_config_file(output)
    assert read.notes == []
    assert read.config.concepts
    assert read.config.samples
    assert (read.config.concepts[0].path, read.config.samples[0].prompt) == ("cats", "a cat")
    assert RUNNER.invoke(app, convert).exit_code == 0
    (output.parent / "mine.json").write_text("[]", encoding="utf-8")
    result = RUNNER.invoke(app, [*convert, "--set", "epochs=4"])
    assert result.exit_code != 0
    assert "holds something else" in str(result.output) + str(result.exception)
    assert read_config_file(output).config.epochs == 3


def test_diff_names_what_differs(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    RUNNER.invoke(app, ["config", "convert", str(file), str(other), "--set", "epochs=4"])
    found = json.loads(RUNNER.invoke(app, ["config", "diff", str(file), str(other), "--json"]).stdout)
    assert [(item["path"], item["left"], item["right"]) for item in found] == [("epochs", 3, 4)]
    assert "No difference." in RUNNER.invoke(app, ["config", "diff", str(file), str(file)]).stdout


def test_what_was_not_understood_is_told_by_every_command(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text('{"__version": 9, "learning_rat": 1}')
    for command in (["show", str(path)], ["diff", str(path)], ["convert", str(path), str(tmp_path / "new.json")]):
        told = RUNNER.invoke(app, ["config", *command])
        assert "Did you mean learning_rate?" in told.stderr, command
    for command in (["show", str(path)], ["convert", str(path), str(tmp_path / "new.json")]):
        answer = json.loads(RUNNER.invoke(app, ["config", *command, "--json"]).stdout)
        assert [note["code"] for note in answer["notes"]] == ["unknown_key"]
        assert answer["migrated_from"] == 9


def test_a_place_that_cannot_be_written_is_named(file: Path, tmp_path: Path) -> None:
    result = RUNNER.invoke(app, ["config", "convert", str(file), str(tmp_path)])
    assert isinstance(result.exception, InvalidRequestError)
    assert "cannot be written" in str(result.exception)


def test_expected_failures_rise_as_one_sentence(file: Path) -> None:
    missing = RUNNER.invoke(app, ["config", "show", "nowhere.json"])
    assert isinstance(missing.exception, ConfigNotFoundError)
    wrong = RUNNER.invoke(app, ["config", "show", str(file), "--set", "nonsense=1"])
    assert isinstance(wrong.exception, InvalidConfigError)
    assert RUNNER.invoke(app, ["config", "show", str(file), "--set", "nonsense"]).exit_code == 2
