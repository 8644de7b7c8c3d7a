"""Batches of tensors, and that a resumed run gets the same ones."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.unit.pipeline.conftest import SmallEncoders

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ConceptType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.sizes import Size, UnreadablePictureError
from onetrainer_web.pipeline.batches import Batch, BatchSource
from onetrainer_web.pipeline.cache import CacheEntryLostError, TensorCache
from onetrainer_web.pipeline.encode import fill_cache
from onetrainer_web.pipeline.items import collect_data
from onetrainer_web.pipeline.plan import Planner, PlanOptions
from onetrainer_web.pipeline.watch import Watch

MakeConcept = Callable[..., ConceptConfig]
WriteFolder = Callable[..., Path]
SIZES = [(64, 64)] * 5 + [(150, 70)] * 6
VARIED = {"enable_random_flip": True, "enable_random_hue": True, "random_hue_max_strength": 0.4}


def planner_of(concept: ConceptConfig, *, is_cached: bool = True) -> Planner:
    config = TrainConfig(resolution="64", batch_size=2, latent_caching=is_cached)
    return Planner(collect_data([concept], [ConceptType.STANDARD], Path), PlanOptions.of(config, multiple=8))


def cached_source(planner: Planner, encoders: SmallEncoders, folder: Path, ram_bytes: int = 2**20) -> BatchSource:
    report = fill_cache(planner.items(range(3)), encoders, TensorCache(folder), Watch())
    return BatchSource(encoders, TensorCache(folder, ram_bytes), report.picture_keys)


def assert_same(one: list[Batch], two: list[Batch]) -> None:
    assert [batch.names for batch in one] == [batch.names for batch in two]
    for a, b in zip(one, two, strict=True):
        assert torch.equal(a.latents_BCHW, b.latents_BCHW)
        assert a.conditioning.keys() == b.conditioning.keys()
        assert all(torch.equal(a.conditioning[name], b.conditioning[name]) for name in a.conditioning)
        assert (a.prompts, a.crop_offsets, a.target_size) == (b.prompts, b.crop_offsets, b.target_size)


def test_a_batch_says_everything_about_its_samples(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    planner = planner_of(make_concept(write_folder(SIZES), loss_weight=0.25))
    plan = planner.plan_epoch(0)
    batches = list(cached_source(planner, encoders, tmp_path / "c").batches(plan))
    assert len(batches) == 5
    wide = next(batch for batch in batches if batch.target_size != Size(64, 64))
    assert wide.target_size == Size(88, 48)
    assert wide.latents_BCHW.shape == (2, 3, 6, 11)
    assert wide.conditioning["hidden"].shape == (2, 32)
    assert wide.conditioning["mask"].dtype == torch.bool
    assert wide.loss_weights_B.tolist() == [0.25, 0.25]
    assert wide.original_sizes == (Size(150, 70),) * 2
    assert wide.concepts == ("pictures", "pictures")
    assert all(left <= 15 and top == 0 for left, top in wide.crop_offsets)
    assert torch.equal(wide.conditioning["hidden"], encoders.encode_prompts(wide.prompts)["hidden"])


@pytest.mark.parametrize("is_cached", [True, False])
def test_resuming_in_the_middle_of_an_epoch_gives_the_same_batches(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, is_cached: bool
) -> None:
    concept = make_concept(write_folder(SIZES), image=VARIED, image_variations=2, text_variations=2)

    def source_and_planner() -> tuple[BatchSource, Planner]:
        planner = planner_of(concept, is_cached=is_cached)
        encoders = SmallEncoders()
        return (cached_source(planner, encoders, tmp_path / "c") if is_cached else BatchSource(encoders)), planner

    source, planner = source_and_planner()
    straight = [batch for epoch in range(3) for batch in source.batches(planner.plan_epoch(epoch))]
    source, planner = source_and_planner()
    resumed = list(source.batches(planner.plan_epoch(1), start_step=2)) + list(source.batches(planner.plan_epoch(2)))
    assert_same(resumed, straight[5 + 2 :])


@pytest.mark.parametrize("ram_bytes", [0, 10_000, 2**20])
def test_memory_and_disk_give_the_same(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders, ram_bytes: int
) -> None:
    planner = planner_of(make_concept(write_folder(SIZES)))
    plan = planner.plan_epoch(0)
    expected = list(cached_source(planner, encoders, tmp_path / "c").batches(plan))
    assert_same(list(cached_source(planner, encoders, tmp_path / "c", ram_bytes).batches(plan)), expected)


def test_cached_and_uncached_runs_crop_alike(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    concept = make_concept(write_folder(SIZES), image=VARIED)
    planner, live = planner_of(concept), planner_of(concept, is_cached=False)
    cached = list(cached_source(planner, encoders, tmp_path / "c").batches(planner.plan_epoch(0)))
    uncached = list(BatchSource(encoders).batches(live.plan_epoch(0)))
    assert [batch.names for batch in cached] == [batch.names for batch in uncached]
    # Only the noise of the encoder differs: it goes by the file's hash in one case and by its name in the other.
    for one, two in zip(cached, uncached, strict=True):
        assert (one.latents_BCHW - two.latents_BCHW).abs().max() < 0.12


def test_prompts_are_handed_through_when_a_text_encoder_is_trained(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept
) -> None:
    encoders = SmallEncoders(text_identity=None)
    planner = planner_of(make_concept(write_folder(SIZES)))
    source = cached_source(planner, encoders, tmp_path / "c")
    batch = next(source.batches(planner.plan_epoch(0)))
    assert batch.conditioning == {}
    assert all(prompt.startswith(("picture", "colour")) for prompt in batch.prompts)
    assert encoders.prompts == []


def test_a_cached_run_outlives_its_pictures(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    folder = write_folder(SIZES)
    planner = planner_of(make_concept(folder))
    source = cached_source(planner, encoders, tmp_path / "c")
    shutil.rmtree(folder)
    assert len(list(source.batches(planner.plan_epoch(0)))) == 5


def test_an_uncached_run_says_which_picture_vanished(
    write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    folder = write_folder(SIZES)
    planner = planner_of(make_concept(folder), is_cached=False)
    shutil.rmtree(folder)
    with pytest.raises(UnreadablePictureError, match=r"\.png does not exist any more"):
        list(BatchSource(encoders).batches(planner.plan_epoch(0)))


def test_a_lost_entry_is_named(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    planner = planner_of(make_concept(write_folder(SIZES)))
    source = cached_source(planner, encoders, tmp_path / "c")
    shutil.rmtree(tmp_path / "c")
    with pytest.raises(CacheEntryLostError):
        list(source.batches(planner.plan_epoch(0)))
