"""Layer patterns are held against the files of the model before it is loaded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from onetrainer_web.config.files import parse_config
from onetrainer_web.config.validation import validate


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Holds a model of two linear layers and a norm, in two files."""
    unet = tmp_path / "model" / "unet"
    unet.mkdir(parents=True)
    (tmp_path / "model" / "model_index.json").write_text("{}")
    save_file({"down.0.attn.to_q.weight": np.zeros((2, 2)), "down.0.norm.weight": np.zeros(2)}, unet / "1.safetensors")
    save_file({"up.0.attn.to_q.weight": np.zeros((2, 2)), "up.0.attn.to_q.bias": np.zeros(2)}, unet / "2.safetensors")
    return tmp_path


def told(workspace: Path, *, deep: bool = True, **settings: Any) -> list[tuple[str, str]]:
    chosen = {"base_model_name": "model", "training_method": "LORA", "layer_filter_preset": "custom", **settings}
    report = validate(parse_config(chosen).config, workspace, deep=deep)
    return [(issue.severity, issue.message) for issue in report.issues if issue.code == "layer_unknown"]


def test_a_pattern_that_fits_no_layer_is_named(workspace: Path) -> None:
    example = " Layers are named such as 'up.0.attn.to_q'."
    assert told(workspace, layer_filter="down.0,typo") == [
        ("warning", f"layer_filter: 'typo' fits no layer of the model. Correct or remove it.{example}")
    ]
    assert [severity for severity, _ in told(workspace, layer_filter="typo")] == ["error"]
    assert told(workspace, layer_filter=r"(down|up)\.\d", layer_filter_regex=True) == []
    assert told(workspace, layer_filter="norm")[0][0] == "error", "no adapter fits a norm"
    assert told(workspace, layer_filter="norm", training_method="FINE_TUNE") == []


def test_nothing_is_said_where_the_layers_are_not_known_or_do_not_count(workspace: Path) -> None:
    assert told(workspace, layer_filter="typo", deep=False) == []
    assert told(workspace, layer_filter="typo", base_model_name="owner/name") == []
    assert told(workspace, layer_filter="typo", unet={"train": False}) == []
    assert told(workspace, layer_filter="typo", unet={"model_name": "elsewhere"}) == []
    assert told(workspace, layer_filter="(", layer_filter_regex=True) == []
    for file in (workspace / "model" / "unet").iterdir():
        file.write_bytes(b"no model")
    assert told(workspace, layer_filter="typo") == []
