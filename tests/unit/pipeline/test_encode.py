"""Encoding once, only what is missing, and naming what cannot be decoded."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tests.unit.pipeline.conftest import SmallEncoders

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ConceptType
from onetrainer_web.config.recurring import Doing
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.sizes import load_picture
from onetrainer_web.pipeline import encode
from onetrainer_web.pipeline.cache import TensorCache, prompt_key
from onetrainer_web.pipeline.encode import (
    FillReport,
    PicturesGoneError,
    check_pictures,
    fill_cache,
    fill_prompts,
)
from onetrainer_web.pipeline.entries import LATENTS, MASK
from onetrainer_web.pipeline.fingerprints import Fingerprints
from onetrainer_web.pipeline.items import Item, TrainingData, collect_data
from onetrainer_web.pipeline.plan import Planner, PlanOptions
from onetrainer_web.pipeline.watch import StopRequested, Watch

MakeConcept = Callable[..., ConceptConfig]
WriteFolder = Callable[..., Path]
SQUARES = [(64, 64)] * 20


def collected(*concepts: ConceptConfig) -> TrainingData:
    return collect_data(concepts, [ConceptType.STANDARD], Path)


def planned_items(data: TrainingData, resolution: str = "64", num_epochs: int = 1) -> list[Item]:
    config = TrainConfig(resolution=resolution)
    return Planner(data, PlanOptions.of(config, multiple=8)).items(range(num_epochs))


def counts(report: FillReport) -> tuple[int, int, int, int]:
    return report.encoded_pictures, report.reused_pictures, report.encoded_prompts, report.reused_prompts


def cut_off(path: Path) -> None:
    Image.effect_noise((64, 64), 80).convert("RGB").save(path)
    path.write_bytes(path.read_bytes()[:-900])


def test_a_second_run_encodes_nothing(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    items = planned_items(collected(make_concept(write_folder(SQUARES))))
    assert counts(fill_cache(items, encoders, TensorCache(tmp_path / "c"), Watch())) == (20, 0, 20, 0)
    again = SmallEncoders()
    assert counts(fill_cache(items, again, TensorCache(tmp_path / "c"), Watch())) == (0, 20, 0, 20)
    assert (again.image_batches, again.prompts) == ([], [])


def test_small_pictures_are_encoded_many_at_once_in_batches_of_one_size_and_large_ones_alone(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    data = collected(make_concept(write_folder(SQUARES)))
    fill_cache(planned_items(data), encoders, TensorCache(tmp_path / "c"), Watch())
    assert encoders.image_batches == [16, 16]
    large = SmallEncoders()
    fill_cache(planned_items(data, "512")[:3], large, TensorCache(tmp_path / "c"), Watch())
    assert large.image_batches == [1, 1, 1]


def test_one_deleted_and_one_changed_picture_touch_no_other(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    folder = write_folder(SQUARES)
    concept = make_concept(folder, image={"enable_random_flip": True})
    cache = tmp_path / "c"
    fill_cache(planned_items(collected(concept)), encoders, TensorCache(cache), Watch())
    (folder / "003.png").unlink()
    assert counts(fill_cache(planned_items(collected(concept)), encoders, TensorCache(cache), Watch()))[0] == 0
    Image.new("RGB", (64, 64), "white").save(folder / "004.png")
    (folder / "005.txt").write_text("a new caption")
    report = fill_cache(planned_items(collected(concept)), encoders, TensorCache(cache), Watch())
    assert counts(report) == (1, 18, 1, 18)


def test_another_encoder_encodes_anew_and_its_results_lie_beside_the_old_ones(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    items = planned_items(collected(make_concept(write_folder(SQUARES))))
    fill_cache(items, encoders, TensorCache(tmp_path / "c"), Watch())
    other = SmallEncoders(image_identity="average v2")
    assert counts(fill_cache(items, other, TensorCache(tmp_path / "c"), Watch())) == (20, 0, 0, 20)
    assert counts(fill_cache(items, encoders, TensorCache(tmp_path / "c"), Watch())) == (0, 20, 0, 20)


def test_equal_pictures_and_prompts_are_encoded_once(
    tmp_path: Path, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    for name in ("a", "b"):
        Image.new("RGB", (64, 64), "red").save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.txt").write_text("red")
    report = fill_cache(
        planned_items(collected(make_concept(tmp_path))), encoders, TensorCache(tmp_path / "c"), Watch()
    )
    assert counts(report) == (1, 0, 1, 0)
    assert len(report.picture_keys) == 2


def test_broken_pictures_are_named_and_the_others_go_on(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    folder = write_folder(SQUARES)
    for name in ("002.png", "007.png"):
        cut_off(folder / name)
    data = collected(make_concept(folder, image_variations=2))
    items = planned_items(data, num_epochs=2)
    (folder / "009.png").unlink()
    report = fill_cache(items, encoders, TensorCache(tmp_path / "c"), Watch())
    assert report.encoded_pictures == 17
    found = {Path(picture.path).name: picture.reason for picture in report.broken}
    assert found.keys() == {"002.png", "007.png", "009.png"}
    assert found["009.png"] == "cannot be read (No such file or directory)"
    assert found["002.png"].startswith(("is cut off", "is damaged"))
    assert data.without(report.broken).num_pictures == 17
    assert "picture 2" not in encoders.prompts


def test_uncached_runs_check_the_files_instead(write_folder: WriteFolder, make_concept: MakeConcept) -> None:
    folder = write_folder(SQUARES)
    cut_off(folder / "002.png")
    (folder / "005-masklabel.png").write_bytes(b"")
    pictures = [picture.file for picture in collected(make_concept(folder)).concepts[0].pictures]
    seen: list[int] = []
    watch = Watch(lambda _text, current, _total: seen.append(current))
    broken = check_pictures(pictures, watch)
    assert [Path(picture.path).name for picture in broken] == ["002.png", "005.png"]
    assert broken[1].reason.startswith("has a mask that ")
    assert seen == list(range(20))
    unmasked = PlanOptions.of(TrainConfig(masked_training=False), multiple=8)
    assert len(check_pictures([unmasked.used_files(picture) for picture in pictures], Watch())) == 1


@pytest.mark.parametrize(
    ("text", "reports_before_stop"),
    [(Doing.COMPARING_CACHE, 3), (Doing.ENCODING_PICTURES, 1), (Doing.ENCODING_PROMPTS, 1)],
)
def test_a_stop_ends_the_work_between_small_batches_and_keeps_what_is_done(
    tmp_path: Path,
    write_folder: WriteFolder,
    make_concept: MakeConcept,
    encoders: SmallEncoders,
    text: str,
    reports_before_stop: int,
) -> None:
    items = planned_items(collected(make_concept(write_folder(SQUARES))))
    seen: list[str] = []
    watch = Watch(lambda report, _current, _total: seen.append(report), lambda: seen.count(text) == reports_before_stop)
    with pytest.raises(StopRequested):
        fill_cache(items, encoders, TensorCache(tmp_path / "c"), watch)
    assert seen.count(text) == reports_before_stop
    report = fill_cache(items, SmallEncoders(), TensorCache(tmp_path / "c"), Watch())
    assert report.reused_pictures == len(encoders.seeds)
    assert report.reused_prompts == len(set(encoders.prompts))


def test_progress_counts_up_to_the_total(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    items = planned_items(collected(make_concept(write_folder(SQUARES))))
    seen: list[tuple[str, int, int]] = []
    fill_cache(items, encoders, TensorCache(tmp_path / "c"), Watch(lambda *report: seen.append(report)))
    assert [report for report in seen if report[0] == Doing.ENCODING_PICTURES] == [
        (Doing.ENCODING_PICTURES, 0, 20),
        (Doing.ENCODING_PICTURES, 16, 20),
    ]


def test_reading_goes_on_while_pictures_are_encoded(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first batch is encoded before the last file was read for its hash."""
    items = planned_items(collected(make_concept(write_folder(SQUARES * 5))))
    read: list[Path] = []
    digest = Fingerprints.sha256
    monkeypatch.setattr(Fingerprints, "sha256", lambda self, path: (read.append(path), digest(self, path))[1])
    num_read: list[int] = []
    watch = Watch(lambda doing, *_: num_read.append(len(read)) if doing is Doing.ENCODING_PICTURES else None)
    report = fill_cache(items, SmallEncoders(), TensorCache(tmp_path / "c"), watch)
    assert report.encoded_pictures == 100
    assert num_read[0] < 60
    assert len(read) == 100


def test_a_picture_that_was_whole_is_not_decoded_again(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, memory = write_folder(SQUARES), tmp_path / "whole_files.json"
    cut_off(folder / "002.png")
    pictures = [picture.file for picture in collected(make_concept(folder)).concepts[0].pictures]
    decoded: list[str] = []
    load = load_picture
    monkeypatch.setattr(encode, "load_picture", lambda path: (decoded.append(path.name), load(path)))
    now = time.time() + 60  # as if every file had been there for long
    monkeypatch.setattr("onetrainer_web.pipeline.fingerprints.time.time", lambda: now)
    first = check_pictures(pictures, Watch(), memory=memory)
    assert len(decoded) == 20
    decoded.clear()
    assert check_pictures(pictures, Watch(), memory=memory) == first
    assert decoded == ["002.png"]
    cut_off(folder / "003.png")
    assert [Path(picture.path).name for picture in check_pictures(pictures, Watch(), memory=memory)] == [
        "002.png",
        "003.png",
    ]


def test_a_trained_text_encoder_leaves_prompts_alone(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept
) -> None:
    encoders = SmallEncoders(text_identity=None)
    items = planned_items(collected(make_concept(write_folder(SQUARES))))
    assert counts(fill_cache(items, encoders, TensorCache(tmp_path / "c"), Watch())) == (20, 0, 0, 0)
    assert encoders.prompts == []


def test_prompts_beyond_the_plan_can_be_encoded(tmp_path: Path, encoders: SmallEncoders) -> None:
    cache = TensorCache(tmp_path)
    assert fill_prompts(["", "a", ""], encoders, cache, Watch()) == (2, 0)
    assert cache.has(prompt_key("", "hash v1"))


def masked_items(folder: Path, **image: object) -> list[Item]:
    config = TrainConfig(resolution="64", masked_training=True)
    concept = ConceptConfig.model_validate({"path": str(folder), "image": image})
    return Planner(collected(concept), PlanOptions.of(config, multiple=8)).items([0])


def write_half_mask(picture: Path) -> None:
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 64))
    mask.save(picture.with_name(f"{picture.stem}-masklabel.png"))


def test_a_mask_moves_with_its_picture_and_lies_beside_its_latents(
    tmp_path: Path, write_folder: WriteFolder, encoders: SmallEncoders
) -> None:
    folder = write_folder(SQUARES[:2])
    write_half_mask(folder / "000.png")
    cache = TensorCache(tmp_path / "c")
    for is_flipped, expected in ((False, 1.0), (True, 0.0)):
        items = masked_items(folder, enable_random_flip=False, enable_fixed_flip=is_flipped)
        report = fill_cache(items, encoders, cache, Watch())
        with_mask, without = (cache.read(report.picture_keys[item.path, item.view]) for item in items)
        assert without.keys() == {LATENTS}
        mask_1HW, latents_CHW = with_mask[MASK], with_mask[LATENTS]
        assert mask_1HW.shape == (1, *latents_CHW.shape[1:])
        left, right = mask_1HW.chunk(2, dim=2)
        assert float(left.mean()) == expected
        assert float(right.mean()) == 1 - expected


def test_a_new_mask_touches_no_other_picture_and_a_broken_one_is_named(
    tmp_path: Path, write_folder: WriteFolder, encoders: SmallEncoders
) -> None:
    folder = write_folder(SQUARES[:4])
    fill_cache(masked_items(folder), encoders, TensorCache(tmp_path / "c"), Watch())
    write_half_mask(folder / "000.png")
    (folder / "001-masklabel.png").write_bytes(b"")
    report = fill_cache(masked_items(folder), encoders, TensorCache(tmp_path / "c"), Watch())
    assert (report.encoded_pictures, report.reused_pictures) == (1, 2)
    assert [(Path(skipped.path).name, skipped.reason) for skipped in report.broken] == [
        ("001.png", "has a mask that is empty (0 bytes)")
    ]


def test_a_folder_that_goes_away_ends_the_work_instead_of_leaving_its_pictures_out(
    tmp_path: Path, write_folder: WriteFolder, make_concept: MakeConcept, encoders: SmallEncoders
) -> None:
    folder = write_folder([(64, 64)] * 60)
    items = planned_items(collected(make_concept(folder)))

    def unmount(text: str, current: int, _total: int) -> None:
        if text == Doing.ENCODING_PICTURES and current == 16:
            folder.rename(tmp_path / "away")

    with pytest.raises(PicturesGoneError, match="is gone while its pictures are needed"):
        fill_cache(items, encoders, TensorCache(tmp_path / "c"), Watch(unmount))
