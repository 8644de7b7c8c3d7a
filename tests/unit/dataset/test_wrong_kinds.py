"""What is no text, no picture, no file or no folder where a configuration names one is told before a start."""

import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.captions import read_captions
from onetrainer_web.dataset.validation import validate_with_pictures


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """One captioned picture, and files and folders of every kind."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.effect_noise((64, 64), 60).convert("RGB").save(pictures / "a.png")
    (pictures / "a.txt").write_text("red glim, round, small")
    picture = (pictures / "a.png").read_bytes()
    kinds = {"picture": picture, "zeros": bytes(4000), "any": bytes(range(256)) * 20, "empty": b"", "text": b"a cat\n"}
    for name, data in kinds.items():
        for ending in ("txt", "csv", "png", "safetensors"):
            (tmp_path / f"{name}.{ending}").write_bytes(data)
    (tmp_path / "folder").mkdir()
    return tmp_path


def told(workspace: Path, concept: dict[str, Any] | None = None, **settings: Any) -> dict[str, str]:
    """What the check before a start says, by the setting that it is about."""
    data = {
        "training_method": "LORA",
        "base_model_name": "tiny",
        "resolution": "64",
        "concepts": [{"path": "pictures", **(concept or {})}],
    }
    found = validate_with_pictures(TrainConfig.model_validate({**data, **settings}), workspace, deep=True)
    return {issue.path: f"{issue.severity}: {issue.message}" for issue in found.issues}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *(("picture.txt", "it is a picture"), ("picture.csv", "it is a picture")),
        *(("zeros.txt", "it is no text"), ("any.csv", "it is no text"), ("folder.txt", "it is no regular file")),
    ],
)
def test_a_prompt_file_or_a_list_of_tags_is_a_text(workspace: Path, name: str, reason: str) -> None:
    (workspace / "folder.txt").mkdir()
    prompts = {"text": {"prompt_source": "concept", "prompt_path": name}}
    reason_of_prompts = "is a folder" if name == "folder.txt" else f"({reason})"
    assert reason_of_prompts in told(workspace, prompts)["concepts.0.text.prompt_path"]
    tags = {"tag_dropout_enable": True, "tag_dropout_special_tags_mode": "WHITELIST", "tag_dropout_special_tags": name}
    found = told(workspace, {"text": tags})["concepts.0.text.tag_dropout_special_tags"]
    assert found.startswith("error")
    assert reason in found


def test_a_caption_that_is_no_text_is_named_and_empty(workspace: Path) -> None:
    os.replace(workspace / "picture.txt", workspace / "pictures" / "a.txt")
    assert "a.txt cannot be read (it is a picture); the caption is empty" in told(workspace)["concepts.0.path"]
    for text in (
        "BMW in a garage",
        "GIF89a, blue",
        "a\x00b",
        "ein Hütchen",
        "猫" * 200,
    ):  # begin or look odd, but are texts
        for encoding in ("utf-8", "utf-16"):
            (workspace / "odd.txt").write_bytes(text.encode(encoding))
            assert read_captions(workspace / "odd.txt").prompts == (text.strip(),)


def test_what_is_said_of_tags_that_are_not_apart(workspace: Path) -> None:
    def of_tags(**text: Any) -> str:
        return told(workspace, {"text": text}).get("concepts.0.text.tag_delimiter", "")

    assert of_tags(enable_tag_shuffling=True) == ""
    assert "1 tag at most while the tag delimiter is empty" in of_tags(enable_tag_shuffling=True, tag_delimiter="")
    assert "apart by ';'" in of_tags(tag_dropout_enable=True, tag_dropout_probability=0.5, tag_delimiter=";")
    assert "the first 2 stay" in of_tags(enable_tag_shuffling=True, keep_tags_count=2)
    assert of_tags(tag_delimiter="") == "", "nothing is done with tags"


@pytest.mark.parametrize(
    ("settings", "path", "message"),
    [
        ({"cache_dir": "text.txt"}, "cache_dir", "is a file"),
        ({"workspace_dir": "text.txt/below"}, "workspace_dir", "is a file"),
        ({"huggingface_cache_dir": "text.txt"}, "huggingface_cache_dir", "is a file"),
        ({"output_model_destination": "text.txt/lora"}, "output_model_destination", "is a file"),
        (
            {
                "output_model_destination": "text.txt",
                "output_model_format": "DIFFUSERS",
                "training_method": "FINE_TUNE",
            },
            "output_model_destination",
            "is a file",
        ),
        ({"lora_model_name": "folder"}, "lora_model_name", "so it is no backup"),
        ({"lora_model_name": "empty.safetensors"}, "lora_model_name", "its header is damaged"),
        ({"vae": {"model_name": "folder"}}, "vae.model_name", "so it holds no model"),
        (
            {"training_method": "EMBEDDING", "embedding": {"model_name": "folder"}},
            "embedding.model_name",
            "without embeddings, so it is no backup",
        ),
        (
            {"additional_embeddings": [{"placeholder": "<a>", "model_name": "folder"}]},
            "additional_embeddings.0.model_name",
            "without embeddings, so it is no backup",
        ),
        *(
            (
                {
                    "samples": [
                        {"sample_inpainting": True, "base_image_path": "pictures/a.png", "mask_image_path": name}
                    ]
                },
                "samples.0.mask_image_path",
                f"Sample 1 cannot be drawn: {name} {reason}",
            )
            for name, reason in {
                "text.png": "is not a picture",
                "empty.png": "is empty",
                "folder": "is no ordinary file",
                "none.png": "does not exist",
            }.items()
        ),
    ],
)
def test_files_and_folders_are_told_apart(workspace: Path, settings: dict[str, Any], path: str, message: str) -> None:
    assert message in told(workspace, **settings)[path]


def test_what_is_of_the_right_kind_is_not_complained_of(workspace: Path) -> None:
    fine: list[dict[str, Any]] = [
        {"cache_dir": "folder", "workspace_dir": "folder/new", "output_model_destination": "folder"},
        {"output_model_destination": "text.safetensors"},
        {"samples": [{"sample_inpainting": True, "base_image_path": "pictures/a.png", "enabled": True}]},
        {"samples": [{"base_image_path": "text.txt"}]},
    ]
    for settings in fine:
        assert (
            not {"cache_dir", "workspace_dir", "output_model_destination", "samples.0.base_image_path"}
            & told(workspace, **settings).keys()
        )
