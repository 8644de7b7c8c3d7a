"""What holds for every family: it learns, repeats, resumes, and its files draw the same pictures elsewhere."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from PIL import Image, ImageOps
from safetensors.torch import load_file
from tests.engine.conftest import Lab, config_of, draw_squares, find_backups, start_of
from tests.engine.family_case import SAMPLE, Case, base_mask, base_picture, load_by_pipeline
from tests.engine.outcomes import (
    Picture,
    assert_not_same,
    assert_same_picture,
    assert_same_weights,
    difference,
    losses,
    pictures,
    result,
    validation_losses,
)
from tests.engine.reads import reading
from tests.golden.losses import is_golden

from onetrainer_web.config.checks.support import matters
from onetrainer_web.config.enums import ModelFormat, ModelType, TrainingMethod
from onetrainer_web.config.families import facts
from onetrainer_web.config.fields import fields_by_path
from onetrainer_web.config.model_facts import MODEL_PARTS, Formulation
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.engine.families import FAMILIES
from onetrainer_web.engine.loop.preparation import prepare
from onetrainer_web.engine.loop.trainer import Trainer
from onetrainer_web.engine.runtime.errors import InvalidSettingError, PicturesTooLargeError
from onetrainer_web.engine.seams.interfaces import Model
from onetrainer_web.protocol.run_folder import RunFolder

pytestmark = pytest.mark.slow

CASES: dict[ModelType, Case] = {
    case.model_type: case
    for path in sorted((Path(__file__).parent / "families").glob("*.py"))
    for case in import_module(f"tests.engine.families.{path.stem}").CASES
}
SINGLE_FILE, FINE_TUNE = ModelFormat.ORIGINAL_SINGLE_FILE, TrainingMethod.FINE_TUNE
LAYER_KINDS = (
    ModelType.STABLE_DIFFUSION_21,
    ModelType.FLUX_DEV_1,
    ModelType.WUERSTCHEN_2,
    ModelType.AURA_FLOW,
    ModelType.WAN_21,
)
"""Between them they have all kinds of layers: linear ones, joined, swapped; convolutions, grouped, of three axes."""
NUM_STEPS, BACKUP_BEHIND = 9, 7
ONE_BATCH = {"path": "datasets/squares", "seed": 7, "balancing": 2, "balancing_strategy": "SAMPLES"}
"""Both pictures of each step."""
READ: dict[Path, set[str]] = {}
"""Paths of the settings that a run in `trained` has read."""
AT_TIMES = {f"{part}.train_embedding" for part in MODEL_PARTS} | {
    "samples[].negative_prompt",
    "transformer.guidance_scale",
}
"""Read where there are embeddings, or where a model's files say that its guidance is distilled, or that it is not."""
Training = Callable[[ModelType, str], tuple[Lab, RunFolder]]


def cases(model_types: Iterable[ModelType]) -> pytest.MarkDecorator:
    """A test of some families; all tests of one run in one process, which trains it once."""
    return pytest.mark.parametrize("model_type", [together(name) for name in model_types])


def together(model_type: ModelType, *others: Any) -> Any:
    """A case that runs in the process of its model type."""
    return pytest.param(model_type, *others, marks=pytest.mark.xdist_group(model_type.value))


EACH_FAMILY = cases(CASES)
EACH_METHOD = pytest.mark.parametrize("method", ["LORA", "FINE_TUNE"])


def test_every_family_is_under_test() -> None:
    assert {facts(model_type).family for model_type in CASES} == set(FAMILIES)


def test_a_family_is_loaded_when_it_is_needed() -> None:
    script = (
        "import sys; from onetrainer_web.config.enums import ModelType;"
        "from onetrainer_web.engine.families import family_of; family_of(ModelType.STABLE_DIFFUSION_15);"
        "print('onetrainer_web.engine.families.flux' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[ModelType], Path]:
    """Each tiny model, made once."""
    folder = tmp_path_factory.mktemp("families")

    def model(model_type: ModelType) -> Path:
        path = folder / model_type.value
        return path if path.exists() else CASES[model_type].make(path)

    return model


def make_lab(workspace: Path, model: Path, model_type: ModelType) -> Lab:
    """A workspace with the tiny model of a family."""
    draw_squares(workspace / "datasets" / "squares")
    if facts(model_type).has_reference_input:
        for square in sorted((workspace / "datasets" / "squares").glob("?.png")):
            ImageOps.invert(Image.open(square)).save(square.with_name(f"{square.stem}-condlabel.png"))
    base_picture().save(workspace / "base.png")
    base_mask().save(workspace / "mask.png")
    (workspace / "model").symlink_to(model)
    return Lab(workspace, model, {"model_type": model_type.value})


@pytest.fixture
def family_lab(tmp_path: Path, models: Callable[[ModelType], Path], model_type: ModelType) -> Lab:
    """A fresh workspace, whose runs have one batch an epoch."""
    lab = make_lab(tmp_path, models(model_type), model_type)
    return Lab(lab.workspace, lab.model, {**lab.changes, "concepts": [ONE_BATCH]})


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, models: Callable[[ModelType], Path]) -> Training:
    """The run of a method on a family, made once: one batch by heart, which is measured with the same noise in front of
    the first step and behind the last one; two backups near the end, and one picture there."""

    @cache
    def train(model_type: ModelType, method: str) -> tuple[Lab, RunFolder]:
        lab = make_lab(tmp_path_factory.mktemp("trained"), models(model_type), model_type)
        with reading() as reads:
            folder = lab.train(**settings_of(model_type, method))
        READ[folder.path] = reads.paths
        return lab, folder

    return train


def settings_of(model_type: ModelType, method: str) -> dict[str, Any]:
    """What that run is told."""
    case = CASES[model_type]
    measuring = {"validation": True, "validate_after": NUM_STEPS, "validate_after_unit": "STEP"}
    backup = {"backup_after": BACKUP_BEHIND, "backup_after_unit": "STEP"}
    return {
        **case.training(method, trains_text=True),
        **drawing(case),
        **backup,
        "backup_before_save": True,
        **measuring,
        "epochs": NUM_STEPS,
        "concepts": [ONE_BATCH, {**ONE_BATCH, "type": "VALIDATION"}],
        "lora_alpha": 8,
    }


@EACH_FAMILY
@EACH_METHOD
def test_it_learns_one_batch_by_heart(trained: Training, model_type: ModelType, method: str) -> None:
    folder = trained(model_type, method)[1]
    found = losses(folder)
    assert len(found) == NUM_STEPS
    before, after = validation_losses(folder)
    assert after < 0.97 * before
    assert method != "LORA" or is_golden(model_type.value, found), "see tests/golden/losses.py"


@EACH_FAMILY
@EACH_METHOD
def test_a_resumed_training_is_the_same_bit_for_bit(trained: Training, model_type: ModelType, method: str) -> None:
    lab, whole = trained(model_type, method)
    again = lab.train(backup=find_backups(whole.backups)[0], **settings_of(model_type, method))
    assert losses(again) == losses(whole)[BACKUP_BEHIND:]
    assert_same_weights(again, whole)


@EACH_FAMILY
def test_what_is_offered_for_some_models_only_is_read_by_them(trained: Training, model_type: ModelType) -> None:
    for method in ("LORA", "FINE_TUNE"):
        _, folder = trained(model_type, method)
        assert sorted(offered_by_model(config_of(folder)) - READ[folder.path] - AT_TIMES) == []


def offered_by_model(config: TrainConfig) -> set[str]:
    """Settings of model parts and samples that the page shows for this configuration and not for all models."""
    assert config.samples
    fields = [field for path, field in fields_by_path().items() if path.startswith((*MODEL_PARTS, "samples[]"))]
    some = [field for field in fields if any(when.path == "model_type" for when in field.visible_when)]
    return {field.path for field in some if field.obeyed and matters(field, config.samples[0], config)}


@cases([ModelType.STABLE_DIFFUSION_35, ModelType.AURA_FLOW])
def test_pictures_with_places_that_the_model_does_not_know_are_refused(family_lab: Lab, model_type: ModelType) -> None:
    with pytest.raises(PicturesTooLargeError, match="256x256"):
        family_lab.train(**{**CASES[model_type].training("LORA"), "resolution": "256"})


@EACH_FAMILY
def test_gradient_checkpointing_changes_nothing(trained: Training, model_type: ModelType) -> None:
    lab, whole = trained(model_type, "LORA")
    settings, known = settings_of(model_type, "LORA"), facts(model_type)
    parts = [known.denoiser, *(encoder.part for encoder in known.encoders)]
    saving_memory = {part: {**settings.get(part, {}), "gradient_checkpointing": True} for part in parts}
    short = {"epochs": 2, "backup_before_save": False, "validation": False, "sample_after_unit": "NEVER"}
    saving = losses(lab.train(**{**settings, **saving_memory, **short}))
    assert saving == pytest.approx(losses(whole)[:2], rel=1e-5)


@EACH_FAMILY
def test_a_fine_tuned_model_draws_the_same_in_diffusers(trained: Training, model_type: ModelType) -> None:
    case, (_, folder) = CASES[model_type], trained(model_type, "FINE_TUNE")
    pipeline = case.pipeline.from_pretrained(result(folder))
    drawn = draw_in_diffusers(case, pipeline)
    assert_same_picture(pictures(folder)[-1], drawn)
    # Otherwise a prompt that is encoded wrongly would not show.
    other = draw_in_diffusers(case, pipeline, "many green circles and a dog")
    assert difference(drawn, other) > 2


@cases(name for name in CASES if SINGLE_FILE in facts(name).formats[FINE_TUNE])
def test_a_single_file_draws_the_same_in_diffusers_and_here(trained: Training, model_type: ModelType) -> None:
    case, (lab, folder) = CASES[model_type], trained(model_type, "FINE_TUNE")
    settings = settings_of(model_type, "FINE_TUNE")
    if SINGLE_FILE.value in case.denoiser_only:
        settings |= case.training("FINE_TUNE")
        folder = lab.train(**settings)
    file = lab.write_as(SINGLE_FILE.value, folder, settings)
    assert_same_picture(pictures(lab.draw(**settings | {"base_model_name": str(file)}))[-1], pictures(folder)[-1])
    pipeline = case.pipeline.from_single_file(file, config=str(lab.model), local_files_only=True)
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(case, pipeline))


@pytest.mark.parametrize(
    ("model_type", "model_format"),
    [together(name, known) for name, case in CASES.items() for known in case.adapter_formats],
)
def test_a_lora_draws_the_same_in_diffusers(trained: Training, model_type: ModelType, model_format: str) -> None:
    case, (lab, folder) = CASES[model_type], trained(model_type, "LORA")
    settings = settings_of(model_type, "LORA")
    if model_format in case.denoiser_only:
        settings |= case.training("LORA")
        folder = lab.train(**settings)
    file = lab.write_as(model_format, folder, settings)
    pipeline = case.pipeline.from_pretrained(lab.model)
    assert_not_same(pictures(folder)[-1], draw_in_diffusers(case, pipeline))
    load_by_pipeline(pipeline, file)
    assert_same_picture(pictures(folder)[-1], draw_in_diffusers(case, pipeline))


@cases(LAYER_KINDS)
@pytest.mark.parametrize("kind", [{"peft_type": "OFT_2"}, {"peft_type": "LOKR", "lokr_weight_decompose": True}])
def test_other_kinds_of_adapters_train(family_lab: Lab, model_type: ModelType, kind: dict[str, Any]) -> None:
    found = losses(family_lab.train(**CASES[model_type].training("LORA", trains_text=True), **kind))
    assert np.isfinite(found).all()
    assert len(set(found)) == len(found) > 1


@EACH_FAMILY
def test_embeddings_learn_in_every_text_encoder_and_nothing_else_does(family_lab: Lab, model_type: ModelType) -> None:
    if TrainingMethod.EMBEDDING not in facts(model_type).trained_here:
        pytest.skip("OneTrainer has no embeddings for it")
    say_placeholder(family_lab)
    folder = family_lab.create(**CASES[model_type].training("EMBEDDING"))
    prepared = prepare(start_of(folder), None)
    model, method = prepared.trained.model, prepared.trained.method
    before = weights_of(model)
    assert len(list(Trainer(prepared).steps())) > 1
    assert all(torch.equal(weight, before[name]) for name, weight in weights_of(model).items())
    (embedding,) = model.embeddings.all
    assert embedding.vectors.keys() == {encoder.name for encoder in model.text_encoders(method.family)}
    assert not any(torch.equal(own.inputs, own.initial["inputs"]) for own in embedding.vectors.values())


def say_placeholder(lab: Lab) -> None:
    """Put the placeholder of an embedding into every caption."""
    for caption in (lab.workspace / "datasets" / "squares").glob("*.txt"):
        caption.write_text(f"a picture of <embedding>, {caption.read_text()}")


def weights_of(model: Model) -> dict[str, torch.Tensor]:
    """Copies of all weights of a model."""
    return {f"{part}.{key}": w.clone() for part, network in model.modules() for key, w in network.state_dict().items()}


JOINED = [
    together(name, form)
    for name in CASES
    for form in sorted(facts(name).joined_formats)
    if name is ModelType.FLUX_DEV_1 or form is ModelFormat.COMFY_LORA
]
"""All of one family, and one of each other: what stands where is told in the same way for all formats."""


@pytest.mark.parametrize(("model_type", "model_format"), JOINED)
def test_a_lora_with_joined_layers_goes_on_from_its_file(
    trained: Training, model_type: ModelType, model_format: ModelFormat
) -> None:
    case, (lab, folder) = CASES[model_type], trained(model_type, "LORA")
    settings = settings_of(model_type, "LORA")
    if model_format is ModelFormat.ORIGINAL_LORA:
        settings |= case.training("LORA")
        folder = lab.train(**settings)
    file = lab.write_as(model_format.value, folder, settings)
    assert {
        tensor.shape[0] // 16
        for key, tensor in load_file(file).items()
        if "qkv" in key and ("down" in key or "lora_A" in key)
    } == {3}
    assert_same_picture(pictures(lab.draw(**settings, lora_model_name=str(file)))[-1], pictures(folder)[-1])
    settings |= {"output_model_format": model_format.value, "epochs": 2}
    if model_format is not ModelFormat.COMFY_LORA:
        with pytest.raises(InvalidSettingError, match="joins layers"):
            lab.train(**settings, peft_type="LOKR")
    settings |= {"layer_filter": "to_k,add_q,proj_mlp"}
    some = lab.train(**settings)
    drawn = lab.draw(**settings, lora_model_name=str(result(some)))
    assert_same_picture(pictures(drawn)[-1], pictures(some)[-1])


DENOISER_FILES = [
    together(name, form)
    for name in CASES
    for form in facts(name).formats[FINE_TUNE]
    if facts(name).denoiser in facts(name).overrides
    and (form in (ModelFormat.ORIGINAL_TRANSFORMER, ModelFormat.COMFY_TRANSFORMER) or name is ModelType.FLUX_DEV_1)
    and form is not ModelFormat.DIFFUSERS
]
"""Of one family also under the old name of a format."""


@pytest.mark.parametrize(("model_type", "model_format"), DENOISER_FILES)
def test_a_denoiser_in_one_file_replaces_the_one_of_a_model(
    family_lab: Lab, model_type: ModelType, model_format: ModelFormat
) -> None:
    case, denoiser = CASES[model_type], facts(model_type).denoiser
    settings = {**case.training("FINE_TUNE"), **drawing(case), "output_model_format": model_format.value, "epochs": 1}
    folder = family_lab.train(**{**settings, "learning_rate": 1e-2})
    part = {**settings.get(denoiser, {}), "model_name": str(result(folder))}
    assert_same_picture(pictures(family_lab.draw(**{**settings, denoiser: part}))[-1], pictures(folder)[-1])


def drawing(case: Case) -> dict[str, Any]:
    """One sample behind the last step."""
    return {
        "samples": [{**SAMPLE, **case.sample}],
        "sample_after": 99,
        "sample_after_unit": "EPOCH",
        "sample_image_format": "PNG",
    }


def draw_in_diffusers(case: Case, pipeline: Any, prompt: str = SAMPLE["prompt"]) -> Picture:
    """The sample, drawn by diffusers alone."""
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()  # diffusers leaves a T5 out of a single file as it is trained, with dropout
    pipeline.set_progress_bar_config(disable=True)
    if case.facts.formulation is Formulation.DIFFUSION and not case.own_sampler:
        pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    drawn = pipeline(
        prompt=prompt,
        width=SAMPLE["width"],
        height=SAMPLE["height"],
        num_inference_steps=SAMPLE["diffusion_steps"],
        guidance_scale=SAMPLE["cfg_scale"],
        generator=torch.Generator().manual_seed(5),
        **case.call,
        **({"num_frames": 1, "output_type": "pil"} if case.facts.is_video else {}),
    )
    return np.asarray(drawn.frames[0][0] if case.facts.is_video else drawn.images[0])
