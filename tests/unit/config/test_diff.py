"""Configurations are compared setting by setting, and single settings changed by their path."""

from typing import Any

import pytest

from onetrainer_web.config.diff import compare, diff, set_path
from onetrainer_web.config.files import parse_config
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.errors import InvalidConfigError


def test_equal_configurations_do_not_differ() -> None:
    assert diff(TrainConfig(), TrainConfig()) == []


def test_a_difference_names_path_label_and_both_values() -> None:
    right = TrainConfig.model_validate({"unet": {"train": False}, "mse_strength": "inf"})
    found = [difference.model_dump() for difference in diff(TrainConfig(), right)]
    assert found == [
        {"path": "mse_strength", "label": "Squared error", "left": 1.0, "right": "inf", "notes": []},
        {"path": "unet.train", "label": "UNet: Train", "left": True, "right": False, "notes": []},
    ]


def test_lists_are_compared_element_by_element() -> None:
    left = TrainConfig.model_validate({"concepts": [{"path": "a", "seed": 1}]})
    right = TrainConfig.model_validate({"concepts": [{"path": "b", "seed": 1}, {"path": "c", "seed": 1}]})
    first, second = diff(left, right)
    assert (first.path, first.left, first.right) == ("concepts.0.path", "a", "b")
    assert (second.path, second.left) == ("concepts.1", None)


def test_secrets_are_never_compared() -> None:
    left = TrainConfig.model_validate({"secrets": {"huggingface_token": "hf_x"}})
    assert diff(left, TrainConfig()) == []


def test_what_reading_brought_up_is_told_beside_the_values() -> None:
    left = parse_config({"epochs": "many", "learnig_rate": 1e-4, "batch_size": 3})
    found = {item.path: item for item in compare(left, parse_config({"epochs": 7}))}
    epochs, batch_size, unknown = found["epochs"], found["batch_size"], found["learnig_rate"]
    assert (batch_size.left, batch_size.notes) == (3, [])
    assert (epochs.left, epochs.right) == (100, 7)
    assert "many" in epochs.notes[0]
    assert (unknown.left, unknown.right) == (None, None)
    assert "learning_rate" in unknown.notes[0]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("learning_rate", "1e-5", 1e-5),
        ("epochs", "12", 12),
        ("unet.train", "false", False),
        ("unet.learning_rate", "null", None),
        ("clip_grad_norm", None, None),
        ("quantization.svd_dtype", "none", "NONE"),
        ("save_filename_prefix", "12", "12"),
        ("model_type", "sdxl", "STABLE_DIFFUSION_XL_10_BASE"),
        ("concepts.0.path", "b", "b"),
        ("concepts.0.image.enable_crop_jitter", False, False),
        ("optimizer_defaults.ADAM.beta1", "0.5", 0.5),
    ],
)
def test_a_setting_is_changed_by_its_path(path: str, value: Any, expected: Any) -> None:
    config = TrainConfig.model_validate({"concepts": [{"path": "a"}], "optimizer_defaults": {"ADAM": {}}})
    changed: Any = set_path(config, path, value)
    for step in path.split("."):
        changed = changed[int(step)] if isinstance(changed, list) else _get(changed, step)
    assert changed == expected


def test_lists_can_be_given_as_json() -> None:
    config = set_path(TrainConfig(), "concepts", '[{"path": "a"}]')
    assert config.concepts
    assert config.concepts[0].path == "a"


def test_the_original_stays_as_it_was() -> None:
    config = TrainConfig.model_validate({"concepts": [{"path": "a"}]})
    set_path(config, "concepts.0.path", "b")
    assert config.concepts
    assert config.concepts[0].path == "a"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("nonsense", 1),
        ("unet.nonsense", 1),
        ("unet.train.more", 1),
        ("concepts.0.path", "a"),
        ("samples.x.prompt", "a"),
        ("epochs", "many"),
        ("epochs", 0),
        ("epochs", None),
        ("unet", 5),
        ("", 1),
        ("secrets.huggingface_token", "hf_x"),
    ],
)
def test_what_cannot_be_set_is_refused_with_a_sentence(path: str, value: Any) -> None:
    with pytest.raises(InvalidConfigError, match=r"\.$|\?$"):
        set_path(TrainConfig(), path, value)


def test_elements_are_not_counted_from_the_end() -> None:
    config = TrainConfig.model_validate({"concepts": [{"path": "a"}]})
    for path in ("concepts.-1.path", "concepts.-1"):
        with pytest.raises(InvalidConfigError, match="There is no setting concepts.-1"):
            set_path(config, path, "b")


def test_a_misspelt_setting_is_answered_with_the_right_one() -> None:
    with pytest.raises(InvalidConfigError, match="Did you mean train"):
        set_path(TrainConfig(), "unet.trian", True)


def _get(value: Any, step: str) -> Any:
    return value[step] if isinstance(value, dict) else getattr(value, step)
