"""Secrets can be set and asked for by name, never read back."""

import json
from pathlib import Path
from typing import Any

import pytest

from onetrainer_web.config.files import parse_request
from onetrainer_web.config.secrets import read_secrets, update_secrets, which_are_set
from onetrainer_web.errors import InvalidConfigError


def test_only_the_owner_can_read_the_file(tmp_path: Path) -> None:
    update_secrets(tmp_path / "secrets.json", {"huggingface_token": "hf_x"})
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_the_file_has_the_form_of_the_reference(reference: Any, tmp_path: Path) -> None:
    update_secrets(tmp_path / "secrets.json", {})
    expected = reference("default-secrets")
    expected["cloud"]["port"] = "0"
    assert json.loads((tmp_path / "secrets.json").read_text()) == expected


def test_changing_one_secret_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    update_secrets(path, {"huggingface_token": "hf_x", "cloud": {"password": "p", "port": 22}})
    update_secrets(path, {"cloud": {"password": ""}})
    secrets = read_secrets(path)
    assert (secrets.huggingface_token, secrets.cloud.password, secrets.cloud.port) == ("hf_x", "", "22")


def test_asking_answers_only_which_are_set(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    assert not any(which_are_set(path).values())
    update_secrets(path, {"cloud": {"api_key": "k"}})
    assert [name for name, is_set in which_are_set(path).items() if is_set] == ["cloud.api_key"]


@pytest.mark.parametrize("changes", [{"token": "hf_x"}, {"huggingface_token": ["hf_x"]}, {"cloud": "hf_x"}])
def test_refusing_a_secret_does_not_repeat_it(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        update_secrets(tmp_path / "secrets.json", changes)
    assert "hf_x" not in str(caught.value)


def test_a_configuration_that_carries_a_secret_is_refused_without_repeating_it() -> None:
    with pytest.raises(InvalidConfigError, match="PUT /api/secrets") as caught:
        parse_request({"secrets": {"huggingface_token": "hf_x"}})
    assert "hf_x" not in str(caught.value)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("{")
    with pytest.raises(InvalidConfigError, match=r"secrets\.json"):
        read_secrets(path)
