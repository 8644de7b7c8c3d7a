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


@pytest.mark.parametrize(
    "settings",
    [{"base_model_name": "owner/name"}, {"base_model_name": "one.safetensors"}, {"unet": {"model_name": "owner/name"}}],
)
def test_without_files_of_layers_the_names_of_the_kind_tell(workspace: Path, settings: dict[str, Any]) -> None:
    (workspace / "one.safetensors").write_bytes(b"")

    def said(patterns: str, **others: Any) -> list[tuple[str, str]]:
        return told(workspace, layer_filter=patterns, **settings, **others)

    (severity, message), *_ = said("attn1,typo")
    assert (severity, "'typo' fits no layer" in message) == ("warning", True)
    assert said("typo")[0][0] == "warning", "it may be a model of another shape"
    assert said(r"down_blocks\.(1|2)\..*to_[kv],up_blocks\.[1-3].*ff", layer_filter_regex=True) == []
    assert said("mid_block.attentions.0.transformer_blocks.7.attn2") == [], "how many there are, nobody knows"
    assert said("norm1")[0][0] == "warning"
    assert said("norm1", training_method="FINE_TUNE") == []


def test_what_is_kept_in_few_bits_is_chosen_by_patterns_too(workspace: Path) -> None:
    settings: dict[str, Any] = {"quantization": {"layer_filter": "to_q,typo"}, "layer_filter_preset": "full"}
    assert told(workspace, **settings) == []
    ((severity, message),) = told(workspace, **settings, unet={"weight_dtype": "NFLOAT_4"})
    assert (severity, message.startswith("quantization.layer_filter: 'typo' fits no layer")) == ("warning", True)


def test_downloaded_models_tell_their_own_layers(workspace: Path) -> None:
    cached = workspace / "hub" / "models--owner--name" / "snapshots" / "0123"
    cached.mkdir(parents=True)
    (workspace / "model" / "unet").rename(cached / "unet")
    found = told(workspace, layer_filter="attn1", base_model_name="owner/name", huggingface_cache_dir="hub")
    assert [severity for severity, _ in found] == ["error"]


def test_nothing_is_said_where_layers_do_not_count(workspace: Path) -> None:
    assert told(workspace, layer_filter="typo", deep=False) == []
    assert told(workspace, layer_filter="typo", unet={"train": False}) == []
    assert told(workspace, layer_filter="(", layer_filter_regex=True) == []
