"""OneTrainer's bucket rule. Expected sizes were worked out by hand from the rule: sides t·√a and t/√a, rounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrainer_web.dataset.buckets import (
    ASPECTS,
    bucket_for,
    bucket_sizes,
    cover,
    parse_resolution,
    plan_buckets,
    training_size,
)
from onetrainer_web.dataset.sizes import Size
from onetrainer_web.errors import InvalidConfigError

# t = 512, multiple 8: √1.25 = 1.1180, √1.5 = 1.2247, √1.75 = 1.3229, √2 = 1.4142, √2.5 = 1.5811, √3 = 1.7321,
# √3.5 = 1.8708, √4 = 2. For 1:1.25: 512·1.1180 = 572.4 → 71.55·8 → 576; 512/1.1180 = 457.9 → 57.2·8 → 456.
WIDE_512_BY_8 = [
    Size(1024, 256),
    Size(960, 272),
    Size(888, 296),
    Size(808, 320),
    Size(728, 360),
    Size(680, 384),
    Size(624, 416),
    Size(576, 456),
    Size(512, 512),
]
# t = 1024, multiple 64: 1:1.25 → 1144.9/64 = 17.9 → 1152, 915.9/64 = 14.3 → 896; 1:1.75 → 1354.6/64 = 21.2 → 1344,
# 774.0/64 = 12.1 → 768; 1:3.5 → 1915.7/64 = 29.9 → 1920, 547.3/64 = 8.6 → 576.
WIDE_1024_BY_64 = [
    Size(2048, 512),
    Size(1920, 576),
    Size(1792, 576),
    Size(1600, 640),
    Size(1472, 704),
    Size(1344, 768),
    Size(1280, 832),
    Size(1152, 896),
    Size(1024, 1024),
]


@pytest.mark.parametrize(("target", "multiple", "wide"), [(512, 8, WIDE_512_BY_8), (1024, 64, WIDE_1024_BY_64)])
def test_the_list_of_buckets(target: int, multiple: int, wide: list[Size]) -> None:
    tall = [Size(size.height, size.width) for size in reversed(wide[:-1])]
    assert list(bucket_sizes(target, multiple)) == wide + tall


def test_buckets_that_round_to_the_same_size_are_one() -> None:
    # 64/√4 = 32 and 64·√4 = 128 in multiples of 64: 32 rounds half to even, to 0, and at least one multiple remains.
    assert bucket_sizes(64, 64) == (Size(128, 64), Size(64, 64), Size(64, 128))


@pytest.mark.parametrize(
    ("size", "bucket"),
    [
        ((3000, 2000), Size(624, 416)),
        ((2000, 3000), Size(416, 624)),
        ((512, 512), Size(512, 512)),
        ((1920, 1080), Size(680, 384)),  # 0.5625 lies nearest to 384/680 = 0.5647
        ((100_000, 1), Size(1024, 256)),
        ((1, 100_000), Size(256, 1024)),
        ((1, 1), Size(512, 512)),
        # 0.88: 456/576 = 0.7917 is 0.0883 away and 1.0 is 0.12 away.
        ((100, 88), Size(576, 456)),
        # Height/width 1.12: 1.0 is 0.12 away, 576/456 = 1.2632 is 0.1432 away; on logarithms it would be the other.
        ((100, 112), Size(512, 512)),
        # 1.128: 0.128 against 0.1352 on the ratio itself; log(1.128) = 0.1204 against 0.1132.
        ((1000, 1128), Size(512, 512)),
    ],
)
def test_the_bucket_with_the_nearest_height_by_width(size: tuple[int, int], bucket: Size) -> None:
    assert bucket_for(*size, 512, 8) == bucket


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.integers(64, 2048), st.sampled_from([8, 16, 32, 64, 128]))
def test_a_picture_covers_its_bucket_and_no_bucket_is_nearer(w: int, h: int, target: int, multiple: int) -> None:
    bucket = bucket_for(w, h, target, multiple)
    assert bucket.width % multiple == bucket.height % multiple == 0
    distance = abs(bucket.height / bucket.width - h / w)
    assert all(distance <= abs(b.height / b.width - h / w) for b in bucket_sizes(target, multiple))
    scaled = cover(Size(w, h), bucket)
    assert scaled.width >= bucket.width
    assert scaled.height >= bucket.height
    assert scaled.width == bucket.width or scaled.height == bucket.height


def test_there_are_seventeen_shapes() -> None:
    assert len(ASPECTS) == 17
    assert ASPECTS[0] == 0.25
    assert ASPECTS[-1] == 4


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("512", (512,)),
        ("512,768", (512, 768)),
        (" 512 , 768 ", (512, 768)),
        ("1024x768", (Size(1024, 768),)),
        ("1024X768", (Size(1024, 768),)),
    ],
)
def test_resolutions_are_understood(text: str, targets: tuple[object, ...]) -> None:
    assert parse_resolution(text) == targets


@pytest.mark.parametrize("text", ["", "512,", "x", "512x", "1x2x3", "-512", "51.2", "0", "512x0", "99999", "²", "abc"])
def test_other_resolutions_are_refused_in_words(text: str) -> None:
    with pytest.raises(InvalidConfigError, match="resolution"):
        parse_resolution(text)


def test_an_exact_size_is_rounded_to_the_multiple() -> None:
    assert training_size(Size(10, 10), Size(1020, 770), 64, is_bucketed=True) == Size(1024, 768)


def test_without_bucketing_everything_is_square() -> None:
    assert training_size(Size(4000, 1000), 512, 8, is_bucketed=False) == Size(512, 512)


def test_left_over_samples_are_counted() -> None:
    square, wide = Size(512, 512), Size(624, 416)
    buckets = plan_buckets([square] * 7 + [wide] * 3, batch_size=4)
    assert [(b.size, b.count, b.kept, b.left_over) for b in buckets] == [(square, 7, 4, 3), (wide, 3, 0, 3)]
