"""Ways of the data into training that only whole runs show, and what happens when a disk fills or a folder goes."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from PIL import Image
from tests.conftest import leave
from tests.engine.conftest import Lab, find_backups, start_of
from tests.engine.outcomes import events, losses

from onetrainer_web.config.recurring import Doing
from onetrainer_web.dataset.sizes import UnreadablePictureError
from onetrainer_web.engine.loop.preparation import prepare
from onetrainer_web.engine.loop.trainer import Trainer
from onetrainer_web.engine.parts.circular import wrap_edges
from onetrainer_web.engine.runtime.curves import Curves
from onetrainer_web.engine.runtime.errors import OutputNotWrittenError
from onetrainer_web.pipeline.cache import CacheWriteError
from onetrainer_web.protocol.events import Activity, BackedUp, Completed, Planned, Saved, Step, Warned
from onetrainer_web.protocol.lock import HeldLock


def activities(folder: Any) -> set[str]:
    return {event.doing for event in events(folder) if isinstance(event, Activity)}


def test_only_cache_encodes_all_epochs_and_trains_nothing(lab: Lab) -> None:
    concepts = [{"path": "datasets/squares", "seed": 7, "image_variations": 3, "image": {"enable_random_flip": True}}]
    found = events(lab.train(only_cache=True, concepts=concepts, epochs=3))
    assert isinstance(found[-1], Completed)
    assert not [event for event in found if isinstance(event, Step | Saved | BackedUp)]
    assert not {Doing.ENCODING_PICTURES, Doing.ENCODING_PROMPTS} & activities(lab.train(concepts=concepts, epochs=3))


def test_pictures_without_edges_train_differently(lab: Lab) -> None:
    plain, wrapped = losses(lab.train()), losses(lab.train(force_circular_padding=True))
    assert wrapped != plain
    assert losses(lab.train()) == plain


def test_a_wrapped_unet_does_not_know_where_a_picture_begins(lab: Lab) -> None:
    unet: Any = UNet2DConditionModel.from_pretrained(lab.model, subfolder="unet")
    torch.manual_seed(3)
    noisy, prompt = torch.randn(1, 4, 8, 8), torch.randn(1, 5, unet.config.cross_attention_dim)

    def predicted(latents: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return unet(latents, 500, prompt).sample

    assert not torch.allclose(predicted(noisy.roll(4, 3)), predicted(noisy).roll(4, 3), atol=1e-4)
    wrap_edges([unet])
    assert torch.allclose(predicted(noisy.roll(4, 3)), predicted(noisy).roll(4, 3), atol=1e-4)


def test_generalised_offset_noise_changes_what_is_learned(lab: Lab) -> None:
    plain = losses(lab.train(offset_noise_weight=0.5))
    assert losses(lab.train(offset_noise_weight=0.5, generalized_offset_noise=True)) != plain


@pytest.mark.parametrize(("caches", "message"), [(True, ""), (False, "does not exist any more")])
def test_a_cached_run_outlives_its_folder_and_another_names_what_is_gone(lab: Lab, caches: bool, message: str) -> None:
    folder = lab.create(latent_caching=caches, epochs=10)
    steps = Trainer(prepare(start_of(folder), None)).steps()
    next(steps)
    shutil.rmtree(lab.workspace / "datasets")
    if caches:
        assert len(list(steps)) == 19
        return
    with pytest.raises(UnreadablePictureError, match=message):
        list(steps)


def test_what_buckets_cost_is_told(lab: Lab) -> None:
    Image.new("RGB", (24, 20)).save(lab.workspace / "datasets" / "squares" / "wide.png")
    concepts = [{"path": "datasets/squares", "seed": 7, "balancing": 2}]
    planned = next(event for event in events(lab.train(concepts=concepts, epochs=1)) if isinstance(event, Planned))
    assert [(b.kept, b.left_over, b.repeated, b.cropped) for b in planned.buckets] == [(12, 0, 6, 2)]


def test_a_disk_that_fills_while_pictures_are_encoded_ends_the_run_with_its_folder_named(
    lab: Lab, small_disk: Path
) -> None:
    ballast = leave(small_disk, 9_000)
    with pytest.raises(CacheWriteError, match="cannot be written"):
        lab.train(cache_dir=str(small_disk / "cache"))
    assert not list(small_disk.rglob(".writing*"))
    ballast.unlink()
    assert len(losses(lab.train(cache_dir=str(small_disk / "cache")))) == 4


def test_a_disk_that_fills_at_a_backup_leaves_the_last_one_whole_and_training_goes_on(
    lab: Lab, small_disk: Path
) -> None:
    settings = {"workspace_dir": str(small_disk), "backup_after": 1, "backup_after_unit": "STEP", "lora_rank": 2}
    settings |= {"output_model_destination": str(lab.workspace / "out.safetensors"), "rolling_backup": True}
    folder = lab.train(**settings, rolling_backup_count=1, epochs=1, batch_size=1)
    size = sum(path.stat().st_size for path in find_backups(small_disk / "backup")[0].rglob("*") if path.is_file())
    shutil.rmtree(small_disk / "backup")
    leave(small_disk, int(1.6 * size))
    folder = lab.train(**settings, rolling_backup_count=1, epochs=1, batch_size=1)
    found = events(folder)
    assert isinstance(found[-1], Completed)
    (warned,) = {event.message for event in found if isinstance(event, Warned)}
    assert "No backup could be written" in warned
    assert "No space left on device" in warned
    (last,) = find_backups(small_disk / "backup")
    assert [path.name for path in (small_disk / "backup").iterdir()] == [last.name]
    assert losses(lab.train(backup=last, **{**settings, "workspace_dir": ""}, epochs=1, batch_size=1))


def test_a_disk_that_fills_at_the_last_save_is_an_error_that_names_the_file(lab: Lab, small_disk: Path) -> None:
    leave(small_disk, 20_000)
    target = small_disk / "out.safetensors"
    with pytest.raises(OutputNotWrittenError, match=r"out\.safetensors could not be written"):
        lab.train(output_model_destination=str(target), backup_before_save=True, lora_rank=64)
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_result_that_cannot_be_written_is_kept_in_a_backup_from_which_a_resume_saves_it(
    lab: Lab, small_disk: Path
) -> None:
    ballast = leave(small_disk, 20_000)
    folder = lab.create(output_model_destination=str(small_disk / "out.safetensors"), lora_rank=64)
    with pytest.raises(OutputNotWrittenError, match="then resume the run: its last backup holds the model"):
        lab.train(folder)
    (backup,) = find_backups(folder.backups)
    ballast.unlink()
    saved = [event for event in events(lab.train(folder, backup=backup)) if isinstance(event, Saved)]
    assert [(event.path, event.progress.global_step, event.final) for event in saved] == [
        (str(small_disk / "out.safetensors"), 4, True)
    ]


def test_what_ended_runs_left_half_written_in_a_shared_folder_goes_and_what_others_write_stays(lab: Lab) -> None:
    shared = lab.workspace / "shared"
    ended, busy, folder = lab.create(), lab.create(), lab.create(workspace_dir=str(shared))
    held = HeldLock(busy.lock)
    names = {run: f".a.safetensors.{run}.writing" for run in (ended.run_id, busy.run_id, folder.run_id, "elsewhere")}
    for place in ("save", "backup", "samples/0 - a red square"):
        for name in names.values():
            (shared / place / name).parent.mkdir(parents=True, exist_ok=True)
            (shared / place / name).touch()
    lab.train(folder)
    held.release()
    left = {path.name for path in shared.rglob(".*")}
    assert left == {names[busy.run_id], names["elsewhere"]}


def test_a_training_outlives_tensorboards_disk(lab: Lab, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onetrainer_web.engine.runtime.curves.FLUSH_AFTER_S", 0)
    (small_disk / "project").mkdir()
    leave(small_disk, 100_000)
    (small_disk / "project" / "tensorboard").mkdir()
    settings = {"workspace_dir": str(small_disk / "project"), "tensorboard": True, "epochs": 4}
    settings |= {"output_model_destination": str(lab.workspace / "out.safetensors")}
    folder = lab.create(**settings)
    with monkeypatch.context() as patch:
        write = Curves.scalars

        def fill_first(curves: Curves, *arguments: Any) -> None:
            with suppress(OSError):
                (small_disk / "more").write_bytes(bytes(2**20))
            write(curves, *arguments)

        patch.setattr(Curves, "scalars", fill_first)
        found = events(lab.train(folder))
    assert isinstance(found[-1], Completed)
    (warned,) = [event.message for event in found if isinstance(event, Warned)]
    assert warned.startswith("TensorBoard's file could not be written: No space left on device.")
