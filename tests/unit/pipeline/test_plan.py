"""Which samples train when."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrainer_web.config.concepts import ConceptConfig
from onetrainer_web.config.enums import ConceptType
from onetrainer_web.config.training import TrainConfig
from onetrainer_web.dataset.epochs import NoFullBatchError, samples_per_epoch
from onetrainer_web.dataset.scan import Picture
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.dataset.tags import SpecialTags
from onetrainer_web.errors import InvalidConfigError
from onetrainer_web.pipeline.items import ConceptData, Item, TrainingData, TrainingPicture
from onetrainer_web.pipeline.plan import (
    EpochPlan,
    Planner,
    PlanOptions,
    ValidationPlanner,
)
from onetrainer_web.protocol.events import SkippedPicture

SQUARE = (100, 100)
WIDE = (300, 100)


def concept_data(sizes: Sequence[tuple[int, int]], label: str = "cats", **settings: object) -> ConceptData:
    """A concept as if read from disk: plans look at sizes and captions only."""
    folder = Path("/pictures") / label
    pictures = tuple(
        TrainingPicture(
            Picture(folder / f"{number}.png", f"{number}.png", None, None, None), Size(*size), (f"{label} {number}",)
        )
        for number, size in enumerate(sizes)
    )
    config = ConceptConfig.model_validate({"path": str(folder), "seed": 7, **settings})
    return ConceptData(config, label, SpecialTags(), pictures)


def cut_to_masks(concept: ConceptData) -> ConceptData:
    """The same with a wide mask in the middle of each picture, around which it is cut out."""
    return replace(concept, pictures=tuple(replace(each, masked=(10, 40, 90, 60)) for each in concept.pictures))


def planner(*concepts: ConceptData, batch_size: int = 2, resolution: str = "64", is_cached: bool = True) -> Planner:
    config = TrainConfig(batch_size=batch_size, resolution=resolution, latent_caching=is_cached)
    options = PlanOptions.of(config, multiple=8)
    return Planner(TrainingData(concepts, ()), options)


def samples(plan: EpochPlan) -> list[Item]:
    return [item for batch in plan.batches for item in batch] + list(plan.leftovers)


def numbers(plan: EpochPlan) -> list[int]:
    return sorted(int(item.path.stem) for item in samples(plan))


def test_every_sample_trains_once_an_epoch_or_is_left_over_by_name() -> None:
    plan = planner(concept_data([SQUARE] * 5 + [WIDE] * 3)).plan_epoch(0)
    assert numbers(plan) == list(range(8))
    assert len(plan.batches) == 3
    assert len(plan.leftovers) == 2
    assert {item.view.target for item in plan.leftovers} == {Size(64, 64), Size(112, 40)}
    assert all(item.name.startswith("cats/") for item in plan.leftovers)


def test_a_batch_has_one_size() -> None:
    plan = planner(concept_data([SQUARE, WIDE] * 10), batch_size=3).plan_epoch(0)
    assert all(len({item.view.target for item in batch}) == 1 for batch in plan.batches)
    assert [(b.size, b.count, b.kept, b.left_over) for b in plan.buckets] == [
        (Size(64, 64), 10, 9, 1),
        (Size(112, 40), 10, 9, 1),
    ]


def test_the_left_over_picture_changes_from_epoch_to_epoch() -> None:
    plans = planner(concept_data([SQUARE] * 5))
    assert len({plans.plan_epoch(epoch).leftovers[0].name for epoch in range(30)}) == 5


def test_a_plan_depends_on_seed_and_epoch_alone() -> None:
    concept = concept_data([SQUARE] * 9 + [WIDE] * 9, image_variations=3)
    straight = planner(concept)
    in_order = [straight.plan_epoch(epoch) for epoch in range(4)]
    fresh = [planner(concept).plan_epoch(epoch) for epoch in (3, 1, 2, 0)]
    assert [fresh[3], fresh[1], fresh[2], fresh[0]] == in_order
    assert len({plan.batches for plan in in_order}) == 4
    assert len({tuple(batch[0].view.target for batch in plan.batches) for plan in in_order}) > 1, "sizes take turns"


@given(st.integers(1, 12), st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.7, 3.0]), st.integers(0, 5), st.integers(1, 3))
def test_epochs_go_on_through_the_list_where_the_last_one_ended(
    num_pictures: int, balancing: float, num_epochs: int, variations: int
) -> None:
    concept = concept_data([SQUARE] * num_pictures, balancing=balancing, image_variations=variations)
    plans = planner(concept, batch_size=1)
    drawn = [number for epoch in range(num_epochs) for number in numbers(plans.plan_epoch(epoch))]
    per_epoch = int(num_pictures * balancing)
    expected = [position % num_pictures for position in range(num_epochs * per_epoch)]
    assert Counter(drawn) == Counter(expected)


@given(
    st.integers(1, 6),
    st.sampled_from([0.5, 1.0, 1.7]),
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["64", "64,96"]),
    st.booleans(),
    st.booleans(),
)
def test_counts_and_items_without_planning_equal_those_of_the_plans(
    num_pictures: int,
    balancing: float,
    num_images: int,
    num_texts: int,
    resolution: str,
    is_cached: bool,
    is_cut_to_masks: bool,
) -> None:
    concepts = [
        concept_data(
            [SQUARE, WIDE] * num_pictures, balancing=balancing, image_variations=num_images, text_variations=num_texts
        ),
        concept_data([WIDE] * num_pictures, label="dogs", balancing=3, balancing_strategy="SAMPLES"),
    ]
    if is_cut_to_masks:
        concepts[0] = cut_to_masks(concepts[0])
    plans = planner(*concepts, batch_size=1, resolution=resolution, is_cached=is_cached)
    epochs = [plans.plan_epoch(epoch) for epoch in range(8)]
    assert plans.count_steps(8) == [len(plan.batches) for plan in epochs]
    assert set(plans.items(range(8))) == {item for plan in epochs for item in samples(plan)}


def test_a_picture_that_is_cut_to_its_mask_trains_at_the_size_of_the_cut() -> None:
    plans = planner(cut_to_masks(concept_data([SQUARE] * 4, image_variations=20)), batch_size=1)
    drawn = [item for epoch in range(20) for item in samples(plans.plan_epoch(epoch))]
    assert all(item.view.window and item.size == item.view.window.size for item in drawn)
    assert all(item.size.width >= item.size.height for item in drawn)
    assert all(item.view.target.width > item.view.target.height for item in drawn)
    assert sum(bucket.count for bucket in plans.plan_epoch(0).buckets) == 4


def test_half_a_repeat_alternates_halves() -> None:
    plans = planner(concept_data([SQUARE] * 4, balancing=0.5))
    assert [numbers(plans.plan_epoch(epoch)) for epoch in range(3)] == [[0, 1], [2, 3], [0, 1]]


@pytest.mark.parametrize(
    ("strategy", "balancing", "expected"),
    [("REPEATS", 1.0, 10), ("REPEATS", 2.55, 25), ("REPEATS", 0, 0), ("SAMPLES", 3.9, 3), ("SAMPLES", 25, 25)],
)
def test_balancing_is_rounded_down(strategy: str, balancing: float, expected: int) -> None:
    concept = concept_data([SQUARE] * 10, balancing=balancing, balancing_strategy=strategy)
    assert samples_per_epoch(concept) == expected


def test_a_concept_without_pictures_has_no_samples() -> None:
    assert samples_per_epoch(concept_data([], balancing=25, balancing_strategy="SAMPLES")) == 0


def test_infinite_balancing_is_refused_in_words() -> None:
    with pytest.raises(InvalidConfigError, match="balancing"):
        samples_per_epoch(concept_data([SQUARE], balancing=float("inf")))


def test_cached_variations_come_round_and_uncached_ones_never_repeat() -> None:
    concept = concept_data([(200, 100)], image_variations=2)
    cached = planner(concept, batch_size=1, resolution="64x64")
    lefts = [samples(cached.plan_epoch(epoch))[0].view.left for epoch in range(6)]
    assert lefts[:2] * 3 == lefts
    assert len(cached.items(range(6))) == 2
    uncached = planner(concept, batch_size=1, resolution="64x64", is_cached=False)
    assert len({samples(uncached.plan_epoch(epoch))[0].view.left for epoch in range(30)}) > 10


def test_prompts_vary_freely_when_a_text_encoder_is_trained() -> None:
    concept = concept_data([SQUARE], text={"enable_tag_shuffling": True, "tag_delimiter": " ", "keep_tags_count": 0})
    options = PlanOptions.of(TrainConfig(resolution="64"), multiple=8, caches_prompts=False)
    plans = Planner(TrainingData((concept,), ()), options)
    prompts = {samples(plans.plan_epoch(epoch))[0].prompt for epoch in range(20)}
    assert prompts == {"cats 0", "0 cats"}
    assert len({item.view for item in plans.items(range(20))}) == 1


def test_several_captions_take_turns_over_the_text_variations() -> None:
    concept = concept_data([SQUARE], text_variations=20)
    picture = TrainingPicture(concept.pictures[0].file, Size(*SQUARE), ("one", "two"))
    concept = ConceptData(concept.config, "cats", SpecialTags(), (picture,))
    plans = planner(concept, batch_size=1)
    assert {samples(plans.plan_epoch(epoch))[0].prompt for epoch in range(20)} == {"one", "two"}


def test_several_resolutions_are_drawn_by_picture() -> None:
    plans = planner(concept_data([SQUARE] * 40), batch_size=1, resolution="64,128")
    sizes = Counter(item.view.target for item in samples(plans.plan_epoch(0)))
    assert sizes.keys() == {Size(64, 64), Size(128, 128)}
    assert min(sizes.values()) > 8


def test_a_concept_can_have_its_own_resolution() -> None:
    own = {"enable_resolution_override": True, "resolution_override": "32"}
    plan = planner(concept_data([SQUARE] * 2, image=own), concept_data([SQUARE] * 2, label="dogs")).plan_epoch(0)
    assert {(item.concept, item.view.target) for item in samples(plan)} == {
        ("cats", Size(32, 32)),
        ("dogs", Size(64, 64)),
    }


def test_removing_a_picture_leaves_the_crops_and_prompts_of_the_others() -> None:
    concept = concept_data([(150 + number, 100) for number in range(8)], image_variations=2)
    data = TrainingData((concept,), ())
    broken = SkippedPicture(path=str(concept.pictures[3].file.path), reason="is cut off")
    options = PlanOptions.of(TrainConfig(resolution="64"), multiple=8)
    before = set(Planner(data, options).items(range(4)))
    after = set(Planner(data.without([broken]), options).items(range(4)))
    assert after == {item for item in before if str(item.path) != broken.path}
    assert data.without([broken]).skipped == (broken,)


def test_steps_are_counted_without_making_the_epochs() -> None:
    plans = planner(concept_data([SQUARE] * 5 + [WIDE] * 3, balancing=0.5), resolution="64,96")
    steps = plans.count_steps(6)
    assert steps == [len(plans.plan_epoch(epoch).batches) for epoch in range(6)]


def test_no_full_batch_is_an_error_that_shows_the_buckets() -> None:
    with pytest.raises(NoFullBatchError, match=r"No batch of 4 .*64x64: 3, 112x40: 2"):
        planner(concept_data([SQUARE] * 3 + [WIDE] * 2), batch_size=4).count_steps(3)


def test_validation_takes_each_picture_once_cropped_in_the_middle() -> None:
    concept = concept_data(
        [SQUARE, (200, 100)], balancing=5, type=ConceptType.VALIDATION.value, image={"enable_fixed_flip": True}
    )
    options = PlanOptions.of(TrainConfig(resolution="64x64", batch_size=8), 8)
    plan = ValidationPlanner(TrainingData((concept,), ()), options).plan_epoch(3)
    assert [[item.name for item in batch] for batch in plan.batches] == [["cats/0.png"], ["cats/1.png"]]
    assert (plan.batches[1][0].view.left, plan.batches[1][0].view.is_flipped) == (32, False)
    assert plan.batches[1][0].prompt == "cats 1"


def test_another_seed_gives_other_crops_and_another_order() -> None:
    concept = concept_data([(200, 100)] * 8)
    data = TrainingData((concept,), ())
    config = TrainConfig(resolution="64x64")
    plain = PlanOptions.of(config, 8)
    options = [replace(plain, views=replace(plain.views, seed=seed)) for seed in (1, 2)]
    one, two = (Planner(data, option).plan_epoch(0) for option in options)
    assert [item.name for item in samples(one)] != [item.name for item in samples(two)]
    assert {item.view for item in samples(one)} != {item.view for item in samples(two)}
