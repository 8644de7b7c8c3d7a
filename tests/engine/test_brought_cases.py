"""Trainings that people brought, where they lie beside the checkout: what they asked for is done."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from tests.engine.conftest import Lab, draw_squares, find_backups, start_of
from tests.engine.outcomes import result
from tests.engine.test_families import CASES, make_lab

from onetrainer_web.config.architectures import BASE_KEY
from onetrainer_web.config.enums import ModelType
from onetrainer_web.config.files import config_of_run, parse_config
from onetrainer_web.engine.loop.preparation import prepare
from onetrainer_web.engine.runtime.reporter import Reporter
from onetrainer_web.engine.weights.original_file import COMPONENTS_KEY
from onetrainer_web.protocol.commands import Resume, append_command
from onetrainer_web.protocol.events import Completed, Planned, Saved, Started, Step, Warned, read_events
from onetrainer_web.protocol.run_folder import RunFolder, create_run
from onetrainer_web.protocol.tasks import TrainTask

_CASES = Path(__file__).parents[3] / "shared" / "cases"
_CONTINUED = _CASES / "onetrainer-users" / "14-lora-continued-loses-parts"

pytestmark = pytest.mark.slow
needs_cases = pytest.mark.skipif(not _CASES.is_dir(), reason="the cases (../shared/cases) are not beside this checkout")


def rates(folder: RunFolder) -> dict[int, float]:
    """The learning rate of each step."""
    steps = [event for event in read_events(folder.events) if isinstance(event, Step)]
    return {event.progress.global_step: event.metrics["lr/unet_lora"] for event in steps}


def begun(folder: RunFolder) -> RunFolder:
    """A run of which a trainer process has written that it starts, as the training in this process does not."""
    reporter = Reporter(folder.events)
    reporter.write(Started(pid=1, resume_id=0))
    reporter.close()
    return folder


@needs_cases
@pytest.mark.parametrize("name", ["continue-without-text-encoder", "continue-with-layer-filter"])
def test_a_lora_that_is_trained_further_loses_nothing(name: str, tmp_path: Path) -> None:
    draw_squares(tmp_path / "squares", 2)
    start = _CONTINUED / "lora-unet-and-text-encoder.safetensors"
    asked: dict[str, Any] = json.loads((_CONTINUED / f"{name}.json").read_text(encoding="utf-8"))
    asked |= {"concepts": [{"path": "squares", "seed": 1}], "lora_model_name": str(start), "epochs": 1, "batch_size": 1}
    config = parse_config(asked).config
    folder = create_run(tmp_path / "runs", TrainTask(config=config_of_run(config)), name)
    Lab(tmp_path, tmp_path).train(folder)
    saved = next(event for event in read_events(folder.events) if isinstance(event, Saved) and event.final)
    before, after = load_file(start), load_file(folder.path / saved.path)
    assert after.keys() == before.keys()
    learned = {key for key, tensor in after.items() if not torch.equal(tensor, before[key].to(tensor.dtype))}
    layers = {key for key in learned if key.startswith("lora_unet")}
    assert layers
    assert (learned == layers) == (name == "continue-without-text-encoder")
    assert name != "continue-with-layer-filter" or all("attn1" in key for key in layers)


@pytest.mark.parametrize("scheduler", ["OneCycleLR", "CosineAnnealingLR"])
def test_a_schedule_of_ones_own_goes_on_as_one_of_the_new_length(lab: Lab, scheduler: str) -> None:
    lengths = {"OneCycleLR": "total_steps", "CosineAnnealingLR": "T_max"}
    parameters = {lengths[scheduler]: "%TOTAL_STEPS%", **({"max_lr": "0.001"} if scheduler == "OneCycleLR" else {})}
    settings: dict[str, Any] = {
        "learning_rate_scheduler": "CUSTOM",
        "custom_learning_rate_scheduler": f"torch.optim.lr_scheduler.{scheduler}",
        "scheduler_params": [{"key": key, "value": value} for key, value in parameters.items()],
    }
    folder = lab.train(begun(lab.create(**settings, epochs=2, backup_before_save=True)))
    done = max(rates(folder))
    append_command(folder.commands, Resume(epochs=4))
    process = lab.start(folder)
    process.wait()
    assert isinstance(list(read_events(folder.events))[-1], Completed), folder.log.read_text()
    planned = [event for event in read_events(folder.events) if isinstance(event, Planned)][-1]
    assert (planned.progress.global_step, planned.max_step) == (done, 2 * done)
    whole, longer = rates(lab.train(**settings, epochs=4)), rates(folder)
    assert [longer[step] for step in whole if step > done] == [whole[step] for step in whole if step > done]


def test_a_run_that_is_stopped_and_made_longer_goes_on_where_the_longer_curve_is(lab: Any) -> None:
    settings = {"learning_rate_scheduler": "LINEAR", "learning_rate": 0.001, "epochs": 4}
    stopped = lab.train(begun(lab.create(**settings, backup_after=4, backup_after_unit="STEP")), stop_behind=4)
    append_command(stopped.commands, Resume(epochs=8))
    process = lab.start(stopped)
    process.wait()
    found = rates(stopped)
    assert max(found) == 16
    assert found[5] == pytest.approx(0.00075), "what the old curve has there is 0.0005"


def test_files_of_sdxl_say_what_other_programs_go_by(tmp_path: Path) -> None:
    case = CASES[ModelType.STABLE_DIFFUSION_XL_10_BASE]
    lab = make_lab(tmp_path, case.make(tmp_path / "tiny"), case.model_type)
    whole = {"output_model_format": "ORIGINAL_SINGLE_FILE", "force_v_prediction": True}
    whole |= {"rescale_noise_scheduler_to_zero_terminal_snr": True, "epochs": 1}
    file = result(lab.train(**case.training("FINE_TUNE") | whole))
    tensors = load_file(file)
    assert {"v_pred", "ztsnr"} <= tensors.keys()

    # The file of somebody else has these, and nothing of ours: it is a model that predicts velocity.
    with safe_open(file, "pt") as own:
        told = own.metadata()
    sizes = {name: own for name, own in json.loads(told[COMPONENTS_KEY]).items() if name != "scheduler"}
    others = {COMPONENTS_KEY: json.dumps(sizes), BASE_KEY: str(lab.model)}
    save_file(tensors, tmp_path / "theirs.safetensors", others)
    lora = case.training("LORA", trains_text=True) | {"output_model_format": "KOHYA_LORA", "epochs": 1}
    run = start_of(lab.create(**lora, base_model_name=str(tmp_path / "theirs.safetensors")))
    objective = prepare(run, None).trained.model.objective
    assert objective.prediction == "v_prediction"

    # Programs that show adapters by their base go by these keys.
    with safe_open(result(lab.train(**lora)), "pt") as adapter:
        metadata = adapter.metadata()
    assert metadata["ss_base_model_version"].startswith("sdxl_base_v1")
    assert (metadata["ss_v2"], metadata["ss_network_dim"]) == ("False", "16")


@pytest.mark.parametrize("change", [-2, 2])
def test_pictures_that_came_or_went_change_what_is_still_to_come(tmp_path: Path, lab: Lab, change: int) -> None:
    draw_squares(tmp_path / "datasets" / "own", 4)
    own = Lab(tmp_path, lab.model)
    concepts = [{"path": "datasets/own", "seed": 7}]
    backups = {"backup_after": 12, "backup_after_unit": "STEP"}
    folder = own.create(concepts=concepts, batch_size=1, epochs=5, learning_rate_scheduler="LINEAR", **backups)
    own.train(begun(folder), stop_behind=13)
    for number in range(abs(change)):
        picture = tmp_path / "datasets" / "own" / f"{number}.png"
        picture.unlink() if change < 0 else shutil.copy(picture, picture.with_name(f"new {number}.png"))
    append_command(folder.commands, Resume(backup=find_backups(folder.backups)[0].name))
    process = own.start(folder)
    process.wait()
    events = list(read_events(folder.events))
    assert isinstance(events[-1], Completed), folder.log.read_text()
    plan = [event for event in events if isinstance(event, Planned)][-1]
    last = max(rates(folder))
    assert (plan.max_step, last) == (12 + 2 * (4 + change), last)
    assert last == plan.max_step, "the steps end with the total"
    ending = [rate for step, rate in rates(folder).items() if step > 12]
    assert ending == sorted(ending, reverse=True)
    assert 0 < ending[-1] < ending[0]
    assert any("pictures" in event.message for event in events if isinstance(event, Warned))
