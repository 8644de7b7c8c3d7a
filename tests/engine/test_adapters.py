"""The kinds of adapters beside plain LoRA: they learn, repeat, resume, and their files mean what their formulas say."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from safetensors.torch import load_file, save_file
from tests.engine.conftest import Lab, config_of, draw_squares, find_backups, start_of
from tests.engine.formulas import changed
from tests.engine.outcomes import (
    assert_not_same,
    assert_same_picture,
    assert_same_weights,
    losses,
    pictures,
    result,
    validation_losses,
)
from tests.engine.test_formats import DRAWING, draw_in_diffusers
from tests.engine.tiny_models import LENGTH, WIDTH
from torch import Tensor

from onetrainer_web.engine.loop.loading import load_model
from onetrainer_web.engine.loop.preparation import prepare
from onetrainer_web.engine.runtime.errors import (
    BackupError,
    NothingToTrainError,
    OptimizerSettingsError,
    ScheduleSettingsError,
    WrongAdapterError,
    WrongWeightsError,
)
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.protocol.events import Activity, Warned, read_events
from onetrainer_web.protocol.run_folder import RunFolder

pytestmark = pytest.mark.slow

KINDS: dict[str, dict[str, Any]] = {
    "loha": {"peft_type": "LOHA"},
    "lokr": {"peft_type": "LOKR", "lokr_dim": 2},
    "lokr with everything": {
        "peft_type": "LOKR",
        "lokr_dim": 1,
        "lokr_decompose_both": True,
        "lokr_use_tucker": True,
        "lokr_weight_decompose": True,
    },
    "lokr of whole factors": {"peft_type": "LOKR", "lokr_full_matrix": True, "lokr_decompose_factor": 4},
    "oft": {"peft_type": "OFT_2", "oft_block_size": 4},
    "oft shared and scaled": {"peft_type": "OFT_2", "oft_block_size": 8, "oft_block_share": True, "oft_scaled": True},
    "dora": {"lora_decompose": True},
    "dora by output": {"lora_decompose": True, "lora_decompose_output_axis": True},
    "dora without a guard": {"lora_decompose": True, "lora_decompose_norm_epsilon": False},
}
TRAINING: dict[str, Any] = {
    "training_method": "LORA",
    "learning_rate": 2e-2,
    "lora_rank": 4,
    "lora_alpha": 4,
    "text_encoder": {"train": True},
    "epochs": 4,
}
STYLES = ("KOHYA_LORA", "DIFFUSERS_LORA", "COMFY_LORA")
MAIN_KINDS = ("loha", "lokr", "oft", "dora")
SQUARES = {"path": "datasets/squares", "seed": 7}
WHOLE: dict[str, Any] = {
    **TRAINING,
    **DRAWING,
    "output_model_format": "KOHYA_LORA",
    "dropout_probability": 0.2,
    "unet": {"gradient_checkpointing": True},
    "concepts": [SQUARES, {**SQUARES, "type": "VALIDATION"}],
    "validation": True,
    "validate_after": 8,
    "validate_after_unit": "STEP",
    "backup_after": 3,
    "backup_after_unit": "STEP",
    "backup_before_save": True,
}
"""A run of eight steps, measured with the same noise in front of the first one and behind the last one, where it is
also drawn; with two backups."""
Trained = Callable[[str], tuple[Lab, RunFolder]]


def together(kind: str, *others: str) -> Any:
    """A case that runs in the process of its kind, which trains it once."""
    return pytest.param(kind, *others, marks=pytest.mark.xdist_group(kind))


EACH_KIND = pytest.mark.parametrize("kind", [together(kind) for kind in KINDS])
EACH_MAIN_KIND = pytest.mark.parametrize("kind", [together(kind) for kind in MAIN_KINDS])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Trained:
    """The whole run of a kind, or of a plain LoRA; made once."""

    @cache
    def train(kind: str) -> tuple[Lab, RunFolder]:
        lab = Lab(tmp_path_factory.mktemp("trained"), tiny_model)
        draw_squares(lab.workspace / "datasets" / "squares")
        return lab, lab.train(**{**WHOLE, **KINDS.get(kind, {})})

    return train


@EACH_MAIN_KIND
def test_it_learns_pictures_by_heart(trained: Trained, kind: str) -> None:
    before, after = validation_losses(trained(kind)[1])
    assert after < 0.95 * before


@EACH_KIND
def test_it_changes_nothing_before_it_has_learned(trained: Trained, kind: str) -> None:
    own, plain = (validation_losses(trained(name)[1])[0] for name in (kind, "lora"))
    assert own == pytest.approx(plain, rel=1e-4)


@EACH_KIND
def test_a_resumed_training_is_the_same_bit_for_bit(trained: Trained, kind: str) -> None:
    lab, whole = trained(kind)
    again = lab.train(backup=find_backups(whole.backups)[0], **{**WHOLE, **KINDS[kind]})
    assert losses(again) == losses(whole)[3:]
    assert_same_weights(again, whole)


@EACH_MAIN_KIND
def test_it_trains_in_half_precision(lab: Lab, kind: str) -> None:
    unet = {"weight_dtype": "BFLOAT_16", "gradient_checkpointing": False}
    found = losses(lab.train(**{**TRAINING, **KINDS[kind], "epochs": 1, "unet": unet, "train_dtype": "BFLOAT_16"}))
    assert np.isfinite(found).all()


@EACH_KIND
def test_without_it_the_model_is_as_it_was(trained: Trained, kind: str) -> None:
    lab, whole = trained(kind)
    folder = lab.create(**{**TRAINING, **KINDS[kind]}, lora_model_name=str(result(whole)))
    continued = prepare(start_of(folder), None).trained
    pristine = UNet2DConditionModel.from_pretrained(lab.model, subfolder="unet")
    inputs = (torch.randn(1, 4, 8, 8), torch.tensor([10]), torch.randn(1, LENGTH, WIDTH))
    expected = pristine(*inputs).sample
    unet = continued.model.components["unet"]
    learning = [weight.requires_grad for weight in unet.parameters()]
    assert not torch.allclose(unet(*inputs).sample, expected, atol=1e-4)
    with continued.method.untrained():
        assert torch.equal(unet(*inputs).sample, expected)
    assert [weight.requires_grad for weight in unet.parameters()] == learning


@EACH_KIND
def test_a_file_means_what_its_formula_says(trained: Trained, kind: str) -> None:
    lab, folder = trained(kind)
    pipeline = StableDiffusionPipeline.from_pretrained(lab.model)
    assert_not_same(pictures(folder)[-1], draw_in_diffusers(pipeline))
    apply_by_formula(pipeline, load_file(result(folder)))
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(pipeline))


@pytest.mark.parametrize(("kind", "model_format"), [together(kind, STYLES[n % 3]) for n, kind in enumerate(KINDS)])
def test_it_goes_on_from_a_file(trained: Trained, kind: str, model_format: str) -> None:
    (lab, folder), settings = trained(kind), {**WHOLE, **KINDS[kind]}
    file = lab.write_as(model_format, folder, settings)
    drawn = lab.draw(**settings | {"lora_model_name": str(file), "lora_alpha": 2})
    assert_same_picture(pictures(folder)[-1], pictures(drawn)[-1])


@pytest.mark.xdist_group("dora by output")
def test_diffusers_draws_with_lengths_by_output(trained: Trained) -> None:
    """It leaves `dora_scale` out of kohya's files, and knows no lengths by input."""
    lab, folder = trained("dora by output")
    pipeline = StableDiffusionPipeline.from_pretrained(lab.model)
    file = lab.write_as("DIFFUSERS_LORA", folder, {**WHOLE, **KINDS["dora by output"]})
    pipeline.load_lora_weights(str(file))
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(pipeline))


@pytest.mark.parametrize("kind", [together("dora"), together("dora by output")])
def test_a_lora_without_lengths_of_its_own_becomes_a_dora(trained: Trained, kind: str) -> None:
    lab, folder = trained("lora")
    drawn = lab.draw(**{**WHOLE, **KINDS[kind], "lora_model_name": str(result(folder))})
    assert_same_picture(pictures(folder)[-1], pictures(drawn)[-1])


@pytest.mark.parametrize(
    ("kind", "said"), [together("loha", "holds a LoHa, not a LoRA"), together("dora", "holds a DoRA")]
)
def test_a_file_of_another_kind_is_refused_by_its_name(trained: Trained, kind: str, said: str) -> None:
    lab, folder = trained(kind)
    with pytest.raises(WrongAdapterError, match=said):
        lab.train(**TRAINING, lora_model_name=str(result(folder)))


@pytest.mark.parametrize("kind", [together("dora"), together("lokr")])
def test_what_does_not_train_further_stays_in_the_result_in_samples_and_over_a_resume(
    trained: Trained, kind: str, tmp_path: Path
) -> None:
    lab, first = trained(kind)
    begun = load_file(result(first)) | {"bundle_emb.<cat>.clip_l": torch.ones(1, 4)}
    save_file(begun, file := tmp_path / "begun.safetensors")
    again = {**TRAINING, **KINDS[kind], "output_model_format": "KOHYA_LORA", "lora_model_name": str(file)}
    again |= {"layer_filter": "attn1", "dropout_probability": 0.1, "text_encoder": {"train": False}}
    again |= {"backup_after": 3, "backup_after_unit": "STEP"}
    assert_same_picture(pictures(first)[-1], pictures(lab.draw(**again | DRAWING))[-1])
    second = lab.train(**again)
    ended = load_file(result(second))
    assert ended.keys() == begun.keys()
    learned = {key for key in begun if not torch.allclose(begun[key], ended[key], rtol=1e-5)}
    assert learned == {key for key in learned if "attn1" in key}
    assert len(learned) > 10
    # Prompts are encoded with what the file does to the text encoder, and not kept for runs without it.
    assert losses(second) != losses(lab.train(**{**again, "lora_model_name": ""}))

    file.unlink()
    resumed = lab.train(backup=find_backups(second.backups)[0], **again)
    assert losses(second)[-len(losses(resumed)) :] == losses(resumed)
    assert all(torch.equal(ended[key], tensor) for key, tensor in load_file(result(resumed)).items())
    with pytest.raises(BackupError, match="other trained parts"):
        lab.train(backup=find_backups(second.backups)[0], **{**again, "layer_filter": "attn1.to_k"})


def test_what_of_a_file_cannot_be_used_is_named(trained: Trained, tmp_path: Path) -> None:
    lab, folder = trained("lora")
    tensors, file = load_file(result(folder)), tmp_path / "lora.safetensors"
    foreign = {"lora_unet_no_such_block.lora_down.weight": torch.ones(4, 4)}
    save_file(tensors | foreign, file)
    said = [
        event.message
        for event in read_events(lab.train(**TRAINING, lora_model_name=str(file)).events)
        if isinstance(event, Warned)
    ]
    assert [message.startswith("1 of ") and "will be missing" in message for message in said] == [True]

    lost = next(key for key in tensors if key.endswith("lora_up.weight"))
    save_file({key: tensor for key, tensor in tensors.items() if key != lost}, file)
    with pytest.raises(WrongWeightsError, match=r"lora_down.weight and no lora_up.weight for the layer"):
        lab.train(**TRAINING, lora_model_name=str(file))


@EACH_MAIN_KIND
def test_the_layer_filter_chooses(lab: Lab, kind: str) -> None:
    settings = {**TRAINING, **KINDS[kind], "epochs": 1, "text_encoder": {"train": False}}
    folder = lab.train(**settings, layer_filter="attn1,typo")
    keys = load_file(result(folder)).keys()
    assert keys
    assert all("attn1" in key for key in keys)
    (said,) = [event.message for event in read_events(folder.events) if isinstance(event, Warned)]
    assert said.startswith("layer_filter: 'typo' fits no layer of the model.")


def test_the_name_of_a_layer_preset_is_enough_and_what_fits_nothing_is_refused_before_encoding(lab: Lab) -> None:
    settings = {**TRAINING, "epochs": 1, "text_encoder": {"train": False}}
    folder = lab.train(**settings, layer_filter_preset="attn-only")
    assert not [event for event in read_events(folder.events) if isinstance(event, Warned)]
    keys = load_file(result(folder)).keys()
    assert keys
    assert all("attn" in key for key in keys)
    unfinished = {"custom_learning_rate_scheduler": "torch.optim.lr_scheduler.StepLR"}
    refusals: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"layer_filter": "typo"}, NothingToTrainError),
        ({"lora_rank": 8}, WrongAdapterError),
        ({"learning_rate_scheduler": "CUSTOM", **unfinished}, ScheduleSettingsError),
        ({"optimizer": {"optimizer": "ADAMW", "beta1": 2}}, OptimizerSettingsError),
    ]
    for wrong, error in refusals:
        refused = lab.create(**{**settings, "lora_model_name": str(result(folder)), "layer_filter": "attn", **wrong})
        with pytest.raises(error):
            lab.train(refused)
        said = [event.doing for event in read_events(refused.events) if isinstance(event, Activity)]
        assert not [text for text in said if "encoding" in text]
        assert bool(said) == (error is not WrongAdapterError)


def test_the_layer_filter_chooses_for_fine_tuning_too(lab: Lab) -> None:
    settings = {"training_method": "FINE_TUNE", "output_model_format": "DIFFUSERS", "text_encoder": {"train": True}}
    folder = lab.create(**settings, layer_filter_preset="attn-only")
    config = config_of(folder)
    loaded = load_model(config, lab.workspace.joinpath, Reporter(folder.events))
    unet, encoder = (group.parameters for group in loaded.groups)
    assert unet
    assert all("attn" in name for name in unet)
    learning = {name for name, weight in loaded.model.module("unet").named_parameters() if weight.requires_grad}
    assert {f"unet.{name}" for name in learning} == unet.keys()
    assert len(encoder) == len(list(loaded.model.module("text_encoder").parameters()))


def apply_by_formula(pipeline: Any, tensors: dict[str, Tensor]) -> None:
    """Change the weights of a pipeline as a kohya file says, by the formulas of the papers and of LyCORIS."""
    for prefix, network in (("lora_unet", pipeline.unet), ("lora_te_text_model", pipeline.text_encoder)):
        for name, layer in network.named_modules():
            key = f"{prefix}_{name.replace('.', '_')}."
            own = {other.removeprefix(key): tensor for other, tensor in tensors.items() if other.startswith(key)}
            if own:
                with torch.no_grad():
                    layer.weight.copy_(changed(layer.weight, own))


@pytest.mark.xdist_group("oft shared and scaled")
def test_saved_sizes_are_those_of_the_settings(trained: Trained) -> None:
    shared = load_file(result(trained("oft shared and scaled")[1]))
    name = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k.oft_R.weight"
    assert shared[name].shape == (1, 8 * 7 // 2)
    whole = load_file(result(trained("lokr of whole factors")[1]))
    assert {name.rpartition(".")[2] for name in whole} == {"lokr_w1", "lokr_w2", "alpha"}
