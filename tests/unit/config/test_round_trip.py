"""What is written is read back equal, and no input stops a reader."""

import json
import os
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onetrainer_web.config.base import ConfigModel
from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.defaults import default_config
from onetrainer_web.config.embeddings import TrainEmbeddingConfig
from onetrainer_web.config.fields import SETTINGS
from onetrainer_web.config.files import config_to_dict, parse_config, parse_request, read_config_file, write_config_file
from onetrainer_web.config.presets import preset_names, read_preset
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.config.validation import validate
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.files.json_files import parse_json, write_json_atomically, write_text_atomically

_FAST = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_PLAIN = st.dictionaries(
    st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_size=2
)
_KEYS = sorted({key for model in SETTINGS for key in model.model_fields} | {"__version", "weight_dtype", "train_unet"})


@st.composite
def _objects(draw: st.DrawFn, model: type[ConfigModel], drawn: dict[str, st.SearchStrategy[Any]]) -> Any:
    """An object with some of its settings changed; `drawn` gives those that must not be left to chance."""
    names = [name for name in model.model_fields if name not in drawn and name != "secrets"]
    chosen = draw(st.lists(st.sampled_from(names), max_size=8, unique=True))
    values = {name: draw(_values(model.model_fields[name].annotation)) for name in chosen}
    return model.model_validate(values | {name: draw(strategy) for name, strategy in drawn.items()})


_SEED = {"seed": st.integers(-1000, 1000)}
_UUID = {"uuid": st.uuids().map(str)}
_OWN: dict[type[ConfigModel], dict[str, st.SearchStrategy[Any]]] = {ConceptConfig: _SEED, TrainEmbeddingConfig: _UUID}


def _values(annotation: Any) -> st.SearchStrategy[Any]:
    """Valid values of a field."""
    inner = [part for part in get_args(annotation) if part is not NoneType]
    kind = get_origin(annotation) or annotation
    if NoneType in get_args(annotation):
        return st.none() | _values(inner[0])
    if kind is Annotated:
        return _values(inner[0])
    if kind is list:
        return st.lists(_values(inner[0]), max_size=2)
    if kind is dict:
        return (
            _PLAIN
            if "JsonValue" in str(annotation)
            else st.dictionaries(st.text(max_size=5), _values(inner[1]), max_size=2)
        )
    if issubclass(kind, ConfigModel):
        return _objects(kind, _OWN.get(kind, {}))
    plain = {bool: st.booleans(), int: st.integers(1, 1000), float: st.floats(0, 1), str: st.text(max_size=5)}
    return plain[kind] if kind in plain else st.sampled_from(kind)


@_FAST
@given(_objects(TrainConfig, {}))
def test_a_written_configuration_is_read_back_equal(config: TrainConfig) -> None:
    text = json.dumps(config_to_dict(config), allow_nan=False)
    result = parse_config(parse_json(text))
    assert result.config == config
    assert result.notes == []


@pytest.mark.parametrize("name", preset_names())
def test_presets_survive_being_written(tmp_path: Path, name: str) -> None:
    config = read_preset(name).config
    write_config_file(tmp_path / "a.json", config)
    assert read_config_file(tmp_path / "a.json").config == config


def test_presets_of_the_reference_survive_being_written(reference_folder: Path, tmp_path: Path) -> None:
    for path in sorted((reference_folder / "presets").rglob("*.json")):
        config = read_config_file(path).config
        write_config_file(tmp_path / "a.json", config)
        result = read_config_file(tmp_path / "a.json")
        assert result.config == config
        assert result.notes == []


@_FAST
@given(st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=8), _JSON, max_size=8))
def test_no_object_stops_the_readers(data: dict[str, Any]) -> None:
    for read in (parse_config, parse_request):
        try:
            result = read(data)
        except InvalidConfigError:
            continue
        json.dumps(config_to_dict(result.config), allow_nan=False)
        validate(result.config, Path(), notes=result.notes, deep=True)


@_FAST
@given(st.sampled_from(sorted(TrainConfig.model_fields)), _JSON)
def test_no_value_of_a_known_key_stops_the_reader(key: str, value: Any) -> None:
    for version in ({}, {"__version": 0}):
        result = parse_config({**version, key: value, "weight_dtype": value, "gradient_checkpointing": value})
        json.dumps(config_to_dict(result.config), allow_nan=False)


@_FAST
@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_stop_the_reader(content: bytes) -> None:
    try:
        value = parse_json(content)
        parse_config(value)
    except InvalidConfigError:
        return


def test_the_settings_form_leaves_lists_to_their_own_files() -> None:
    config = TrainConfig.model_validate({"concepts": [{"path": "a"}], "samples": [{}]})
    data = config_to_dict(config, "settings")
    assert data["concepts"] is None
    assert data["samples"] is None


def test_every_object_says_its_version_and_none_holds_secrets() -> None:
    data = config_to_dict(TrainConfig.model_validate({"concepts": [{"path": "a"}], "optimizer_defaults": {"ADAM": {}}}))
    assert data["__version"] == 11
    assert data["concepts"][0]["__version"] == 2
    assert data["concepts"][0]["image"]["__version"] == data["unet"]["__version"] == 0
    assert data["optimizer_defaults"]["ADAM"]["__version"] == 0
    assert "secrets" not in data


def test_infinite_numbers_are_written_as_the_reference_does() -> None:
    data = config_to_dict(TrainConfig.model_validate({"optimizer": {"growth_rate": float("inf")}}))
    assert data["optimizer"]["growth_rate"] == "inf"


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json_atomically(path, {"a": 1})
    with pytest.raises(UnicodeEncodeError):
        write_text_atomically(path, "\ud800")
    with pytest.raises(ValueError, match="JSON"):
        write_json_atomically(path, {"a": float("nan")})
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["a.json"]


def test_folders_are_made_and_permissions_set(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    write_json_atomically(path, {}, mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600


def test_our_starting_values_are_a_short_list() -> None:
    defaults, ours = config_to_dict(TrainConfig()), config_to_dict(default_config())
    changed = {key: ours[key] for key in ours if ours[key] != defaults[key]}
    assert changed == {
        "training_method": "LORA",
        "learning_rate": 0.0001,
        "output_model_format": "KOHYA_LORA",
        "lokr_dora_on_output": False,
    }
