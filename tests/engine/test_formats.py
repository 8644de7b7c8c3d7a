"""Saved files load in diffusers' own pipelines, and in this trainer, and draw the same picture."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tests.engine.conftest import Lab, find_backups
from tests.engine.outcomes import Picture, assert_same_picture, pictures, result

from onetrainer_web.config.architectures import BASE_KEY
from onetrainer_web.config.checks.adapter_file import ADAPTER_IN_BACKUP
from onetrainer_web.engine.runtime.errors import (
    ModelNotFoundError,
    PickleRefusedError,
    WrongAdapterError,
    WrongWeightsError,
)
from onetrainer_web.engine.weights.adapter import Adapter
from onetrainer_web.engine.weights.files import write_tensors
from onetrainer_web.engine.weights.original_file import COMPONENTS_KEY
from onetrainer_web.protocol.events import Saved, Warned, read_events

SAMPLE: dict[str, Any] = {
    "prompt": "a red square",
    "negative_prompt": "blue",
    "width": 32,
    "height": 16,
    "seed": 5,
    "diffusion_steps": 3,
    "cfg_scale": 4.0,
    "noise_scheduler": "DDIM",
}
DRAWING = {"samples": [SAMPLE], "sample_after": 99, "sample_after_unit": "EPOCH", "sample_image_format": "PNG"}
STRONG_LORA = {
    "training_method": "LORA",
    "learning_rate": 3e-2,
    "lora_alpha": 8,
    "text_encoder": {"train": True},
    "epochs": 4,
}
FINE_TUNE = {"training_method": "FINE_TUNE", "learning_rate": 1e-3, "text_encoder": {"train": True}, "epochs": 4}


def draw_in_diffusers(
    pipeline: Any, prompt: str | None = SAMPLE["prompt"], size: tuple[int, int] = (32, 16), **told: Any
) -> Picture:
    """The sample, drawn by diffusers alone."""
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    drawn = pipeline(
        prompt,
        negative_prompt=SAMPLE["negative_prompt"],
        width=size[0],
        height=size[1],
        **told,
        num_inference_steps=SAMPLE["diffusion_steps"],
        guidance_scale=SAMPLE["cfg_scale"],
        generator=torch.Generator().manual_seed(5),
    )
    return np.asarray(drawn.images[0])


def draw_here(lab: Lab, **settings: Any) -> Picture:
    """The sample, drawn with a saved file."""
    changes = {**DRAWING, "text_encoder": {"train": True}, "lora_alpha": 8, **settings}
    return pictures(lab.draw(**changes))[0]


@pytest.mark.parametrize("model_format", ["KOHYA_LORA", "DIFFUSERS_LORA", "ORIGINAL_LORA", "COMFY_LORA"])
def test_a_lora_draws_the_same_in_diffusers_and_here(lab: Lab, model_format: str) -> None:
    encoder = {"text_encoder": {"train": model_format != "ORIGINAL_LORA"}}
    folder = lab.train(**{**STRONG_LORA, **DRAWING, **encoder}, output_model_format=model_format)
    before, after = pictures(folder)[0], pictures(folder)[-1]
    assert np.abs(before.astype(int) - after.astype(int)).max() > 8
    assert_same_picture(after, draw_here(lab, lora_model_name=str(result(folder)), **encoder))
    pipeline = StableDiffusionPipeline.from_pretrained(lab.model)
    if model_format in ("KOHYA_LORA", "DIFFUSERS_LORA"):
        pipeline.load_lora_weights(str(result(folder)))
        assert_same_picture(after, draw_in_diffusers(pipeline))


def test_kohya_keys_are_those_of_the_original_scripts(lab: Lab) -> None:
    file = result(lab.train(epochs=1, text_encoder={"train": True}, output_dtype="FLOAT_16"))
    tensors = load_file(file)
    assert {
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k.alpha",
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_down.weight",
        "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight",
        "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight",
    } <= tensors.keys()
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}


def metadata_of(file: Path) -> dict[str, str]:
    """What a file says about itself."""
    with safe_open(file, "pt") as opened:
        return opened.metadata()


def test_a_lora_says_what_model_browsers_show_and_nothing_private(lab: Lab) -> None:
    for number, words in enumerate(("cat", "dog")):
        (lab.workspace / "datasets" / "squares" / f"{number}.txt").write_text(f"sks, {words}, on grass")
    only = [{"path": "datasets/squares", "name": "pets", "image": {}, "text": {}}]
    for path in sorted((lab.workspace / "datasets" / "squares").glob("*.png"))[2:]:
        path.unlink()
    file = result(
        lab.train(epochs=1, training_method="LORA", lora_rank=4, lora_alpha=2, resolution="32", concepts=only)
    )
    found = metadata_of(file)
    assert found["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert found["modelspec.prediction_type"] == "epsilon"
    assert found["modelspec.resolution"] == "32x32"
    assert found["modelspec.title"] == "test"
    assert found["modelspec.trigger_phrase"] == "sks, on grass"
    assert found["modelspec.tags"].startswith("sks, on grass")
    expected = {
        "ss_output_name": file.stem,
        "ss_base_model_version": "sd_v1",
        "ss_v2": "False",
        "ss_network_module": "networks.lora",
        "ss_network_dim": "4",
        "ss_network_alpha": "2.0",
        "ss_num_epochs": "1",
        "ss_epoch": "1",
        "ss_num_train_images": "2",
    }
    assert {key: found[key] for key in expected} == expected
    assert json.loads(found["ss_tag_frequency"]) == {"pets": {"sks": 2, "on grass": 2, "cat": 1, "dog": 1}}
    assert not any(str(lab.workspace) in value or str(lab.model) in value for value in found.values())
    plain = metadata_of(result(lab.train(epochs=1, describe_output=False)))
    assert plain == {"format": "pt"}


def test_the_hash_is_that_of_the_bytes_behind_the_header(tmp_path: Path) -> None:
    tensors = {
        "a": torch.randn(3, dtype=torch.bfloat16),
        "b": torch.randn(2),
        "c": torch.ones(2, dtype=torch.uint8),
        "d": torch.randn(2, dtype=torch.float16),
        "e": torch.empty(0),
    }
    write_tensors(tmp_path / "mixed.safetensors", tensors, {"modelspec.sai_model_spec": "1.0.1"})
    raw = (tmp_path / "mixed.safetensors").read_bytes()
    data = raw[8 + int.from_bytes(raw[:8], "little") :]
    found = metadata_of(tmp_path / "mixed.safetensors")["modelspec.hash_sha256"]
    assert found == f"0x{hashlib.sha256(data).hexdigest()}"


def test_what_a_single_file_predicts_is_marked_and_read_from_the_marks(lab: Lab) -> None:
    settings = {**FINE_TUNE, "epochs": 1, "output_model_format": "ORIGINAL_SINGLE_FILE"}
    plain = result(lab.train(**settings))
    assert not {"v_pred", "ztsnr"} & load_file(plain).keys()
    file = result(lab.train(**settings, rescale_noise_scheduler_to_zero_terminal_snr=True))
    tensors, found = load_file(file), metadata_of(file)
    assert {"v_pred", "ztsnr"} <= tensors.keys()
    assert found["modelspec.prediction_type"] == "v"
    # As somebody else's file, which has no settings of ours:
    sizes = {name: own for name, own in json.loads(found[COMPONENTS_KEY]).items() if name != "scheduler"}
    save_file(
        tensors, lab.workspace / "other.safetensors", {COMPONENTS_KEY: json.dumps(sizes), BASE_KEY: str(lab.model)}
    )
    again = result(lab.train(**settings, base_model_name="other.safetensors"))
    assert {"v_pred", "ztsnr"} <= load_file(again).keys()


def test_original_keys_are_those_of_the_first_implementation(lab: Lab) -> None:
    tensors = load_file(result(lab.train(epochs=1, output_model_format="ORIGINAL_LORA")))
    assert {
        "input_blocks.1.1.transformer_blocks.0.attn1.to_k.lora_A.weight",
        "middle_block.1.proj_in.lora_B.weight",
        "output_blocks.3.1.transformer_blocks.0.ff.net.0.proj.lora_A.weight",
        "time_embed.0.lora_A.weight",
        "input_blocks.2.0.op.lora_A.weight",
        "output_blocks.1.1.conv.lora_A.weight",
        "out.2.lora_A.weight",
    } <= tensors.keys()


def test_what_a_format_cannot_hold_is_saved_as_it_was_trained(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(adapters: Mapping[str, Adapter], *_: object) -> None:
        if not any(weight.is_meta for own in adapters.values() for weight in own.weights.values()):  # not at the start
            raise KeyError("lora_down.weight")

    monkeypatch.setattr("onetrainer_web.engine.methods.lora.to_format", refuse)
    folder = lab.train(**STRONG_LORA, backup_before_save=True)
    warned = [event.message for event in read_events(folder.events) if isinstance(event, Warned)]
    assert any("cannot be written as KOHYA_LORA" in message for message in warned)
    kept = load_file(find_backups(folder.backups)[0] / ADAPTER_IN_BACKUP)
    assert load_file(result(folder)).keys() == kept.keys()


@pytest.mark.parametrize("model_format", ["DIFFUSERS", "ORIGINAL_SINGLE_FILE"])
def test_a_fine_tuned_model_draws_the_same_in_diffusers_and_here(lab: Lab, model_format: str) -> None:
    folder = lab.train(**{**FINE_TUNE, **DRAWING}, output_model_format=model_format)
    before, after = pictures(folder)[0], pictures(folder)[-1]
    assert np.abs(before.astype(int) - after.astype(int)).max() > 8
    assert_same_picture(after, draw_here(lab, training_method="FINE_TUNE", output_model_format="DIFFUSERS",
                                         base_model_name=str(result(folder))))  # fmt: skip
    if model_format == "DIFFUSERS":
        pipeline = StableDiffusionPipeline.from_pretrained(result(folder))
    else:
        pipeline = StableDiffusionPipeline.from_single_file(
            result(folder), config=str(lab.model), local_files_only=True, safety_checker=None
        )
    assert_same_picture(after, draw_in_diffusers(pipeline))


def test_a_backup_of_a_fine_tuning_is_a_base_model(lab: Lab) -> None:
    folder = lab.train(**FINE_TUNE, output_model_format="DIFFUSERS", backup_before_save=True)
    backup = next(folder.backups.iterdir())
    own = load_file(backup / "unet" / "diffusion_pytorch_model.safetensors")
    saved = load_file(result(folder) / "unet" / "diffusion_pytorch_model.safetensors")
    assert all(torch.equal(own[name], saved[name]) for name in own)
    assert lab.train(base_model_name=str(backup), epochs=1)


def test_a_lora_goes_on_from_a_file_of_another_alpha(lab: Lab) -> None:
    folder = lab.train(**{**STRONG_LORA, **DRAWING}, output_model_format="KOHYA_LORA")
    drawn = draw_here(lab, lora_model_name=str(result(folder)), lora_alpha=2)
    assert_same_picture(pictures(folder)[-1], drawn)


@pytest.mark.filterwarnings("ignore:The `local_dir_use_symlinks`")  # huggingface_hub, said by diffusers
def test_files_that_are_something_else_are_refused_with_what_was_found(lab: Lab) -> None:
    wrong = lab.workspace / "wrong.safetensors"
    save_file({"something.weight": torch.zeros(2)}, wrong)
    with pytest.raises(WrongWeightsError, match=r"something\.weight"):
        lab.train(base_model_name=str(wrong))
    with pytest.raises(WrongAdapterError, match=r"wrong\.safetensors holds no adapter"):
        lab.train(lora_model_name=str(wrong))
    with pytest.raises(WrongWeightsError, match=r"model_index\.json"):
        lab.train(base_model_name=str(lab.workspace))
    with pytest.raises(WrongWeightsError, match="a StableDiffusionPipeline without text_encoder_2"):
        lab.train(model_type="STABLE_DIFFUSION_XL_10_BASE")
    with pytest.raises(WrongWeightsError, match=r"one file, but a folder in diffusers format \(AutoencoderKL\)"):
        lab.train(vae={"model_name": str(wrong)})
    with pytest.raises(ModelNotFoundError, match="nowhere"):
        lab.train(base_model_name="nowhere to be found")
    with pytest.raises(ModelNotFoundError):
        lab.train(base_model_name="nobody/nothing", offline_mode=True)


def test_a_lora_goes_on_from_a_backup_by_hand(lab: Lab) -> None:
    folder = lab.train(**{**STRONG_LORA, **DRAWING}, backup_before_save=True)
    drawn = draw_here(lab, lora_model_name=str(next(folder.backups.iterdir())))
    assert_same_picture(pictures(folder)[-1], drawn)


def test_a_pickle_is_read_only_where_it_is_allowed(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = lab.train(**{**FINE_TUNE, **DRAWING}, output_model_format="ORIGINAL_SINGLE_FILE")
    settings = {**FINE_TUNE, **DRAWING, "output_model_format": "DIFFUSERS"}
    torch.save({"state_dict": load_file(result(folder)), "global_step": 1}, lab.workspace / "old.ckpt")
    with pytest.raises(PickleRefusedError, match="ONETRAINER_WEB_ALLOW_PICKLE"):
        lab.train(base_model_name="old.ckpt", **settings)
    monkeypatch.setenv("ONETRAINER_WEB_ALLOW_PICKLE", "1")
    with pytest.raises(
        WrongWeightsError, match="another size"
    ):  # it has no settings, so it counts as the published one
        lab.train(base_model_name="old.ckpt", **settings)
    (lab.workspace / "bad.ckpt").write_bytes(pickle.dumps({"state_dict": Path}))
    with pytest.raises(WrongWeightsError, match="no readable weights"):
        lab.train(base_model_name="bad.ckpt", **settings)


def test_the_text_encoder_of_a_folder_has_the_names_of_published_files(lab: Lab) -> None:
    folder = lab.train(training_method="FINE_TUNE", output_model_format="DIFFUSERS", epochs=1)
    saved = next(folder.path / e.path for e in read_events(folder.events) if isinstance(e, Saved) and e.final)
    names = load_file(saved / "text_encoder" / "model.safetensors").keys()
    assert "text_model.embeddings.token_embedding.weight" in names
    assert all(name.startswith("text_model.") for name in names)
