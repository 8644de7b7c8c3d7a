"""Training of a tiny Stable Diffusion in this process: learning, repeating, resuming, and what goes wrong."""

import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tests.engine.conftest import Lab, find_backups, start_of
from tests.engine.outcomes import assert_same_weights, events, losses, result, validation_losses
from tests.golden.losses import METHODS, NUM_EPOCHS, RUNS, is_golden

from onetrainer_web.config.recurring import Doing
from onetrainer_web.engine.loop.resuming import choose_backup
from onetrainer_web.engine.runtime.errors import (
    InvalidSettingError,
    LossNotFiniteError,
    NothingToTrainError,
    OutputExistsError,
    OutputNotWrittenError,
    UnsupportedSettingError,
)
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.protocol.commands import Resume, Sample, append_command
from onetrainer_web.protocol.events import (
    Activity,
    BackedUp,
    Completed,
    Estimated,
    Metrics,
    Planned,
    SampleDrawn,
    SamplesDone,
    Saved,
    Skipped,
    Step,
    Warned,
)
from onetrainer_web.protocol.run_folder import RunFolder
from onetrainer_web.protocol.state import fold_events

ONE_BATCH = {"path": "datasets/squares", "seed": 7, "balancing": 2, "balancing_strategy": "SAMPLES"}


def weights_of(folder: RunFolder) -> list[torch.Tensor]:
    """The weights of the LoRA that a run has made."""
    return list(load_file(result(folder)).values())


def tensorboard_tags(folder: RunFolder) -> set[str]:
    """What TensorBoard's own reader finds in the event files of a run."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    files = folder.tensorboard.rglob("events*")
    return {value.tag for file in files for event in EventFileLoader(str(file)).Load() for value in event.summary.value}


@pytest.mark.parametrize("method", METHODS)
def test_the_loss_falls(lab: Lab, method: str) -> None:
    measuring = {"validation": True, "validate_after": 10, "validate_after_unit": "STEP"}
    concepts = [ONE_BATCH, {**ONE_BATCH, "type": "VALIDATION"}]
    folder = lab.train(epochs=10, concepts=concepts, **measuring, **METHODS[method])
    before, after = validation_losses(folder)
    assert len(losses(folder)) == 10
    assert after < 0.9 * before


@pytest.mark.parametrize("method", METHODS)
def test_two_fresh_runs_are_equal_bit_for_bit(lab: Lab, method: str) -> None:
    settings = {**METHODS[method], "text_encoder": {"train": True}, "dropout_probability": 0.1}
    first, second = lab.train(**settings), lab.train(**settings)
    assert losses(first) == losses(second)
    assert_same_weights(first, second)


@pytest.mark.parametrize("name", RUNS)
def test_a_resumed_training_is_the_same_bit_for_bit(lab: Lab, name: str) -> None:
    settings = {**RUNS[name], "epochs": NUM_EPOCHS, "backup_after": 5, "backup_after_unit": "STEP"}
    whole = lab.train(**settings)
    assert is_golden(name, losses(whole)), "see tests/golden/losses.py"
    steps_of_whole = [event for event in events(whole) if isinstance(event, Step)]
    interval = settings.get("gradient_accumulation_steps", 1)
    backup = find_backups(whole.backups)[0]

    again = lab.train(backup=backup, **settings)

    steps = [event for event in events(again) if isinstance(event, Step)]
    expected = steps_of_whole[-len(steps) :]
    assert steps[0].progress.global_step in (6, 6 + interval - 1)
    assert [(s.progress, s.metrics) for s in steps] == [(s.progress, s.metrics) for s in expected]
    assert_same_weights(whole, again)


def test_a_run_that_goes_on_with_an_empty_cache_is_the_same_bit_for_bit(lab: Lab) -> None:
    for caption in (lab.workspace / "datasets" / "squares").glob("*.txt"):
        caption.write_text(f"{caption.read_text()}\na square\nanother one")
    often = {"image": {"enable_random_flip": True}, "image_variations": 4, "text_variations": 4}
    settings = {
        "concepts": [{"path": "datasets/squares", "seed": 7, **often}],
        "text_encoder": {"train": False, "dropout_probability": 0.3},
        "epochs": 4,
        "backup_after": 2,
        "backup_after_unit": "EPOCH",
    }
    whole = lab.train(**settings)
    again = lab.train(backup=find_backups(whole.backups)[0], **settings, cache_dir="empty")
    assert len(losses(again)) == 4
    assert losses(again) == losses(whole)[-4:]


def test_the_events_tell_the_whole_story(lab: Lab) -> None:
    folder = lab.train(
        sample_after=1,
        sample_after_unit="EPOCH",
        backup_after=3,
        backup_after_unit="STEP",
        save_every=2,
        save_every_unit="STEP",
        backup_before_save=True,
        tensorboard=True,
    )
    found = events(folder)
    planned = next(event for event in found if isinstance(event, Planned))
    assert (planned.max_step, planned.max_epoch) == (4, 2)
    estimated = next(event for event in found if isinstance(event, Estimated))
    encoding = next(event for event in found if isinstance(event, Activity) and event.doing == Doing.ENCODING_PICTURES)
    assert estimated.seq < encoding.seq < planned.seq
    same = {"max_step", "max_epoch", "progress", "recurring"}
    assert estimated.model_dump(include=same) == planned.model_dump(include=same)
    assert [(b.width, b.height, b.kept, b.left_over) for b in planned.buckets] == [(16, 16, 4, 1)]
    assert [(b.repeated, b.cropped) for b in planned.buckets] == [(0, 0)]
    assert [event.progress.global_step for event in found if isinstance(event, SampleDrawn)] == [0, 2, 4]
    assert [event.progress.global_step for event in found if isinstance(event, BackedUp)] == [3, 4]
    saves = [(event.progress.global_step, event.final) for event in found if isinstance(event, Saved)]
    assert saves == [(2, False), (4, True)]
    steps = [event for event in found if isinstance(event, Step)]
    last = steps[-1].progress
    assert (last.epoch, last.epoch_step, last.epoch_sample, last.global_step) == (1, 2, 4, 4)
    # The average of a short run is the mean of its losses.
    assert steps[-1].metrics["smooth_loss/train_step"] == pytest.approx(sum(losses(folder)) / len(steps))
    skipped = next(event for event in found if isinstance(event, Skipped))
    assert [Path(picture.path).suffix for picture in skipped.pictures] == [".png"]
    assert isinstance(found[-1], Completed)
    assert tensorboard_tags(folder) >= {"loss/train_step", "smooth_loss/train_step", "lr/unet_lora"}
    assert [path.suffix for path in folder.config_copies.iterdir()] == [".json"]
    assert all(event.path.startswith("samples/0 - a red square/") for event in found if isinstance(event, SampleDrawn))


def test_a_broken_picture_is_named_and_the_others_train(lab: Lab) -> None:
    (lab.workspace / "datasets" / "squares" / "zz.png").write_bytes(b"not a picture")
    cut = lab.workspace / "datasets" / "squares" / "zy.png"
    cut.write_bytes((lab.workspace / "datasets" / "squares" / "0.png").read_bytes()[:70])
    found = events(lab.train(epochs=1))
    named = {Path(p.path).name for event in found if isinstance(event, Skipped) for p in event.pictures}
    assert {"zz.png", "zy.png"} <= named
    assert isinstance(found[-1], Completed)


@pytest.mark.parametrize("caches", [True, False])
def test_a_resumed_run_leaves_out_the_broken_picture_of_an_earlier_epoch(lab: Lab, caches: bool) -> None:
    cut = lab.workspace / "datasets" / "squares" / "0.png"
    cut.write_bytes(cut.read_bytes()[:70])
    half = {"concepts": [{"path": "datasets/squares", "seed": 7, "balancing": 0.5}]}
    settings = {**half, "epochs": 4, "backup_after": 2, "backup_after_unit": "EPOCH", "latent_caching": caches}
    whole = lab.train(**settings)
    again = lab.train(backup=find_backups(whole.backups)[0], **settings)
    first = next(index for index, event in enumerate(events(whole)) if isinstance(event, Step))
    assert [Path(p.path).name for e in events(whole)[:first] if isinstance(e, Skipped) for p in e.pictures] == ["0.png"]
    assert losses(again)
    assert losses(again) == losses(whole)[-len(losses(again)) :]


def test_the_cache_keeps_within_its_limit(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.train()
    (cache,) = {path.parent.parent for path in lab.workspace.rglob("*/??/*.safetensors")}
    before = set(cache.glob("??/*.safetensors"))
    monkeypatch.setenv("ONETRAINER_WEB_CACHE_LIMIT_GIB", "0")
    lab.train(resolution="24")
    gone = before - set(cache.glob("??/*.safetensors"))
    assert len(gone) == 5  # the pictures of another size; the prompts are the same
    monkeypatch.setenv("ONETRAINER_WEB_CACHE_LIMIT_GIB", "much")
    with pytest.raises(InvalidConfigError, match="GiB"):
        lab.train()


@pytest.mark.parametrize("caches", [True, False])
def test_pictures_train_with_and_without_a_cache(lab: Lab, caches: bool) -> None:
    found = losses(lab.train(latent_caching=caches))
    assert len(found) == 4
    assert all(math.isfinite(loss) for loss in found)


def test_a_run_that_only_fills_the_cache_trains_nothing(lab: Lab) -> None:
    found = events(lab.train(only_cache=True))
    assert any(event.doing == Doing.ENCODING_PICTURES for event in found if event.type == "activity")
    assert not [event for event in found if isinstance(event, Step | Saved)]
    assert isinstance(found[-1], Completed)
    assert not any(event.doing == Doing.ENCODING_PICTURES for event in events(lab.train()) if event.type == "activity")


def test_a_second_run_encodes_nothing(lab: Lab) -> None:
    first = lab.train()
    second = lab.train()

    def texts(folder: RunFolder) -> set[str]:
        return {event.doing for event in events(folder) if event.type == "activity"}

    assert Doing.ENCODING_PICTURES in texts(first)
    assert not {Doing.ENCODING_PICTURES, Doing.ENCODING_PROMPTS} & texts(second)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_backup(lab: Lab) -> None:
    folder = lab.create(learning_rate=1e38, clip_grad_norm=None, epochs=9, backup_after=1, backup_after_unit="STEP")
    with pytest.raises(LossNotFiniteError, match="learning rate") as failure:
        lab.train(folder)
    assert "backup" not in str(failure.value), "whether there is one, the error cannot know"
    assert find_backups(folder.backups)
    assert not [event for event in events(folder) if isinstance(event, Saved)]


def test_an_accumulation_that_stays_incomplete_trains_with_the_mean_of_what_is_there(lab: Lab) -> None:
    settings = {"epochs": 4, "ema": "CPU", "ema_update_step_interval": 1, "learning_rate_scheduler": "LINEAR"}
    settings |= {"optimizer": {"optimizer": "SGD"}, "learning_rate": 0.1}
    folder = lab.train(gradient_accumulation_steps=3, **settings)
    steps = [event for event in events(folder) if isinstance(event, Step)]
    assert [(step.progress.global_step, bool(step.metrics)) for step in steps] == [
        *((number, number in (3, 6)) for number in range(1, 9)),
        (8, True),
    ]
    rates = [step.metrics["lr/unet_lora"] for step in steps if step.metrics]
    assert rates == pytest.approx([0.1, 0.1 * 2 / 3, 0.1 / 3])

    stopped = lab.train(stop_behind=5, gradient_accumulation_steps=3, **settings)  # two wait, three are to come
    backup = find_backups(stopped.backups)[-1]
    assert (backup / "optimizer" / "gradients.safetensors").is_file()
    again = lab.train(backup=backup, gradient_accumulation_steps=3, **settings)
    assert losses(stopped) + losses(again) == losses(folder)
    assert all(torch.equal(a, b) for a, b in zip(weights_of(folder), weights_of(again), strict=True))

    # All in one accumulation, however large: the same as one of exactly that size.
    exact, larger = (lab.train(gradient_accumulation_steps=number, **settings) for number in (8, 64))
    assert losses(larger) == pytest.approx(losses(exact), rel=1e-6)
    for own, other in zip(weights_of(larger), weights_of(exact), strict=True):
        assert torch.allclose(own, other, rtol=1e-4, atol=1e-9)


def test_what_is_left_is_planned_anew_when_pictures_have_come_or_gone(lab: Lab) -> None:
    settings = {"epochs": 5, "learning_rate_scheduler": "LINEAR", "learning_rate": 0.1}
    squares = lab.workspace / "datasets" / "squares"
    stopped = lab.train(stop_behind=6, **settings)
    backup = find_backups(stopped.backups)[-1]
    for removed, batch, expected in ((0, 2, 10), (0, 1, 16), (2, 2, 8)):
        for number in range(removed):
            (squares / f"{number}.png").unlink()
        found = events(lab.train(backup=backup, **settings, batch_size=batch))
        planned = next(event for event in found if isinstance(event, Planned))
        steps = [event for event in found if isinstance(event, Step)]
        assert planned.max_step == steps[-1].progress.global_step == expected
        rates = [step.metrics["lr/unet_lora"] for step in steps]
        assert rates == pytest.approx([0.1 * (1 - step / expected) for step in range(6, expected)])
        said = [event.message for event in found if isinstance(event, Warned) and "Since the backup" in event.message]
        assert len(said) == (expected != 10), said
        if removed:
            assert "pictures 5 then, 3 now" in said[0]
            assert fold_events(found).whole_epochs[-2:] == [7, 8]


def test_a_run_that_trains_nothing_does_not_complete(lab: Lab) -> None:
    at_once = {"stop_training_after": 0, "stop_training_after_unit": "STEP", "gradient_checkpointing": False}
    with pytest.raises(NothingToTrainError, match="before its first step"):
        lab.train(epochs=1, unet=at_once)
    heavy = [{"path": "datasets/squares", "seed": 7, "loss_weight": 1e9}]
    with pytest.raises(NothingToTrainError, match="too large for FLOAT_16"):
        lab.train(epochs=1, train_dtype="FLOAT_16", concepts=heavy)
    whole = lab.train(epochs=1, backup_before_save=True)
    folder = lab.create(epochs=1, continue_last_backup=True, workspace_dir=str(whole.path))
    run = start_of(folder)
    with pytest.raises(NothingToTrainError, match="Raise epochs"):
        choose_backup(run, None)
    assert choose_backup(run, Resume()) is not None


def test_a_part_stops_training_when_its_limit_is_reached(lab: Lab) -> None:
    limited = {"stop_training_after": 2, "stop_training_after_unit": "STEP"}
    folder = lab.train(
        epochs=3, text_encoder={"train": True, **limited}, backup_after=1, backup_after_unit="STEP", lora_rank=2
    )
    at = {path.name.split("-backup-")[1].split("-")[0]: path for path in find_backups(folder.backups)}
    states = {step: load_file(path / "lora" / "lora.safetensors") for step, path in at.items()}
    encoder = next(name for name in states["1"] if name.startswith("text_encoder.") and "lora_up" in name)
    unet = next(name for name in states["1"] if name.startswith("unet.") and "lora_up" in name)
    assert not torch.equal(states["1"][encoder], states["2"][encoder])
    assert torch.equal(states["2"][encoder], states["5"][encoder])
    assert not torch.equal(states["2"][unet], states["5"][unet])


def test_when_all_parts_have_stopped_the_run_ends_with_its_result(lab: Lab) -> None:
    limit = {"stop_training_after": 1, "stop_training_after_unit": "EPOCH", "gradient_checkpointing": False}
    folder = lab.train(epochs=5, unet=limit)
    assert len(losses(folder)) == 2
    assert result(folder).is_file()


def test_rolling_backups_keep_the_newest(lab: Lab) -> None:
    folder = lab.train(backup_after=1, backup_after_unit="STEP", rolling_backup=True, rolling_backup_count=2)
    assert [path.name.split("-backup-")[1] for path in find_backups(folder.backups)] == ["2-1-0", "3-1-1"]


def test_a_failing_sample_is_named_and_does_not_end_the_run(lab: Lab) -> None:
    samples = [
        {"prompt": "far too large", "width": 2**20, "height": 2**20, "diffusion_steps": 1},
        {"prompt": "good", "width": 16, "height": 16, "diffusion_steps": 1},
        {"prompt": "not wanted", "enabled": False},
    ]
    found = events(lab.train(samples=samples, sample_after=9, sample_after_unit="EPOCH", epochs=1))
    assert any("far too large" in event.message for event in found if isinstance(event, Warned))
    assert {event.index for event in found if isinstance(event, SampleDrawn)} == {1}
    assert [event.sample_count for event in found if isinstance(event, SamplesDone)] == [1, 1]
    assert isinstance(found[-1], Completed)


def test_samples_with_an_average_are_drawn_twice(lab: Lab) -> None:
    folder = lab.train(ema="CPU", ema_update_step_interval=2, sample_after=5, sample_after_unit="EPOCH", epochs=1)
    assert ["ema_decay" in event.metrics for event in events(folder) if isinstance(event, Step)] == [False, True]
    names = {Path(event.path).parent.name for event in events(folder) if isinstance(event, SampleDrawn)}
    assert names == {"0 - a red square", "0 - a red square - no-ema"}


@pytest.mark.parametrize(
    "refused",
    [
        {"training_method": "FINE_TUNE", "unet": {"weight_dtype": "INT_8"}},
        {"learning_rate_scheduler": "CUSTOM", "custom_learning_rate_scheduler": "os.system"},
        {"loss_weight_fn": "SIGMA"},
        {"train_dtype": "FLOAT_8"},
        {"output_model_format": "DIFFUSERS"},
    ],
)
def test_what_the_trainer_cannot_do_is_refused_by_name(lab: Lab, refused: dict[str, Any]) -> None:
    with pytest.raises((InvalidSettingError, UnsupportedSettingError)) as caught:
        lab.train(**refused)
    assert caught.value.key in {*refused, "unet.weight_dtype"}


def test_an_existing_result_is_kept_when_overwriting_is_prevented(lab: Lab) -> None:
    (lab.workspace / "mine.safetensors").write_bytes(b"precious")
    with pytest.raises(OutputExistsError):
        lab.train(output_model_destination="mine.safetensors", prevent_overwrites=True)
    assert (lab.workspace / "mine.safetensors").read_bytes() == b"precious"


def test_set_paths_are_obeyed_relative_to_the_workspace(lab: Lab) -> None:
    folder = lab.train(
        workspace_dir="elsewhere", output_model_destination="out/my.safetensors", cache_dir="own", epochs=1,
        sample_after=1, sample_after_unit="EPOCH", backup_before_save=True,
    )  # fmt: skip
    assert (lab.workspace / "out" / "my.safetensors").is_file()
    assert list((lab.workspace / "elsewhere" / "samples").rglob("*.jpg"))
    assert find_backups(lab.workspace / "elsewhere" / "backup")
    assert list((lab.workspace / "own").rglob("*.safetensors"))
    assert not folder.samples.exists()


@pytest.mark.parametrize("dtype", ["BFLOAT_16", "FLOAT_16", "TFLOAT_32"])
def test_other_number_formats_train(lab: Lab, dtype: str) -> None:
    found = losses(lab.train(train_dtype=dtype))
    assert len(found) == 4
    assert all(math.isfinite(loss) for loss in found)


def test_gradient_checkpointing_changes_nothing(lab: Lab) -> None:
    def trained(checkpoints: bool) -> list[float]:
        part = {"gradient_checkpointing": checkpoints}
        return losses(lab.train(unet=part, text_encoder={"train": True, **part}))

    assert trained(checkpoints=True) == pytest.approx(trained(checkpoints=False), rel=1e-5)


def test_a_missing_device_is_replaced_with_a_warning(lab: Lab) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has the device")
    found = events(lab.train(train_device="cuda", epochs=1))
    assert any("not available" in event.message for event in found if isinstance(event, Warned))
    assert isinstance(found[-1], Completed)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit on the size of files")
def test_files_that_cannot_be_written_are_named_and_leave_nothing_behind(lab: Lab) -> None:
    """The system refuses to let files grow, as a full disk does."""
    import resource

    lab.train(epochs=1)  # everything is imported and encoded
    every_step = {"backup_after": 1, "backup_after_unit": "STEP", "save_every": 1, "save_every_unit": "STEP"}
    folder = lab.create(epochs=1, **every_step)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, before[1]))
    try:
        with pytest.raises(OutputNotWrittenError, match="Make room"):
            lab.train(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    warnings = [event.message for event in events(folder) if isinstance(event, Warned)]
    assert any(message.startswith("No backup could be written") for message in warnings)
    assert any(".safetensors could not be written" in message for message in warnings)
    assert list(folder.backups.iterdir()) == list(folder.saves.iterdir()) == []


def test_samples_that_are_not_understood_are_named_and_the_training_goes_on(lab: Lab) -> None:
    folder = lab.create(epochs=1)
    append_command(folder.commands, Sample(samples=[{"prompt": "a", "width": "very wide"}]))
    append_command(folder.commands, Sample(samples=[{"prompt": "b", "width": 16, "height": 16, "diffusion_steps": 1}]))
    found = events(lab.train(folder))
    assert any("width" in event.message for event in found if isinstance(event, Warned))
    assert [event.settings["prompt"] for event in found if isinstance(event, SampleDrawn)] == ["b"]
    assert isinstance(found[-1], Completed)


def test_validation_measures_pictures_that_never_train_and_changes_no_step(lab: Lab) -> None:
    lab.add_pictures("unseen", 3)
    held_out = {"path": "datasets/unseen", "type": "VALIDATION"}
    concepts = [{"path": "datasets/squares", "seed": 7}, {**held_out, "name": "a"}, {**held_out, "name": "b"}]
    settings = {"epochs": 3, "learning_rate": 1e-2, "dropout_probability": 0.1}
    folder = lab.train(concepts=concepts, validation=True, **settings)

    measured = [event for event in events(folder) if isinstance(event, Metrics)]
    assert [event.global_step for event in measured] == [0, 2, 4, 6]
    assert all(
        event.values.keys() == {f"loss/validation_step/{name}" for name in ("a", "b", "total_average")}
        for event in measured
    )
    assert len({event.values["loss/validation_step/a"] for event in measured}) == len(measured)
    assert losses(folder) == losses(lab.train(concepts=concepts, **settings))


def held_out(lab: Lab, **changes: Any) -> dict[str, Any]:
    """Settings of a run that measures other pictures than it trains, behind every step, at a rate that overshoots."""
    if not (lab.workspace / "datasets" / "unseen").exists():
        lab.add_pictures("unseen", 1)
    concepts = [{"path": "datasets/squares", "seed": 7}, {"path": "datasets/unseen", "type": "VALIDATION"}]
    every_step = {"validation": True, "validate_after": 1, "validate_after_unit": "STEP"}
    return {"concepts": concepts, **every_step, "learning_rate": 0.2, "epochs": 20, **changes}


def test_the_run_ends_when_the_validation_loss_stays_above_its_lowest(lab: Lab) -> None:
    folder = lab.train(**held_out(lab, early_stopping_patience=3))
    measured = validation_losses(folder)
    assert len(measured) < 41
    assert measured.index(min(measured)) == len(measured) - 4
    assert any(event.message.startswith("Stopped early") for event in events(folder) if isinstance(event, Warned))
    assert isinstance(events(folder)[-1], Completed)
    assert result(folder).is_file()


def test_the_model_with_the_lowest_validation_loss_is_kept(lab: Lab) -> None:
    settings = held_out(lab, keep_best=True, epochs=4)
    folder = lab.train(**settings)
    measured = validation_losses(folder)
    best = measured.index(min(measured))
    assert best > 0
    kept = [event for event in events(folder) if isinstance(event, Saved) and not event.final]
    assert {event.path for event in kept} == {"save/best.safetensors"}
    assert kept[-1].progress.global_step == best
    other = lab.train(**settings | {"keep_best": False, "save_every": best, "save_every_unit": "STEP"})
    (save,) = [path for path in other.saves.iterdir() if f"-save-{best}-" in path.name]
    ours, theirs = load_file(folder.saves / "best.safetensors"), load_file(save)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_a_resumed_run_stops_early_where_the_whole_one_does(lab: Lab) -> None:
    settings = held_out(lab, early_stopping_patience=3, keep_best=True, backup_after=1, backup_after_unit="STEP")
    whole = lab.train(**settings)
    backup = find_backups(whole.backups)[-2]  # in the middle of the measurements that lead to the end
    again = lab.train(backup=backup, **settings)
    assert losses(again) == losses(whole)[-len(losses(again)) :]
    assert len(losses(again)) < 3
    assert not [event for event in events(again) if isinstance(event, Saved) and not event.final]


def test_validation_without_pictures_to_measure_is_named(lab: Lab) -> None:
    folder = lab.train(validation=True)
    assert any("VALIDATION" in event.message for event in events(folder) if isinstance(event, Warned))
    assert not any(isinstance(event, Metrics) for event in events(folder))


def write_masks(lab: Lab, value: int) -> None:
    """A mask of one brightness beside every picture."""
    for picture in list((lab.workspace / "datasets" / "squares").glob("?.png")):
        Image.new("L", (20, 20), value).save(picture.with_name(f"{picture.stem}-masklabel.png"))


def test_white_masks_change_nothing(lab: Lab) -> None:
    plain = losses(lab.train())
    write_masks(lab, 255)
    assert losses(lab.train(masked_training=True)) == plain


@pytest.mark.parametrize(("scaler", "factor"), [("BATCH", 2), ("BOTH", 4)])
def test_with_plain_descent_a_scaled_loss_is_a_scaled_rate(lab: Lab, scaler: str, factor: int) -> None:
    settings: dict[str, Any] = {
        "optimizer": {"optimizer": "SGD", "momentum": 0},
        "clip_grad_norm": None,
        "gradient_accumulation_steps": 2,
        "epochs": 3,
    }
    scaled = load_file(result(lab.train(**settings, loss_scaler=scaler, learning_rate=1.0)))
    faster = load_file(result(lab.train(**settings, learning_rate=1.0 * factor)))
    moved = [key for key in scaled if key.endswith("lora_up.weight") and bool(scaled[key].any())]
    assert moved
    assert all(torch.allclose(scaled[key], faster[key], rtol=1e-3, atol=1e-7) for key in moved)


@pytest.mark.parametrize("caches", [True, False])
def test_only_what_the_mask_shows_is_learned(lab: Lab, caches: bool) -> None:
    write_masks(lab, 0)
    settings = {"masked_training": True, "latent_caching": caches, "epochs": 1}
    for is_normalised in (False, True):
        hidden = lab.train(unmasked_weight=0, normalize_masked_area_loss=is_normalised, **settings)
        assert losses(hidden) == [0.0] * 2
    plain = losses(lab.train(latent_caching=caches, epochs=1))[0]
    assert losses(lab.train(unmasked_weight=0.5, **settings))[0] == pytest.approx(plain / 2)
    normalised = lab.train(unmasked_weight=0.5, normalize_masked_area_loss=True, **settings)
    assert losses(normalised)[0] == pytest.approx(plain)


@pytest.mark.parametrize("text_encoder", [{"train": False}, {"train": True}])
def test_the_surroundings_of_a_mask_are_held_to_the_untrained_model(lab: Lab, text_encoder: dict[str, Any]) -> None:
    write_masks(lab, 0)
    settings = {"masked_training": True, "unmasked_weight": 0, "text_encoder": text_encoder, "learning_rate": 1e-2}
    held = losses(lab.train(masked_prior_preservation_weight=1.0, **settings))
    assert held == pytest.approx([0.0] * 4)  # adapters start at zero, so there is nothing to pull them away
    moved = str(result(lab.train(learning_rate=1e-2, epochs=1)))
    pulled = lab.train(masked_prior_preservation_weight=1.0, lora_model_name=moved, epochs=1, **settings)
    assert losses(pulled)[0] > 1e-6, "nothing is shown, and all of it is to be as it was"


def test_prior_concepts_keep_what_the_model_made_of_them(lab: Lab) -> None:
    lab.add_pictures("known", 4)
    prior = {"path": "datasets/known", "type": "PRIOR_PREDICTION"}
    alone = lab.train(concepts=[prior], learning_rate=1e-2)
    assert losses(alone) == pytest.approx([0.0] * 4)
    beside = [{"path": "datasets/squares", "seed": 7}, prior]
    held, free = (
        sum(losses(lab.train(concepts=concepts, learning_rate=1e-2)))
        for concepts in (beside, [beside[0], {**prior, "type": "STANDARD"}])
    )
    assert 0 < held < free


def test_fine_tuning_knows_no_untrained_model(lab: Lab) -> None:
    concepts = [{"path": "datasets/squares", "type": "PRIOR_PREDICTION"}]
    with pytest.raises(InvalidSettingError, match="Prior prediction"):
        lab.train(concepts=concepts, **METHODS["fine_tune"])
